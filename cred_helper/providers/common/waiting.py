"""What each thread waits for at the moment, so that a passed deadline can name it.

A provider works in a thread of its own and is given up at the deadline, whatever it is stuck in: a
server that sends one byte a second, a program that asks for something.
"""

from __future__ import annotations

from threading import get_ident

_waiting: dict[int, str] = {}


def start(upstream: str) -> None:
    """Note what this thread begins to wait for: a server or a program, named as in a message."""
    _waiting[get_ident()] = upstream


def end() -> None:
    _waiting.pop(get_ident(), None)


def of_thread(ident: int | None) -> str:
    """What a thread waits for; ``""`` where that is not known."""
    return _waiting.get(ident, "") if ident is not None else ""
