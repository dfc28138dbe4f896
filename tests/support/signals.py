"""Signals that the caller of pytest ignores or blocks, as ``nohup`` and ``&`` do.

A child inherits ignored and blocked signals. The tests of signals need children that have neither,
and the session itself must still survive the hangup that ``nohup`` protects it from.
"""

from __future__ import annotations

import os
import signal
from types import FrameType

# An environment variable, which pytest's workers inherit.
_IGNORED = "PYTEST_IGNORED_SIGNALS"
# CPython ignores these in itself and resets them in what it starts.
_OF_PYTHON = {"SIGPIPE", "SIGXFSZ"}


def _ignore(signum: int, frame: FrameType | None) -> None:
    """Do nothing. Unlike ``SIG_IGN``, a handler is not inherited."""
    del signum, frame


def reset() -> None:
    """Ignore what the caller ignores, but in this process alone; block nothing."""
    handed_down = set(os.environ.get(_IGNORED, "").split())
    ignored = {
        found.name
        for found in signal.valid_signals()
        if isinstance(found, signal.Signals) and signal.getsignal(found) is signal.SIG_IGN
    }
    ignored = (ignored | handed_down) - _OF_PYTHON
    os.environ[_IGNORED] = " ".join(sorted(ignored))
    for name in ignored:
        signal.signal(signal.Signals[name], _ignore)
    if "SIGINT" in ignored:  # a test can still be interrupted
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if "SIGCHLD" in ignored:  # otherwise no exit status can be read
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def open_standard_input() -> None:
    """Open /dev/null as standard input where the caller has closed it."""
    try:
        os.fstat(0)
    except OSError:
        os.open(os.devnull, os.O_RDONLY)
