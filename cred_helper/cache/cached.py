"""A provider whose answers are kept: a fresh one is given again without asking.

A hit reads one small file. What a miss needs, from the locks to the SDK, is loaded by the miss.
"""

from __future__ import annotations

from time import time

from cred_helper.errors import CredentialError
from cred_helper.files.fingerprints import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cred_helper.cache import TokenCache
    from cred_helper.cache.entry import Entry
    from cred_helper.credential import Credential
    from cred_helper.providers.common.interface import Identity, Provider, TokenRequest


class CachedProvider:
    """Asks another provider, unless somebody asked it lately for the same.

    The same is: this provider, the host or whatever several hosts share a credential by, the user's
    options, and the identity in words that stay the same while it does. ``warn`` is told, with a
    hint, of a renewal that failed while the old credential is still good.
    """

    __slots__ = ("_cache", "_clock", "_provider", "_warn", "name")

    def __init__(
        self,
        provider: Provider,
        cache: TokenCache,
        *,
        warn: Callable[[str, str | None], None],
        clock: Callable[[], float] = time,
    ) -> None:
        self.name = provider.name
        self._provider = provider
        self._cache = cache
        self._warn = warn
        self._clock = clock

    def identify(self, request: TokenRequest) -> Identity:
        """As the provider says; looking is not kept."""
        return self._provider.identify(request)

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        """Give the cached credential while it is fresh; otherwise have one process ask for all.

        An identity without a fingerprint could be anybody's: it is asked for every time, and only
        that there was none is kept.
        """
        asker = self._asker(request, identity)
        if identity.cache_key is None:
            request = self._sharing(request, identity)
            return self._ask(request, identity, digest(asker))
        scope, key = self._place(request, identity)
        entry = self._cache.token(key)
        now = self._clock()
        if entry is not None and entry.is_fresh(now):
            return entry.credential()
        from cred_helper.cache.renewal import Renewal

        renewal = Renewal(
            self._provider,
            self._cache,
            self._sharing(request, identity),
            identity,
            scope=scope,
            key=key,
            nobody_key=digest(asker),
            old=entry if entry is not None and entry.is_valid(now) else None,
            warn=self._warn,
            clock=self._clock,
        )
        return renewal.credential()

    def _sharing(self, request: TokenRequest, identity: Identity) -> TokenRequest:
        """The request, with parts of its answer kept in this cache."""

        def share(
            key: tuple[str, ...],
            scope: str,
            make: Callable[[], Credential],
            *,
            renew: bool = False,
        ) -> Credential:
            from cred_helper.cache.renewal import Part, Renewal

            place = digest([self.name, "part", scope, *key])
            if renew:
                self._cache.forget(place)
            entry = self._cache.token(place)
            if entry is not None and entry.is_fresh(self._clock()):
                return entry.credential()
            return Renewal(
                Part(self.name, identity, make),
                self._cache,
                request,
                identity,
                scope=scope,
                key=place,
                nobody_key=place,
                old=None,
                warn=self._warn,
                clock=self._clock,
            ).credential()

        return request.sharing(share)

    def kept(self, request: TokenRequest, identity: Identity) -> Entry | None:
        """The entry that a ``get`` would be answered with now, if there is one; for eyes only."""
        if identity.cache_key is None:
            return None
        _, key = self._place(request, identity)
        entry = self._cache.look(key)
        return entry if entry is not None and entry.is_fresh(self._clock()) else None

    def forget(self, request: TokenRequest) -> None:
        """Remove the entry that a ``get`` would be answered with, and what failed before.

        An identity that cannot be had has none.
        """
        try:
            identity = self._provider.identify(request)
        except CredentialError:
            return
        keys = [digest(self._asker(request, identity))]
        if identity.cache_key is not None:
            keys.append(self._place(request, identity)[1])
        for key in keys:
            self._cache.forget(key)

    def _place(self, request: TokenRequest, identity: Identity) -> tuple[str, str]:
        """What a credential opens, and the key of its entry."""
        scope = identity.scope or request.route.host
        return scope, digest([*self._asker(request, identity), scope])

    def _asker(self, request: TokenRequest, identity: Identity) -> list[str]:
        """Who asks, in words that stay the same while they do."""
        options = [f"{name}={value}" for name, value in sorted(request.options.items())]
        whom = identity.source if identity.cache_key is None else identity.cache_key
        return [self.name, whom or "", *options]

    def _ask(self, request: TokenRequest, identity: Identity, nobody_key: str) -> Credential:
        if identity.certain:
            return self._provider.get(request, identity)
        from cred_helper.cache.renewal import ask_unless_nobody

        return ask_unless_nobody(
            self._provider, self._cache, request, identity, nobody_key, self._clock
        )
