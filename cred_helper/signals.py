"""What happens before a signal ends this process.

Covers the signals that ask for an end; one that is ignored stays ignored. Where signals cannot be
handled (not in the main thread, another system) nothing changes.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class EndingSignals:
    """While this context lasts, a signal that asks for an end calls ``then`` with its number."""

    def __init__(self, then: Callable[[int], None]) -> None:
        self._then = then
        self._handlers: dict[int, object] = {}

    def __enter__(self) -> None:
        import signal

        for name in NAMES:
            signum = getattr(signal, name, None)
            if signum is None or signal.getsignal(signum) in (signal.SIG_IGN, None):
                continue  # absent on this system, ignored, or not set by Python
            try:
                self._handlers[signum] = signal.signal(signum, self._on_signal)
            except ValueError:
                return  # only the main thread may handle signals

    def __exit__(self, *_: object) -> None:
        import signal

        for signum, handler in self._handlers.items():
            signal.signal(signum, handler)  # type: ignore[arg-type]

    def _on_signal(self, signum: int, _frame: FrameType | None) -> None:
        self._then(signum)


def finish_first(action: Callable[[], None]) -> None:
    """Run an action to its end; a signal that asks for an end takes effect after it."""
    import os

    received: list[int] = []
    try:
        with EndingSignals(received.append):
            action()
    finally:
        if received:
            os.kill(os.getpid(), received[0])


def end_by(signum: int) -> None:
    """End this process by a signal, as it would have ended without a handler."""
    import os
    import signal

    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)
