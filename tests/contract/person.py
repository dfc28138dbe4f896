"""Somebody who calls the executable by its name, as it was installed, and looks at what it says."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from tests.clients.machine import EXECUTABLE
from tests.executable import Completed, Executable, pinned_environment

PROGRAM = "docker-credential-multi"
_HUNG_S = 60
# So that Ctrl-C is a signal, and a password is asked for where it is typed.
_AT_TERMINAL = """\
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Person:
    """A HOME, and a PATH of one folder with the executable in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.programs = home / ".local/bin"
        self.programs.mkdir(parents=True)
        self.program = self.programs / PROGRAM
        self.program.symlink_to(EXECUTABLE)
        self.environment = {**pinned_environment(home), "PATH": str(self.programs)}

    def run(self, *arguments: str, stdin: str = "", **variables: str) -> Completed:
        """Call it with nobody at the terminal."""
        executable = Executable(self.environment | variables, [str(self.program)])
        return executable.run(*arguments, stdin=stdin)

    def write(self, path: str, text: str) -> Path:
        """A file below HOME."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def helper(self, name: str, body: str = "exit 1") -> Path:
        """Another helper on PATH."""
        path = self.programs / f"docker-credential-{name}"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    def at_terminal(
        self,
        *arguments: str,
        answers: tuple[tuple[str, str], ...] = (),
        stdout: str | None = None,
    ) -> tuple[int, str]:
        """Call it at a terminal; its exit status, and all that was to be seen.

        ``answers`` are what is waited for, and what is typed then. With ``stdout`` standard output
        goes to this file, and the terminal shows the rest.
        """
        environment = {"TERM": "xterm", "COLUMNS": "100"} | self.environment
        ours, theirs = pty.openpty()
        with open(stdout, "wb") if stdout else os.fdopen(os.dup(theirs), "wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-c", _AT_TERMINAL, str(self.program), *arguments],
                env=environment,
                stdin=theirs,
                stdout=output,
                stderr=theirs,
                start_new_session=True,
            )
        os.close(theirs)
        seen = _converse(ours, answers)
        return process.wait(_HUNG_S), seen


@pytest.fixture
def person(home: Path) -> Person:
    """Somebody whom nobody knows anywhere."""
    return Person(home)


def _converse(fd: int, answers: tuple[tuple[str, str], ...]) -> str:
    """Answer each question when it is asked, and read to the end."""
    seen = b""
    left = list(answers)
    ends_at_s = monotonic() + _HUNG_S
    with os.fdopen(fd, "r+b", buffering=0) as terminal:
        while select.select([terminal], [], [], max(0.0, ends_at_s - monotonic()))[0]:
            try:
                chunk = terminal.read(1 << 16)
            except OSError:
                break  # the last process with this terminal has ended
            if not chunk:
                break
            seen += chunk
            if left and left[0][0].encode() in seen:
                terminal.write(left.pop(0)[1].encode())
    assert not left, seen
    return seen.decode().replace("\r\n", "\n")
