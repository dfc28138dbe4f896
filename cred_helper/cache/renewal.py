"""A cache miss, from here to a credential or a reason: ask, keep, or fall back to the old one.

A failure is for those who were waiting for it, and for nobody after them, who may have mended what
was wrong. Two last longer: that there is no identity at all, so that a dozen calls in a row do not
each probe for one; and, while the old credential is good, that it could not be renewed.
"""

from __future__ import annotations

from cred_helper.cache.entry import Entry
from cred_helper.cache.single_flight import ask_once
from cred_helper.errors import CredentialError, NotFound, ProviderError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cred_helper.cache import TokenCache
    from cred_helper.cache.entry import Failure
    from cred_helper.credential import Credential
    from cred_helper.files.locks import Locks
    from cred_helper.providers.common.interface import Identity, Provider, TokenRequest

# Compose and the like call once an image, one after another, within seconds.
NOBODY_FOR_S = 10.0
# With a good credential in hand, a cloud that is down is asked again once a minute, …
PAUSE_AFTER_FAILURE_S = 60.0
# … and a renewal is not worth the whole deadline.
RENEWAL_WITHIN_S = 10.0


def ask_unless_nobody(
    provider: Provider,
    cache: TokenCache,
    request: TokenRequest,
    identity: Identity,
    nobody_key: str,
    clock: Callable[[], float],
) -> Credential:
    """Ask where trying has to tell whether there is an identity, unless there was none just now."""
    known = cache.failure(nobody_key)
    if known is not None and _is_still_nobody(known, clock()):
        raise known.error
    try:
        return provider.get(request, identity)
    except NotFound as nobody:
        locks = cache.locks()
        cache.note(nobody_key, nobody, clock(), locks)
        locks.close()
        raise


def _is_still_nobody(failure: Failure, now: float) -> bool:
    return isinstance(failure.error, NotFound) and 0 <= now - failure.told_at < NOBODY_FOR_S


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

    ``old`` is what may be fallen back to: an entry that is still valid. ``nobody_key`` stands for
    the identity alone: that there is none is so for every host.
    """

    def __init__(
        self,
        provider: Provider,
        cache: TokenCache,
        request: TokenRequest,
        identity: Identity,
        *,
        scope: str,
        key: str,
        nobody_key: str,
        old: Entry | None,
        warn: Callable[[str, str | None], None],
        clock: Callable[[], float],
    ) -> None:
        self._provider = provider
        self._cache = cache
        self._request = request
        self._identity = identity
        self._scope = scope
        self._key = key
        self._nobody_key = nobody_key
        self._old = old
        self._warn = warn
        self._clock = clock
        self._began_at = clock()

    def credential(self) -> Credential:
        """Get the credential, from whoever has it."""
        locks = self._cache.locks()
        try:
            return ask_once(
                locks,
                self._key,
                look=self._look,
                ask=lambda: self._ask(locks),
                meanwhile=self._old.credential() if self._old is not None else None,
                is_kept=lambda: not locks.unkept_since(self._began_at),
                deadline=self._request.deadline,
            )
        except (NotFound, ProviderError) as failure:
            return self._fall_back(failure)
        finally:
            locks.close()

    def _look(self) -> Credential | None:
        """Find what another process left: return a credential, raise a failure, or neither."""
        entry = self._cache.token(self._key)
        failures = [self._cache.failure(key) for key in (self._key, self._nobody_key)]
        now = self._clock()
        if entry is not None and self._is_mine(entry, now):
            return entry.credential()
        for failure in failures:
            if failure is not None and self._is_told(failure, now):
                raise failure.error
        return None

    def _is_mine(self, entry: Entry, now: float) -> bool:
        """Whether a kept token is to be used: one got while this process waited needs no life."""
        waited_for = entry.created_at >= self._began_at
        return entry.is_fresh(now) or (waited_for and entry.is_valid(now))

    def _is_told(self, failure: Failure, now: float) -> bool:
        """Whether this process would be told the same."""
        age_s = now - failure.told_at
        if age_s < 0:
            return False  # the clock was set back since
        paused = self._old is not None and age_s < PAUSE_AFTER_FAILURE_S
        waited_for = failure.told_at >= self._began_at
        return paused or waited_for or _is_still_nobody(failure, now)

    def _ask(self, locks: Locks) -> Credential:
        try:
            credential = self._provider.get(self._bounded_request(), self._identity)
        except (NotFound, ProviderError) as failure:
            key = self._nobody_key if isinstance(failure, NotFound) else self._key
            self._cache.note(key, failure, self._clock(), locks)
            raise
        entry = Entry.of(credential, self._provider.name, self._scope, self._clock())
        if not (self._is_same_identity() and self._cache.keep(self._key, entry, locks)):
            locks.mark_unkept(self._clock())
        return credential

    def _bounded_request(self) -> TokenRequest:
        return self._request if self._old is None else self._request.sooner(RENEWAL_WITHIN_S)

    def _is_same_identity(self) -> bool:
        """Whether nobody changed the identity's files between looking at them and asking."""
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
        left = f"{left_s / 60:.0f} min" if left_s > 90 else f"{left_s:.0f} s"
        self._warn(
            f"the credential for {self._request.route.host} from {self._provider.name} could not "
            f"be renewed, and is good for another {left}: {failure.reason}",
            failure.hint,
        )
        return self._old.credential()
