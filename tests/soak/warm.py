"""The modules that a cached answer loads, and the files that it opens.

Structure, not time: the list is the same on a busy machine.
"""

from __future__ import annotations

import sys

from tests.support.executable import ROOT, Executable
from tests.support.programs import ran

# This variable has the interpreter report every module that it loads, on standard error.
_PROFILE = "PYTHONPROFILEIMPORTTIME"


def loaded(
    environment: dict[str, str],
    request: str,
    *,
    arguments: tuple[str, ...] = ("get",),
    status: int = 0,
) -> set[str]:
    """The modules that one ``get`` loads and a bare interpreter does not."""
    variables = environment | {_PROFILE: "1"}
    idle = ran(sys.executable, "-c", "pass", env=variables, cwd=ROOT, check=True)
    done = Executable(variables).run(*arguments, stdin=request)
    assert done.status == status, done
    return _modules(done.stderr) - _modules(idle.stderr)


def _modules(report: str) -> set[str]:
    lines = (line for line in report.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines} - {"imported package"}
