"""A provider whose tokens are kept on disk: a fresh one is given again without asking the cloud.

A hit reads one small file. A miss loads what only it needs, from the locks to the SDK.
"""

from __future__ import annotations

from time import time

from cred_helper import files
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


class Place(Record):
    """Where an answer is kept: under ``key``, for what the ``scope`` names.

    That the identity does not exist is kept under ``identity_key``: it is so for every host.
    ``is_resolved`` is whether a program was run to determine the identity.
    """

    key: str
    identity_key: str
    scope: str
    is_resolved: bool


class CachedProvider(Record):
    """Answers from the cache, or asks another provider and keeps its answer.

    The key of an entry is made of the provider's name, the identity's cache key, the options of the
    request, and the scope: the host, or what several hosts share a credential by. ``warn`` receives
    the failure of a renewal while the old credential is still valid, if it ``falls_back`` to that.
    An entry that lives for less than ``min_life_s`` is renewed.
    """

    provider: Provider
    cache: TokenCache
    warn: Callable[[CredentialError], None]
    clock: Callable[[], float] = time
    min_life_s: float = 0.0
    falls_back: bool = True

    @property
    def name(self) -> str:
        return self.provider.name

    def identify(self, request: TokenRequest) -> Identity:
        """Ask the provider; identities are not cached."""
        return self.provider.identify(request)

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        """Return the cached credential while it is fresh; otherwise one process asks for all.

        An identity without a cache key is asked for every time. If only a network probe can show
        whether there is an identity, the result that there is none is kept for some seconds.
        """
        is_resolved = identity.resolve is not None
        identity = self._resolved(request, identity)
        if identity.cache_key is None:
            return self._ask_uncached(self._sharing(request, identity), identity)
        place = Place(
            self._key(request, identity),
            self._identity_key(request, identity),
            _scope(request, identity),
            is_resolved,
        )
        return self.answer(self._sharing(request, identity), identity, place)

    def answer(self, request: TokenRequest, identity: Identity, place: Place) -> Credential:
        """Return the entry at a place while it is fresh; otherwise one process asks for all."""
        entry, now = self.cache.token(place.key), self.clock()
        if entry is not None and self.is_fresh(entry, now):
            if files.record is not None:
                until_s = entry.fresh_until(self.min_life_s)
                files.record.cached(entry.secret.expose(), until_s)
            return entry.credential()
        from cred_helper.cache.renewal import Renewal

        is_good = entry is not None and self.falls_back and entry.is_valid(now)
        old = entry if is_good else None
        return Renewal(self, request, identity, place, old, now).credential()

    def _sharing(self, request: TokenRequest, identity: Identity) -> TokenRequest:
        """The request, with parts of its answer kept in this cache."""

        def share(
            key: tuple[str, ...], scope: str, make: Callable[[], Credential], *, renew: bool = False
        ) -> Credential:
            part = digest([self.name, "part", scope, *key])
            if renew:
                self.cache.forget(part)
            maker = _Maker(self.name, identity, make)
            cached = self.but(provider=maker, min_life_s=0.0, falls_back=False)
            return cached.answer(request, identity, Place(part, part, scope, is_resolved=True))

        return request.but(share=share)

    def kept(self, request: TokenRequest, identity: Identity) -> Entry | None:
        """The entry that would answer a ``get`` now, still encrypted. Runs no program."""
        if identity.cache_key is None:
            return None
        entry = self.cache.look(self._key(request, identity))
        return entry if entry is not None and self.is_fresh(entry, self.clock()) else None

    def is_fresh(self, entry: Entry, now: float) -> bool:
        return entry.is_fresh(now) and entry.lives_for(self.min_life_s, now)

    def forget(self, request: TokenRequest) -> bool:
        """Remove the entry that would answer a ``get``, if there is one, and the kept failures.

        An identity that cannot be determined has no entry.
        """
        try:
            identity = self._resolved(request, self.provider.identify(request))
        except CredentialError:
            return False
        self.cache.forget(self._identity_key(request, identity))
        return identity.cache_key is not None and self.cache.forget(self._key(request, identity))

    def _resolved(self, request: TokenRequest, identity: Identity) -> Identity:
        """The identity with its cache key, for which a program may have to run."""
        if identity.resolve is None:
            return identity
        from cred_helper.providers.common.timeout import bounded

        return bounded(lambda: identity.resolved(request), request, self.name)

    def _key(self, request: TokenRequest, identity: Identity) -> str:
        return digest([*self._identity_parts(request, identity), _scope(request, identity)])

    def _identity_key(self, request: TokenRequest, identity: Identity) -> str:
        """The key of the note, for all hosts, that this identity does not exist."""
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
        return ask_unless_absent(self, request, identity, key)


class _Maker(Record):
    """A provider of one part of an answer, for an identity that does not change meanwhile."""

    name: str
    identity: Identity
    make: Callable[[], Credential]

    def identify(self, _request: TokenRequest) -> Identity:
        return self.identity

    def get(self, _request: TokenRequest, _identity: Identity) -> Credential:
        return self.make()


def _scope(request: TokenRequest, identity: Identity) -> str:
    """What one credential of this identity opens."""
    return identity.scope or request.route.host
