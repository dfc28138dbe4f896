"""Handles a cache miss: one process asks the provider and keeps the answer, the others wait for it.

A process waits until its own deadline at most. If the asking process ends, the kernel releases its
lock, and a waiting process asks. If the asking process is slow (stopped, stuck, or with a longer
deadline), one of the waiting processes becomes its deputy and asks too.

A failure is kept for the processes that wait at that time. Later processes ask again, because the
user may have fixed the cause. Two failures are kept for longer: ``NotFound``, so that a dozen calls
in a row probe the network once; and a failed renewal, while the old credential is valid.
"""

from __future__ import annotations

import os
from time import sleep

from cred_helper.cache.entry import Entry, Failure
from cred_helper.errors import CredentialError, NotFound, ProviderError, Unreachable
from cred_helper.files.locks import RANKS, Locks
from cred_helper.providers.common.bounded_provider import minutes
from cred_helper.providers.common.interface import Deadline, Identity, TokenRequest, seconds
from cred_helper.providers.common.timeout import FALLBACK_SHARE
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cred_helper.cache import TokenCache
    from cred_helper.cache.entry import Slot
    from cred_helper.credential import Credential
    from cred_helper.providers.common.protocols import Provider

# docker compose and similar clients call once for each image, in a row, within seconds.
ABSENT_FOR_S = 10.0
# While the old credential is valid, a cloud that does not answer is asked once a minute, …
PAUSE_AFTER_FAILURE_S = 60.0
# … and a renewal does not take the whole deadline.
RENEWAL_WITHIN_S = 10.0
# The fraction of the waiting time after which a deputy asks. A request for a token takes a second
# or two: a process without an answer by then is probably stuck.
DEPUTY_AFTER = 2 / 3
# Reading the cache takes some tens of microseconds. The pauses begin short: most answers come soon.
FIRST_PAUSE_S = 0.01
LONGEST_PAUSE_S = 0.1


def ask_unless_absent(
    provider: Provider,
    cache: TokenCache,
    clock: Callable[[], float],
    request: TokenRequest,
    identity: Identity,
    key: str,
) -> Credential:
    """Ask the provider, unless it raised ``NotFound`` for this identity seconds ago."""
    known = cache.failure(key)
    if known is not None and _is_still_absent(known, clock()):
        raise known.error
    try:
        return provider.get(request, identity)
    except NotFound as absent:
        locks = cache.locks()
        cache.note(key, absent, clock(), locks)
        locks.close()
        raise


def _is_still_absent(failure: Failure, now: float) -> bool:
    return isinstance(failure.error, NotFound) and 0 <= now - failure.at < ABSENT_FOR_S


class Renewal(Record):
    """Gets a credential that is not in the cache, or not fresh, together with other processes.

    ``old`` is the entry to fall back to: not fresh, but valid.
    """

    provider: Provider
    cache: TokenCache
    warn: Callable[[CredentialError], None]
    clock: Callable[[], float]
    min_life_s: float
    request: TokenRequest
    identity: Identity
    slot: Slot
    old: Entry | None
    began_at: float

    def credential(self) -> Credential:
        """Return a new credential, or the old one with a warning.

        Raises:
            Unreachable: no process received an answer in time.
            NotFound, ProviderError: the failure of the process that asked.
        """
        locks = self.cache.locks()
        try:
            return self._once(locks)
        except (NotFound, ProviderError) as failure:
            return self._fall_back(failure)
        finally:
            locks.close()

    def _once(self, locks: Locks) -> Credential:
        key, old, wait = self.slot.key, self.old, _Wait(self.request.deadline)
        while True:
            found = self._look()
            if found is not None:
                return found
            for rank in wait.ranks():
                if locks.acquire(key, rank):
                    try:
                        found = self._look()
                        if found is not None:
                            return found
                        if not locks.unkept_since(self.began_at):
                            return self._ask(locks)
                    finally:
                        locks.release(key, rank)
                    return self._ask(locks)  # no answer can be kept: every process asks
            if old is not None and old.lives_for(self.min_life_s, self.began_at):
                return old.credential()
            wait.pause()

    def _look(self) -> Credential | None:
        """Return the credential, or raise the failure, that another process has kept meanwhile."""
        entry = self.cache.token(self.slot.key)
        failures = [self.cache.failure(key) for key in (self.slot.key, self.slot.identity_key)]
        now = self.clock()
        if entry is not None and self._is_usable(entry, now):
            return entry.credential()
        for failure in failures:
            if failure is not None and self._applies_to_us(failure, now):
                raise failure.error
        return None

    def _is_usable(self, entry: Entry, now: float) -> bool:
        """Whether a kept token can be used; one from during the wait need not be fresh."""
        waited_for = entry.created_at >= self.began_at
        return entry.is_fresh(now, self.min_life_s) or (waited_for and entry.is_valid(now))

    def _applies_to_us(self, failure: Failure, now: float) -> bool:
        age_s = now - failure.at
        if age_s < 0:
            return False  # the clock was set back since
        paused = self.old is not None and age_s < PAUSE_AFTER_FAILURE_S
        waited_for = failure.at >= self.began_at
        return paused or waited_for or _is_still_absent(failure, now)

    def _ask(self, locks: Locks) -> Credential:
        request = self.request
        if self.old is not None:
            request = request.but(deadline=request.deadline.sooner(RENEWAL_WITHIN_S))
        try:
            credential = self.provider.get(request, self.identity)
        except (NotFound, ProviderError) as failure:
            key = self.slot.identity_key if isinstance(failure, NotFound) else self.slot.key
            self.cache.note(key, failure, self.clock(), locks)
            raise
        now, host = self.clock(), self.request.route.host
        entry = Entry.of(credential, self.provider.name, self.slot.scope, now, host=host)
        if not (self._is_identity_unchanged() and self.cache.keep(self.slot.key, entry, locks)):
            locks.mark_unkept(self.clock())
        return credential

    def _is_identity_unchanged(self) -> bool:
        """Whether the identity's files are unchanged since before the cloud was asked.

        A determined identity contains the output of its program, and depends on nothing else.
        """
        if self.slot.is_determined:
            return True
        try:
            now = self.provider.identify(self.request)
        except CredentialError:
            return False
        return now.cache_key == self.identity.cache_key

    def _fall_back(self, failure: NotFound | ProviderError) -> Credential:
        now = self.clock()
        if self.old is None or not self.old.is_valid(now):
            raise failure
        left = minutes(self.old.expires_at - now)
        names = {"host": self.request.route.host, "provider": self.provider.name}
        self.warn(failure.within("cache.not-renewed", **names, left=left))
        return self.old.credential()


class _Wait:
    """The pauses of a waiting process. They end early enough for a fallback to be asked."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._whole_s = deadline.remaining_s()
        self._wait_s = self._whole_s * (1 - FALLBACK_SHARE)
        self._pause_s = FIRST_PAUSE_S

    def ranks(self) -> tuple[int, ...]:
        """The locks to try: late in the wait, also the deputy's."""
        return RANKS if self._waited_s() > self._wait_s * DEPUTY_AFTER else RANKS[:1]

    def pause(self) -> None:
        if self._waited_s() >= self._wait_s:
            raise Unreachable("cache.other-process-waits", waited=seconds(self._wait_s))
        jitter = 0.5 + os.urandom(1)[0] / 255
        sleep(self._deadline.step_s(self._pause_s * jitter))
        self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 1.5)

    def _waited_s(self) -> float:
        return self._whole_s - self._deadline.remaining_s()
