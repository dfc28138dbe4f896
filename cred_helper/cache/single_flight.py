"""One process fetches; the others wait for its cache entry.

No process waits past its own deadline, or for a process that has ended: the kernel releases its
lock. If the fetching process is slow (stopped, stuck, or with a longer deadline), one of those that
wait becomes its deputy and fetches as well.
"""

from __future__ import annotations

import os
from time import sleep

from cred_helper.errors import Unreachable
from cred_helper.files.locks import RANKS
from cred_helper.providers.common.interface import seconds
from cred_helper.providers.common.timeout import FALLBACK_SHARE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cred_helper.credential import Credential
    from cred_helper.files.locks import Locks
    from cred_helper.providers.common.interface import Deadline

# The share of the waiting time after which a deputy asks. An exchange takes a second or two: a
# process that has no answer by then will hardly get one in the rest.
PATIENCE_SHARE = 2 / 3
# A look costs some tens of microseconds. Frequent at first, when most exchanges end.
FIRST_PAUSE_S = 0.01
LONGEST_PAUSE_S = 0.1


def ask_once(
    locks: Locks,
    key: str,
    *,
    look: Callable[[], Credential | None],
    ask: Callable[[], Credential],
    meanwhile: Credential | None,
    is_kept: Callable[[], bool],
    deadline: Deadline,
) -> Credential:
    """Return what ``look`` finds; if it finds nothing, ``ask``, or wait for the process that asks.

    A caller that has a credential ``meanwhile`` does not wait. ``is_kept`` is false if an answer
    could not be kept for the others: then every process asks.

    Raises:
        Unreachable: no process had an answer in time.
    """
    wait = _Wait(deadline)
    while True:
        found = look()
        if found is not None:
            return found
        for rank in wait.ranks():
            if locks.acquire(key, rank):
                try:
                    found = look()
                    if found is not None:
                        return found
                    if is_kept():
                        return ask()
                finally:
                    locks.release(key, rank)
                return ask()
        if meanwhile is not None:
            return meanwhile
        wait.pause()


class _Wait:
    """One process's wait for another, which leaves a little time for a fallback."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._whole_s = deadline.remaining_s()
        self._wait_s = self._whole_s * (1 - FALLBACK_SHARE)
        self._pause_s = FIRST_PAUSE_S

    def ranks(self) -> tuple[int, ...]:
        """Which locks to try: late in the wait, the deputy's as well."""
        return RANKS if self._waited_s() > self._wait_s * PATIENCE_SHARE else RANKS[:1]

    def pause(self) -> None:
        if self._waited_s() >= self._wait_s:
            raise Unreachable("cache.other-process-waits", waited=seconds(self._wait_s))
        jitter = 0.5 + os.urandom(1)[0] / 255
        sleep(self._deadline.step_s(self._pause_s * jitter))
        self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 1.5)

    def _waited_s(self) -> float:
        return self._whole_s - self._deadline.remaining_s()
