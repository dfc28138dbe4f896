"""Of all processes that want the same, one asks and the others look what it leaves.

Nobody waits past its own deadline, nor for the dead, whose locks the kernel lets go. Where the one
that asks is slow (stopped, stuck, or with a longer deadline than others have), one of those that
wait becomes its deputy and asks as well.
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

# How much of the time there is to wait goes by before a deputy asks. An exchange takes a second or
# two: who has not answered after this will hardly answer in the rest.
PATIENCE_SHARE = 2 / 3
# Looking costs a process some tens of microseconds: often at first, when most exchanges end.
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
    """Return what ``look`` finds; where it finds nothing, ``ask``, or wait for the one who asks.

    Who can go on with something ``meanwhile`` does not wait. Where the one who asked had an answer
    that ``is_kept`` nowhere, everybody asks.

    Raises:
        Unreachable: nobody had an answer in time.
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
    """One process's wait for another, with a little left at the end for a fallback."""

    __slots__ = ("_deadline", "_pause_s", "_wait_s", "_whole_s")

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._whole_s = deadline.remaining_s()
        self._wait_s = self._whole_s * (1 - FALLBACK_SHARE)
        self._pause_s = FIRST_PAUSE_S

    def ranks(self) -> tuple[int, ...]:
        """Which locks to try: the deputy's, too, once patience is over."""
        return RANKS if self._waited_s() > self._wait_s * PATIENCE_SHARE else RANKS[:1]

    def pause(self) -> None:
        """Let a moment go by, not the same for everyone."""
        if self._waited_s() >= self._wait_s:
            waited = seconds(self._wait_s)
            raise Unreachable(
                f"another process has been asking, and has no answer after {waited} s",
                hint="see DOCKER_CREDENTIAL_MULTI_DEADLINE_S for the time a get may take",
            )
        jitter = 0.5 + os.urandom(1)[0] / 255
        sleep(self._deadline.step_s(self._pause_s * jitter))
        self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 1.5)

    def _waited_s(self) -> float:
        return self._whole_s - self._deadline.remaining_s()
