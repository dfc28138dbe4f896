"""``python -m tests.memo``: the differential fuzzer of the memo; exits 1 at a wrong answer."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.differential.run import KINDS
from tests.memo.driver import built
from tests.memo.fuzz import Tally, by_driver, run

_SHOWN = 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.memo", description=__doc__)
    parser.add_argument("--rounds", type=int, default=250, help="machines of each cloud")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("clouds", nargs="*", default=KINDS)
    options = parser.parse_args()
    total = Tally()
    for cloud in options.clouds:
        with tempfile.TemporaryDirectory() as folder:
            launch = by_driver(built(Path(folder)))
            tally = run(cloud, Path(folder), launch, options.seed, options.rounds)
        print(
            f"{cloud}: {options.rounds} machines, {tally.with_memo} with a memo; {tally.changes} "
            f"changes, {tally.answered} answered after one, {len(tally.wrong)} otherwise than "
            "without the memo",
            flush=True,
        )
        total.add(tally)
    print(*total.wrong[:_SHOWN], sep="\n")
    return bool(total.wrong)


sys.exit(main())
