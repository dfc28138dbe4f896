"""This program as others see it: which file it is, and the command that calls it."""

from __future__ import annotations

import os
import sys

from cred_helper import programs, stdio
from cred_helper.commands.ui import shell

# The name of this program among the helpers that a client's file names.
HELPER = "multi"


def on_path() -> str | None:
    """The file that clients find by this program's name."""
    return programs.find(stdio.PROGRAM, os.environ)


def file() -> str | None:
    """The file that was called; ``None`` where Python runs the module."""
    called = sys.argv[0]
    if os.path.basename(called) == "__main__.py":
        return None
    if os.path.dirname(called):
        return os.path.abspath(called)
    # Called by its bare name: only a frozen program knows its own file.
    return sys.executable if getattr(sys, "frozen", False) else None


def is_this(path: str) -> bool:
    """Whether a file is this program, by any name or link."""
    own = file()
    return own is not None and is_same_file(path, own)


def is_same_file(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def command(*arguments: str) -> str:
    """The line that calls this program, to paste into a shell."""
    own = file()
    if on_path():
        words = [stdio.PROGRAM]
    else:
        words = [own] if own else [sys.executable, "-m", "cred_helper"]
    return shell.line(*words, *arguments)
