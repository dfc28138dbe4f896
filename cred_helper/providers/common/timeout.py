"""A provider that is not waited for past its deadline.

The SDKs take timeouts for most of their steps, but not for all: a name look-up, a credential
process, a server that drips one byte a second. The provider therefore works in a thread of its own,
and whoever asked stops waiting at the deadline, whatever the thread is stuck in.
"""

from __future__ import annotations

from cred_helper.errors import CannotLoad, CredentialError, Unreachable
from cred_helper.providers.common.interface import seconds
from cred_helper.signals import EndingSignals, end_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from cred_helper.credential import Credential
    from cred_helper.providers.common.interface import Identity, Provider, TokenRequest

    T = TypeVar("T")

# Of the whole deadline, what is kept for the fallback after a provider used up its own part.
FALLBACK_SHARE = 1 / 6
# What starts a program without being the one that is waited for.
_SHELLS = ("sh", "bash", "dash", "env", "timeout")


class BoundedProvider:
    """Asks another provider, for no longer than the request's deadline allows."""

    __slots__ = ("_provider", "name")

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.name = provider.name

    def identify(self, request: TokenRequest) -> Identity:
        """As the provider says; looking is not waiting."""
        return self._provider.identify(request)

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        """Ask; raise ``Unreachable`` when the deadline passes first."""
        return bounded(
            lambda: self._provider.get(request, identity.resolved(request)), request, self.name
        )


def bounded(work: Callable[[], T], request: TokenRequest, name: str) -> T:
    """Do work of a provider, in a thread, until the request's deadline.

    An error that is not ours is a fault of the provider: its type is shown, its text could hold
    anything. Where the frozen file could not load a part of itself, its own words say so.

    Raises:
        CredentialError: the work failed, or the deadline passed first.
    """
    import threading

    outcome: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # noqa: BLE001 - handed over to the thread that waits
            errors.append(error)

    _prepare_for_sdk()
    within_s = request.deadline.remaining_s() * (1 - FALLBACK_SHARE)
    worker = threading.Thread(target=run, name=name, daemon=True)
    with EndingSignals(_end_with_children):
        worker.start()
        worker.join(within_s)
    if outcome:
        return outcome[0]
    if not errors:
        waiting = _waiting_for(worker.ident)
        _end_children()
        raise Unreachable("provider.no-answer", seconds=seconds(within_s), waiting=waiting)
    match errors[0]:
        case CannotLoad() as error:
            raise error.error
        case Exception() as error if not isinstance(error, CredentialError):
            raise Unreachable("provider.sdk-failed", error=type(error).__name__) from error
        case error:
            raise error


def _waiting_for(ident: int | None) -> str:
    """The server or program that a thread waits for, as the end of a sentence; ``""``: unknown."""
    from cred_helper.providers.common import waiting

    upstream = waiting.of_thread(ident)
    if upstream:
        return f" from {upstream}"
    pids = _children("self")
    for pid in pids:
        pids.extend(_children(pid))
    names = [name for name in map(_name, pids) if name and name not in _SHELLS]
    return f" from the program {names[0]}" if names else ""


def _name(pid: str) -> str:
    """The name of a process's program."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _prepare_for_sdk() -> None:
    """Keep the SDKs' loggers and warnings off the terminal, and the collector out of their imports.

    Our one line says what went wrong; and what a process of a second leaves lying is not worth
    looking for, which would be a tenth of the time it takes to load an SDK. Should a library of
    theirs crash, no dump of what it held is left, and none of a program's that it has run.
    """
    import gc
    import logging
    import warnings

    # Without any handler at all, logging complains on stderr that there is none.
    logging.getLogger().addHandler(logging.NullHandler())
    warnings.simplefilter("ignore")
    gc.disable()
    try:
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, most))
    except (ImportError, OSError, ValueError):
        pass  # Windows has no such limit


def _end_with_children(signum: int) -> None:
    """End what the SDK started, which would go on without us, and then this process."""
    _end_children()
    end_by(signum)


def _end_children() -> None:
    """Kill what the SDK started and still waits for (a credential process, az, gcloud).

    Only Linux tells a process its children; elsewhere they are left to end by themselves.
    """
    import os
    import signal

    pids = _children("self")
    for pid in pids:
        pids.extend(_children(pid))
    for pid in pids:
        try:
            os.kill(int(pid), signal.SIGKILL)
        except OSError:
            pass  # it has ended meanwhile


def _children(pid: str) -> list[str]:
    """The processes that any thread of this one has started, by number."""
    from glob import glob

    found: list[str] = []
    for path in glob(f"/proc/{pid}/task/*/children"):
        try:
            with open(path, encoding="ascii") as file:
                found.extend(file.read().split())
        except OSError:
            pass  # the thread has ended meanwhile
    return found
