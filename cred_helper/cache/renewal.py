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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cred_helper.cache import TokenCache
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


class Part:
    """A provider of one part of an answer, for an identity that does not change meanwhile."""

    __slots__ = ("_identity", "_make", "name")

    def __init__(self, name: str, identity: Identity, make: Callable[[], Credential]) -> None:
        self.name = name
        self._identity = identity
        self._make = make

    def identify(self, _request: TokenRequest) -> Identity:
        """The identity that the part is made for."""
        return self._identity

    def get(self, _request: TokenRequest, _identity: Identity) -> Credential:
        """Make the part."""
        return self._make()


class Renewal:
    """One process's part in getting a credential that is not in the cache, or is no longer fresh.

    ``old`` is the entry to fall back to: one that is still valid. ``identity_key`` stands for the
    identity and all hosts: if the identity does not exist, that is so for every host.
    ``is_resolved`` is whether a program was run to determine the identity.
    """

    def __init__(
        self,
        provider: Provider,
        cache: TokenCache,
        request: TokenRequest,
        identity: Identity,
        *,
        is_resolved: bool,
        scope: str,
        key: str,
        identity_key: str,
        old: Entry | None,
        warn: Callable[[CredentialError], None],
        clock: Callable[[], float],
        min_life_s: float = 0.0,
    ) -> None:
        self._provider = provider
        self._cache = cache
        self._request = request
        self._identity = identity
        self._is_resolved = is_resolved
        self._scope = scope
        self._key = key
        self._identity_key = identity_key
        self._old = old
        self._warn = warn
        self._clock = clock
        self._min_life_s = min_life_s
        self._began_at = clock()

    def credential(self) -> Credential:
        """Return a credential from this or another process, or the old one with a warning."""
        locks = self._cache.locks()
        try:
            return ask_once(
                locks,
                self._key,
                look=self._look,
                ask=lambda: self._ask(locks),
                meanwhile=self._meanwhile(),
                is_kept=lambda: not locks.unkept_since(self._began_at),
                deadline=self._request.deadline,
            )
        except (NotFound, ProviderError) as failure:
            return self._fall_back(failure)
        finally:
            locks.close()

    def _meanwhile(self) -> Credential | None:
        """The old credential, if it does while another process asks."""
        old = self._old
        does = old is not None and old.lives_for(self._min_life_s, self._began_at)
        return old.credential() if old is not None and does else None

    def _look(self) -> Credential | None:
        """Return the credential or raise the failure that another process kept, if there is one."""
        entry = self._cache.token(self._key)
        failures = [self._cache.failure(key) for key in (self._key, self._identity_key)]
        now = self._clock()
        if entry is not None and self._is_usable(entry, now):
            return entry.credential()
        for failure in failures:
            if failure is not None and self._is_ours_too(failure, now):
                raise failure.error
        return None

    def _is_usable(self, entry: Entry, now: float) -> bool:
        """Whether a kept token answers; one made while this process waited need not be fresh."""
        waited_for = entry.created_at >= self._began_at
        is_fresh = entry.is_fresh(now) and entry.lives_for(self._min_life_s, now)
        return is_fresh or (waited_for and entry.is_valid(now))

    def _is_ours_too(self, failure: Failure, now: float) -> bool:
        """Whether a kept failure stands for what this process would get."""
        age_s = now - failure.at
        if age_s < 0:
            return False  # the clock was set back since
        paused = self._old is not None and age_s < PAUSE_AFTER_FAILURE_S
        waited_for = failure.at >= self._began_at
        return paused or waited_for or _is_still_absent(failure, now)

    def _ask(self, locks: Locks) -> Credential:
        try:
            credential = self._provider.get(self._short_request(), self._identity)
        except (NotFound, ProviderError) as failure:
            key = self._identity_key if isinstance(failure, NotFound) else self._key
            self._cache.note(key, failure, self._clock(), locks)
            raise
        entry = Entry.of(
            credential,
            self._provider.name,
            self._scope,
            self._clock(),
            host=self._request.route.host,
        )
        if not (self._is_same_identity() and self._cache.keep(self._key, entry, locks)):
            locks.mark_unkept(self._clock())
        return credential

    def _short_request(self) -> TokenRequest:
        request = self._request
        if self._old is None:
            return request
        return request.but(deadline=request.deadline.sooner(RENEWAL_WITHIN_S))

    def _is_same_identity(self) -> bool:
        """Whether the identity's files are what they were before the cloud was asked.

        A resolved identity holds the answer of its program, which is all that was asked with.
        """
        if self._is_resolved:
            return True
        try:
            now = self._provider.identify(self._request)
        except CredentialError:
            return False
        return now.cache_key == self._identity.cache_key

    def _fall_back(self, failure: NotFound | ProviderError) -> Credential:
        now = self._clock()
        if self._old is None or not self._old.is_valid(now):
            raise failure
        left_s = self._old.expires_at - now
        left = minutes(left_s)
        host, provider = self._request.route.host, self._provider.name
        self._warn(failure.within("cache.not-renewed", host=host, provider=provider, left=left))
        return self._old.credential()
