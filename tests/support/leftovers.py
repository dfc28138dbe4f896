"""Processes that a test leaves behind, its own and those of the programs that it ran."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob
from pathlib import Path
from time import monotonic, sleep

from tests.support import preloaded

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Become the parent of every process below this one whose own parent ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@contextmanager
def none_left(within_s: float = 10.0) -> Iterator[None]:
    """Fail if a process that was started meanwhile is still running, and end it.

    A killed process on a busy machine takes a while. Only Linux lists children.
    """
    before = _children()
    yield
    ends_at_s = monotonic() + within_s
    late: list[str] = []
    while left := _running(_children() - before - preloaded.pids()):
        if monotonic() < ends_at_s:
            sleep(0.01)
            continue
        late += left.values()
        for pid in left:  # their children are now this process's: the next round finds them
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    assert not late, f"still running: {sorted(late)}"


def _children() -> set[int]:
    found: set[int] = set()
    for path in glob("/proc/self/task/*/children"):
        try:
            found.update(map(int, Path(path).read_text().split()))
        except OSError:
            pass  # the thread has ended
    return found


def _running(pids: set[int]) -> dict[int, str]:
    found = {}
    for pid in pids:
        try:
            ended, _ = os.waitpid(pid, os.WNOHANG)
            if not ended:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                found[pid] = b" ".join(words).decode(errors="replace")
        except (ChildProcessError, FileNotFoundError):
            pass  # it has ended
    return found
