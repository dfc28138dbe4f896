"""What follows a cache miss: ask and keep the answer, wait for another process, or use the old one.

A failure is kept for the processes that are waiting for it. Later ones ask again: the user may have
mended the cause. Two outcomes last longer: that there is no identity, so that a dozen calls in a
row do not each probe for one; and, while the old credential is valid, that its renewal failed.
"""

from __future__ import annotations

from cred_helper.cache.entry import Entry
from cred_helper.cache.single_flight import ask_once
from cred_helper.errors import CredentialError, NotFound, ProviderError
from cred_helper.providers.common.bounded_provider import minutes
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cred_helper.cache import TokenCache
    from cred_helper.cache.cached import CachedProvider, Place
    from cred_helper.cache.entry import Failure
    from cred_helper.credential import Credential
    from cred_helper.files.locks import Locks
    from cred_helper.providers.common.interface import Identity, TokenRequest
    from cred_helper.providers.common.protocols import Provider

# Compose and similar clients call once an image, one call after another, within seconds.
ABSENT_FOR_S = 10.0
# With a valid credential in hand, a cloud that is down is asked again once a minute, …
PAUSE_AFTER_FAILURE_S = 60.0
# … and a renewal does not take the whole deadline.
RENEWAL_WITHIN_S = 10.0


def ask_unless_absent(
    provider: Provider,
    cache: TokenCache,
    request: TokenRequest,
    identity: Identity,
    identity_key: str,
    clock: Callable[[], float],
) -> Credential:
    """Ask, unless a network probe found within the last seconds that there is no identity."""
    known = cache.failure(identity_key)
    if known is not None and _is_still_absent(known, clock()):
        raise known.error
    try:
        return provider.get(request, identity)
    except NotFound as absent:
        locks = cache.locks()
        cache.note(identity_key, absent, clock(), locks)
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
        """Return a credential from this or another process, or the old one with a warning."""
        locks = self.cached.cache.locks()
        try:
            return ask_once(
                locks,
                self.place.key,
                look=self._look,
                ask=lambda: self._ask(locks),
                meanwhile=self._meanwhile(),
                is_kept=lambda: not locks.unkept_since(self.began_at),
                deadline=self.request.deadline,
            )
        except (NotFound, ProviderError) as failure:
            return self._fall_back(failure)
        finally:
            locks.close()

    def _meanwhile(self) -> Credential | None:
        """The old credential, if it does while another process asks."""
        old = self.old
        does = old is not None and old.lives_for(self.cached.min_life_s, self.began_at)
        return old.credential() if old is not None and does else None

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
