"""``python -m tests.differential``: prints figures, exits 1 at a wrong answer."""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.differential.run import KINDS, Tally, run

_SHOWN = 200


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("--fraction", type=float, default=1.0, help="of all machines, from 0 to 1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("clouds", nargs="*", default=KINDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(len(KINDS)) as pool:

        def one(cloud: str) -> Tally:
            place = Path(folder, cloud)
            place.mkdir()
            return run(cloud, place, options.seed, fraction=options.fraction)

        tallies = dict(zip(options.clouds, pool.map(one, options.clouds), strict=True))
    for cloud, tally in tallies.items():
        for wrong in (*tally.wrong[:_SHOWN], *tally.asked_again[:_SHOWN]):
            print(wrong)
        for name in tally.silent:
            print(f"{name}: no credential")
        print(
            f"{cloud}: {tally.machines} machines, {tally.answered} with an identity that works: "
            f"{len(tally.wrong)} answered otherwise than without the cache; "
            f"{tally.renewed} renewed tokens, {len(tally.asked_again)} asked again"
        )
    return any(tally.wrong or tally.asked_again or tally.silent for tally in tallies.values())


sys.exit(main())
