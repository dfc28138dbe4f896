"""What follows a cache miss: one process asks and keeps the answer, the others wait for its entry.

No process waits past its own deadline, or for a process that has ended: the kernel releases its
lock. If the asking process is slow (stopped, stuck, or with a longer deadline), one of those that
wait becomes its deputy and asks as well.

A failure is kept for the processes that are waiting for it. Later ones ask again: the user may have
mended the cause. Two outcomes last longer: that there is no identity, so that a dozen calls in a
row do not each probe for one; and, while the old credential is valid, that its renewal failed.
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
    from cred_helper.cache.cached import CachedProvider, Place
    from cred_helper.credential import Credential

# Compose and similar clients call once an image, one call after another, within seconds.
ABSENT_FOR_S = 10.0
# With a valid credential in hand, a cloud that is down is asked again once a minute, …
PAUSE_AFTER_FAILURE_S = 60.0
# … and a renewal does not take the whole deadline.
RENEWAL_WITHIN_S = 10.0


# The share of the waiting time after which a deputy asks. An exchange takes a second or two: a
# process that has no answer by then will hardly get one in the rest.
PATIENCE_SHARE = 2 / 3
# A look costs some tens of microseconds. Frequent at first, when most exchanges end.
FIRST_PAUSE_S = 0.01
LONGEST_PAUSE_S = 0.1


def ask_unless_absent(
    cached: CachedProvider, request: TokenRequest, identity: Identity, key: str
) -> Credential:
    """Ask, unless a network probe found within the last seconds that there is no identity."""
    known = cached.cache.failure(key)
    if known is not None and _is_still_absent(known, cached.clock()):
        raise known.error
    try:
        return cached.provider.get(request, identity)
    except NotFound as absent:
        locks = cached.cache.locks()
        cached.cache.note(key, absent, cached.clock(), locks)
        locks.close()
        raise


def _is_still_absent(failure: Failure, now: float) -> bool:
    return isinstance(failure.error, NotFound) and 0 <= now - failure.at < ABSENT_FOR_S


class Renewal(Record):
    """One process's part in getting a credential that is not in the cache, or is no longer fresh.

    ``old`` is the entry to fall back to: one that is still valid.
    """

    cached: CachedProvider
    request: TokenRequest
    identity: Identity
    place: Place
    old: Entry | None
    began_at: float

    def credential(self) -> Credential:
        """Return a credential from this or another process, or the old one with a warning.

        Raises:
            Unreachable: no process had an answer in time.
        """
        locks = self.cached.cache.locks()
        try:
            return self._once(locks)
        except (NotFound, ProviderError) as failure:
            return self._fall_back(failure)
        finally:
            locks.close()

    def _once(self, locks: Locks) -> Credential:
        key, old, wait = self.place.key, self.old, _Wait(self.request.deadline)
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
            if old is not None and old.lives_for(self.cached.min_life_s, self.began_at):
                return old.credential()
            wait.pause()

    def _look(self) -> Credential | None:
        """Return the credential or raise the failure that another process kept, if there is one."""
        entry = self.cached.cache.token(self.place.key)
        failures = [
            self.cached.cache.failure(key) for key in (self.place.key, self.place.identity_key)
        ]
        now = self.cached.clock()
        if entry is not None and self._is_usable(entry, now):
            return entry.credential()
        for failure in failures:
            if failure is not None and self._is_ours_too(failure, now):
                raise failure.error
        return None

    def _is_usable(self, entry: Entry, now: float) -> bool:
        """Whether a kept token answers; one made while this process waited need not be fresh."""
        waited_for = entry.created_at >= self.began_at
        return self.cached.is_fresh(entry, now) or (waited_for and entry.is_valid(now))

    def _is_ours_too(self, failure: Failure, now: float) -> bool:
        """Whether a kept failure stands for what this process would get."""
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
            credential = self.cached.provider.get(request, self.identity)
        except (NotFound, ProviderError) as failure:
            key = self.place.identity_key if isinstance(failure, NotFound) else self.place.key
            self.cached.cache.note(key, failure, self.cached.clock(), locks)
            raise
        now, host = self.cached.clock(), self.request.route.host
        entry = Entry.of(credential, self.cached.name, self.place.scope, now, host=host)
        if not (self._is_same_identity() and self.cached.cache.keep(self.place.key, entry, locks)):
            locks.mark_unkept(self.cached.clock())
        return credential

    def _is_same_identity(self) -> bool:
        """Whether the identity's files are what they were before the cloud was asked.

        A resolved identity holds the answer of its program, which is all that was asked with.
        """
        if self.place.is_resolved:
            return True
        try:
            now = self.cached.provider.identify(self.request)
        except CredentialError:
            return False
        return now.cache_key == self.identity.cache_key

    def _fall_back(self, failure: NotFound | ProviderError) -> Credential:
        now = self.cached.clock()
        if self.old is None or not self.old.is_valid(now):
            raise failure
        left = minutes(self.old.expires_at - now)
        names = {"host": self.request.route.host, "provider": self.cached.name}
        self.cached.warn(failure.within("cache.not-renewed", **names, left=left))
        return self.old.credential()


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
