"""`python -m tests.pictures`: draw the terminal pictures of README from real output.

A picture in which only figures change (times, ports, dates) stays as it is.
"""

from __future__ import annotations

import sys

from tests.pictures.drawn import FOLDER, drawn, new_words
from tests.support.executable import ROOT


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, picture in drawn().items():
        path = FOLDER / f"{name}.svg"
        verdict = "is unchanged"
        if not path.exists() or new_words(path.read_text("utf-8"), picture):
            path.write_text(picture, "utf-8")
            verdict = "is new: review it"
        sys.stdout.write(f"{path.relative_to(ROOT)} {verdict}\n")


if __name__ == "__main__":
    main()
