"""Run the fuzzers, two at a time, and print what each tried.

``python -m tests.fuzz [--guided] [--seconds N] [--seed S] [TARGET…]``
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from tests.fuzz.guided import GuidedRun
from tests.fuzz.run import Run
from tests.fuzz.targets import TARGETS
from tests.support.executable import ROOT

# At least this many server URLs: none outside the tables causes a request.
_URLS = 1_000_000
_AT_ONCE = 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=float, default=10, help="for each target")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--guided", action="store_true", help="by coverage; needs atheris")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    names = arguments.targets or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if arguments.alone:
        return _run(names[0], arguments.seconds, arguments.seed)

    def run(name: str) -> bool:
        if arguments.guided:
            guided = GuidedRun(name, arguments.seed).go(arguments.seconds)
            print("\n  ".join([guided.figures(), *guided.crashers]), flush=True)
            return not guided.crashers
        # A process for each target: some change their process, and SDKs leave memory behind.
        options = ("--alone", "--seconds", str(arguments.seconds), "--seed", str(arguments.seed))
        command = [sys.executable, "-m", "tests.fuzz", name, *options]
        return subprocess.run(command, check=False, cwd=ROOT).returncode == 0

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return 0 if all(list(pool.map(run, names))) else 1


def _run(name: str, seconds: float, seed: int) -> int:
    with closing(TARGETS[name]()) as target:
        done = Run(target, seed).go(seconds=seconds, at_least=_URLS if name == "urls" else 0)
    print("\n  ".join([done.figures(), *done.keep_crashers()]), flush=True)
    return 1 if done.crashers else 0


if __name__ == "__main__":
    sys.exit(main())
