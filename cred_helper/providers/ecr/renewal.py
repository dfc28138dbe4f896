"""The lock of a sign-in session's renewal. The renewal itself is the SDK's.

The first request that shows a refresh token can spend it. So one thread of one process renews a
session while all others wait, and then read the renewed session.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from time import sleep

from cred_helper.files.locks import Locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cred_helper.providers.common.interface import Deadline
    from cred_helper.providers.ecr.sign_in import Session

# The file of the locks, beside the sessions: it is found by everything that shares them.
_LOCKS = ".docker-credential-multi.lock"
_PAUSE_S = 0.02
# The AWS CLI empties a session's file and then writes it anew.
# Source: https://github.com/aws/aws-cli/issues/10628
_WRITTEN_WITHIN_S = 0.5


@contextmanager
def renewal(session: Session, deadline: Deadline) -> Iterator[None]:
    """Hold the right to renew a session, after waiting for the renewal before.

    Where the session does not need a renewal, also after waiting, nothing is held. Where no lock
    can be had in time, the SDK goes on.
    """
    locks = _locks(session.folder) if session.needs_renewal() else None
    if locks is None:
        yield
        return
    try:
        # A third of the time is left for the renewal itself and for the token.
        until_s = deadline.remaining_s() / 3
        while not locks.acquire(session.key) and deadline.remaining_s() > until_s:
            sleep(_PAUSE_S)
        if not session.needs_renewal():
            locks.release(session.key)
        yield
    finally:
        locks.close()


def renewed_elsewhere(session: Session, before: bytes, deadline: Deadline) -> bool:
    """Whether another program, which takes no lock, has renewed a session since ``before``.

    Waits for one that is writing the session's file.
    """
    within = deadline.sooner(_WRITTEN_WITHIN_S)
    while session.state() == "damaged" and within.remaining_s():
        sleep(_PAUSE_S)
    return session.is_valid() and session.read() != before


def _locks(folder: str) -> Locks | None:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    try:
        return Locks(os.open(os.path.join(folder, _LOCKS), flags, 0o600))
    except OSError:
        return None  # a folder that cannot be written takes no renewed session either
