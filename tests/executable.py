"""Moved to tests/support/executable.py; this name goes when no suite imports it."""

from tests.support.executable import (
    COMMAND,
    NOBODY,
    NOT_FOUND,
    ROOT,
    Completed,
    Executable,
    pinned_environment,
)

__all__ = [
    "COMMAND",
    "NOBODY",
    "NOT_FOUND",
    "ROOT",
    "Completed",
    "Executable",
    "pinned_environment",
]
