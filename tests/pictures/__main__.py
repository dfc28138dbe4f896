"""`python -m tests.pictures`: README's pictures of a terminal, made anew from the real thing.

A picture in which only figures have changed (times, ports, dates) is left as it is.
"""

from __future__ import annotations

import sys

from tests.pictures.drawn import FOLDER, drawn, is_same
from tests.support.executable import ROOT


def main() -> None:
    """Draw every picture, and say which has to be looked at."""
    FOLDER.mkdir(exist_ok=True)
    for name, picture in drawn().items():
        path = FOLDER / f"{name}.svg"
        verdict = "is as it was"
        if not path.exists() or not is_same(path.read_text("utf-8"), picture):
            path.write_text(picture, "utf-8")
            verdict = "is new: look at it"
        sys.stdout.write(f"{path.relative_to(ROOT)} {verdict}\n")


if __name__ == "__main__":
    main()
