"""A provider with a cache: while a kept token is fresh, the cloud is not asked.

A hit reads one small file. Only a miss loads the locks, the network modules and the SDK.
"""

from __future__ import annotations

from time import time

from cred_helper import files
from cred_helper.cache.entry import Slot
from cred_helper.errors import CredentialError
from cred_helper.files.fingerprints import digest
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cred_helper.cache import TokenCache
    from cred_helper.cache.entry import Entry
    from cred_helper.credential import Credential
    from cred_helper.providers.common.interface import Identity, TokenRequest
    from cred_helper.providers.common.protocols import Provider


class CachedProvider(Record):
    """Answers from the cache, or asks another provider and keeps its answer.

    The key of an entry is a digest of the provider's name, the identity's cache key, the options of
    the request, and the scope: the host, or the identity's name for a group of hosts. If it
    ``may_use_old``, a failed renewal returns the old credential while that is valid, and ``warn``
    receives the failure. An entry that expires within ``min_life_s`` is renewed.
    """

    provider: Provider
    cache: TokenCache
    warn: Callable[[CredentialError], None]
    clock: Callable[[], float] = time
    min_life_s: float = 0.0
    may_use_old: bool = True

    @property
    def name(self) -> str:
        return self.provider.name

    def identify(self, request: TokenRequest) -> Identity:
        """Ask the provider. Identities are not cached."""
        return self.provider.identify(request)

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        """Return the fresh credential from the cache, or ask the provider.

        Of several processes with the same key, one asks and the others wait. For an identity
        without a cache key, every call asks the provider. If only a network probe shows whether
        the identity exists, a ``NotFound`` is kept for some seconds.
        """
        is_determined = identity.determine is not None
        identity = self._determined(request, identity)
        if identity.cache_key is None:
            return self._ask_uncached(self._with_parts(request, identity), identity)
        slot = Slot(
            self._key(request, identity),
            self._identity_key(request, identity),
            _scope(request, identity),
            is_determined,
        )
        return self.answer(self._with_parts(request, identity), identity, slot)

    def answer(self, request: TokenRequest, identity: Identity, slot: Slot) -> Credential:
        """Return the fresh credential of a slot; otherwise one process asks for all that wait."""
        entry, now = self.cache.token(slot.key), self.clock()
        if entry is not None and entry.is_fresh(now, self.min_life_s):
            if files.record is not None:
                until_s = entry.fresh_until(self.min_life_s)
                files.record.cached(entry.secret.expose(), until_s)
            return entry.credential()
        from cred_helper.cache.renewal import Renewal

        is_good = entry is not None and self.may_use_old and entry.is_valid(now)
        old = entry if is_good else None
        own = (self.provider, self.cache, self.warn, self.clock, self.min_life_s)
        return Renewal(*own, request, identity, slot, old, now).credential()

    def _with_parts(self, request: TokenRequest, identity: Identity) -> TokenRequest:
        """The request, with a ``cached_part`` that keeps parts of the answer in this cache."""

        def cached_part(
            key: tuple[str, ...], scope: str, make: Callable[[], Credential], *, renew: bool = False
        ) -> Credential:
            part = digest([self.name, "part", scope, *key])
            if renew:
                self.cache.forget(part)
            provider = _PartProvider(self.name, identity, make)
            cached = self.but(provider=provider, min_life_s=0.0, may_use_old=False)
            return cached.answer(request, identity, Slot(part, part, scope, is_determined=True))

        return request.but(cached_part=cached_part)

    def kept(self, request: TokenRequest, identity: Identity) -> Entry | None:
        """The fresh entry that a ``get`` would return, not decrypted. Runs no program."""
        if identity.cache_key is None:
            return None
        entry = self.cache.look(self._key(request, identity))
        return entry if entry and entry.is_fresh(self.clock(), self.min_life_s) else None

    def forget(self, request: TokenRequest) -> bool:
        """Remove the entry and the failures of a request; return whether there was an entry.

        Returns false if the provider fails to determine the identity.
        """
        try:
            identity = self._determined(request, self.provider.identify(request))
        except CredentialError:
            return False
        self.cache.forget(self._identity_key(request, identity))
        return identity.cache_key is not None and self.cache.forget(self._key(request, identity))

    def _determined(self, request: TokenRequest, identity: Identity) -> Identity:
        """The identity with its cache key; some identities run a program to determine it."""
        if identity.determine is None:
            return identity
        from cred_helper.providers.common.timeout import bounded

        return bounded(lambda: identity.determined(request), request)

    def _key(self, request: TokenRequest, identity: Identity) -> str:
        return digest([*self._identity_parts(request, identity), _scope(request, identity)])

    def _identity_key(self, request: TokenRequest, identity: Identity) -> str:
        return digest(self._identity_parts(request, identity))

    def _identity_parts(self, request: TokenRequest, identity: Identity) -> list[str]:
        options = [f"{name}={value}" for name, value in sorted(request.options.items())]
        known_as = identity.source if identity.cache_key is None else identity.cache_key
        return [self.name, known_as or "", *options]

    def _ask_uncached(self, request: TokenRequest, identity: Identity) -> Credential:
        if identity.certain:
            return self.provider.get(request, identity)
        from cred_helper.cache.renewal import ask_unless_absent

        key = self._identity_key(request, identity)
        return ask_unless_absent(self.provider, self.cache, self.clock, request, identity, key)


class _PartProvider(Record):
    """Makes one part of an answer, in the form of a provider with a fixed identity."""

    name: str
    identity: Identity
    make: Callable[[], Credential]

    def identify(self, _request: TokenRequest) -> Identity:
        return self.identity

    def get(self, _request: TokenRequest, _identity: Identity) -> Credential:
        return self.make()


def _scope(request: TokenRequest, identity: Identity) -> str:
    return identity.scope or request.route.host
