"""What is done when somebody ends this process by a signal, before it ends.

Only the signals that ask for an end; one that is ignored stays ignored. Where signals are not to be
had (another thread than the main one, another system) nothing is changed.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class EndingSignals:
    """While this context lasts, a signal that asks for an end calls ``then`` with its number."""

    __slots__ = ("_handlers", "_then")

    def __init__(self, then: Callable[[int], None]) -> None:
        self._then = then
        self._handlers: dict[int, object] = {}

    def __enter__(self) -> None:
        import signal

        for name in _NAMES:
            signum = getattr(signal, name, None)
            if signum is None or signal.getsignal(signum) in (signal.SIG_IGN, None):
                continue  # not on this system; not meant to end us; not Python's to set back
            try:
                self._handlers[signum] = signal.signal(signum, self._on_signal)
            except ValueError:
                return  # only the main thread is told of signals

    def __exit__(self, *_: object) -> None:
        import signal

        for signum, handler in self._handlers.items():
            signal.signal(signum, handler)  # type: ignore[arg-type]

    def _on_signal(self, signum: int, _frame: FrameType | None) -> None:
        self._then(signum)


def end_by(signum: int) -> None:
    """End this process by a signal, as it would have ended without a handler."""
    import os
    import signal

    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)
