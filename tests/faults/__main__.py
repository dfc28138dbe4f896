"""``python -m tests.faults [--write] [CLOUD…]``: run every row of the matrix."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.faults import outcomes
from tests.faults.matrix import Matrix
from tests.faults.steps import STEPS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clouds", nargs="*", metavar="CLOUD", help=", ".join(STEPS))
    parser.add_argument("--write", action="store_true", help="write the outcomes to the table")
    arguments = parser.parse_args()
    failed = False
    for cloud in arguments.clouds or STEPS:
        with tempfile.TemporaryDirectory() as name:
            found = Matrix(Path(name)).run(cloud)
        if arguments.write:
            outcomes.write(found)
        for outcome in found:
            used = (f"{outcome.took_s:.1f} s", f"{outcome.memory_mib} MiB")
            print(*outcome.line, outcome.requests, *used, sep=" | ")
        for difference in outcomes.differences(found):
            failed = True
            print("!", difference)
        print(f"{cloud}: {outcomes.figures(found)}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
