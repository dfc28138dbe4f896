"""``python -m tests.roots.release VERSION ARCHITECTURE…``: the Linux parts of a release, in roots.

Each is built in Debian 12, with the updates of today, and left where ``make release`` on a machine
of that architecture leaves it. With an emulated processor it takes hours.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial

from tests.roots import steps, this_machine
from tests.roots.outcome import Verdict
from tests.roots.root import WORK, Root
from tests.roots.steps import Step
from tests.support.executable import ROOT

# packaging/interpreter.toml pins the Python of this one.
_SYSTEM = "debian12"


def main(arguments: Sequence[str]) -> None:
    """Build each part; exit with the first error."""
    parser = argparse.ArgumentParser(prog="python -m tests.roots.release", description=__doc__)
    parser.add_argument("version")
    parser.add_argument("architectures", nargs="+", choices=("amd64", "arm64"))
    options = parser.parse_args(arguments)
    this_machine.install_tools()
    for architecture in options.architectures:
        root = Root(f"{_SYSTEM}-{architecture}")
        if not root.is_there:
            _take(root, "root", 1800, steps.make_root)
        _take(root, "release", 3600, partial(_part, version=options.version))


def _take(root: Root, name: str, limit_s: float, body: Callable[[Step], str]) -> None:
    print(f"{root.name}: {name} …", file=sys.stderr, flush=True)
    outcome = steps.taken(root, name, limit_s, body)
    if outcome.verdict is not Verdict.OK:
        sys.exit(f"error: {root.name}: {name}: {outcome.words}")


def _part(step: Step, version: str) -> str:
    """Build the part of a root in it, and copy it here."""
    root = step.root
    steps.check_out(root)
    steps.install(step, "demo", "frozen")
    step.shell("apt-get update -qq; apt-get upgrade -y -qq", network=True)
    step.shell(f"cd {WORK}; make release VERSION={version}", network=True)
    part = f"build/release/{version}/linux-{root.architecture}"
    shutil.rmtree(ROOT / part, ignore_errors=True)
    shutil.copytree(root.work / part, ROOT / part)
    return ""


if __name__ == "__main__":
    main(sys.argv[1:])
