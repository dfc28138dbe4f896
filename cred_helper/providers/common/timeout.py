"""A deadline around the work of a provider.

The SDKs take timeouts for most of their steps, but not for all: a name look-up, a credential
process, a server that sends one byte a second. The provider therefore works in a thread of its own,
and the caller stops waiting at the deadline.
"""

from __future__ import annotations

from cred_helper.errors import NO_MEMORY, CannotLoad, CredentialError, Unreachable, shortage
from cred_helper.programs import running
from cred_helper.providers.common import waiting
from cred_helper.providers.common.interface import seconds
from cred_helper.signals import EndingSignals, end_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from cred_helper.providers.common.interface import TokenRequest

    T = TypeVar("T")

# The part of the whole deadline that is left for the fallback.
FALLBACK_SHARE = 1 / 6


def bounded(work: Callable[[], T], request: TokenRequest) -> T:
    """Do work of a provider, in a thread, until the request's deadline.

    An exception of an SDK is reported by its type: its text could hold a secret. Where the frozen
    file cannot load a part of itself, its own error is raised.

    Raises:
        CredentialError: the work failed, or the deadline passed first.
    """
    from _thread import allocate_lock, start_new_thread

    outcome: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # noqa: BLE001 - handed over to the thread that waits
            errors.append(error)
        finally:
            has_ended.release()

    _prepare_for_sdk()
    within_s = request.deadline.remaining_s() * (1 - FALLBACK_SHARE)
    # threading.Thread waits without a limit for its start, which never comes without memory.
    has_ended = allocate_lock()
    has_ended.acquire()
    with EndingSignals(_end_with_programs):
        ident = start_new_thread(run, ())
        has_ended.acquire(timeout=max(0.0, within_s))
    if outcome:
        return outcome[0]
    if not errors:
        upstream = waiting.of_thread(ident)
        running.end_all()
        words = f" from {upstream}" if upstream else ""
        raise Unreachable("provider.no-answer", seconds=seconds(within_s), waiting=words)
    match errors[0]:
        case CannotLoad() as error:
            raise error.error
        case Exception() as error:
            code = shortage(error)
            if not isinstance(error, CredentialError):
                raise Unreachable(
                    code or "provider.sdk-failed", error=type(error).__name__
                ) from error
            if code == NO_MEMORY:  # the provider had another cause in mind
                raise Unreachable(code) from error
            raise error
        case error:
            raise error


def _prepare_for_sdk() -> None:
    """Keep the SDKs' loggers and warnings off standard error, and the collector out of imports.

    Collecting garbage would be a tenth of the time that it takes to load an SDK.
    """
    from cred_helper.providers.common import deferred_imports

    deferred_imports.use()
    import gc
    import logging
    import warnings

    # Without a handler, logging writes to standard error itself.
    logging.getLogger().addHandler(logging.NullHandler())
    warnings.simplefilter("ignore")
    gc.disable()


def _end_with_programs(signum: int) -> None:
    running.end_all()
    end_by(signum)
