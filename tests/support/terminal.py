"""A conversation with a program at a pseudo terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from time import monotonic

_HUNG_S = 60
# With a controlling terminal, Ctrl-C is a signal and a password prompt reads from the terminal.
_AT_TERMINAL = """\
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def at_terminal(
    command: Sequence[str],
    environment: Mapping[str, str],
    answers: Sequence[tuple[str, str]] = (),
    stdout: str | None = None,
) -> tuple[int, str]:
    """Run a command at a terminal; its exit status, and everything the terminal showed.

    ``answers`` are pairs of a question to wait for and the text to type then. With ``stdout``,
    standard output goes to this file and the terminal shows the rest.
    """
    ours, theirs = pty.openpty()
    with open(stdout, "wb") if stdout else os.fdopen(os.dup(theirs), "wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _AT_TERMINAL, *command],
            env={"TERM": "xterm", "COLUMNS": "100"} | dict(environment),
            stdin=theirs,
            stdout=output,
            stderr=theirs,
            start_new_session=True,
        )
    os.close(theirs)
    shown = _converse(ours, answers)
    return process.wait(_HUNG_S), shown


def _converse(fd: int, answers: Sequence[tuple[str, str]]) -> str:
    shown = b""
    left = list(answers)
    ends_at_s = monotonic() + _HUNG_S
    with os.fdopen(fd, "r+b", buffering=0) as terminal:
        while select.select([terminal], [], [], max(0.0, ends_at_s - monotonic()))[0]:
            try:
                chunk = terminal.read(1 << 16)
            except OSError:
                break  # the last process at this terminal has ended
            if not chunk:
                break
            shown += chunk
            if left and left[0][0].encode() in shown:
                terminal.write(left.pop(0)[1].encode())
    assert not left, shown
    return shown.decode().replace("\r\n", "\n")
