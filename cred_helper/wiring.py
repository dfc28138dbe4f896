"""Settings in, an assembled keychain out: the one place that knows every source.

Order for one server URL: the built-in provider its host routes to, then what config.json names.
Sources are made only when they are asked, so that a cached answer opens nothing it does not need.
"""

from __future__ import annotations

from cred_helper import providers
from cred_helper.hosts import route
from cred_helper.keychain import Keychain
from cred_helper.provider import Deadline, TokenRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cred_helper.credential import Credential
    from cred_helper.fallback import Fallback
    from cred_helper.keychain import Lister, Source, Store
    from cred_helper.provider import Provider
    from cred_helper.server_url import ServerURL
    from cred_helper.settings import Settings


class ProviderSource:
    """A built-in provider as a source: one request, made for the server URL that is asked about."""

    __slots__ = ("name", "provider", "request")

    def __init__(self, provider: Provider, request: TokenRequest) -> None:
        self.name = provider.name
        self.provider = provider
        self.request = request

    def get(self, _server_url: ServerURL) -> Credential:
        """Identify, then ask."""
        identity = self.provider.identify(self.request)
        return self.provider.get(self.request, identity)


def _unheard(_reason: str, _hint: str | None) -> None:
    """Where nobody is there to be warned."""


class Wiring:
    """What one process asks with: its settings, its environment, its deadline."""

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        clock: Callable[[], float],
        warn: Callable[[str, str | None], None] = _unheard,
    ) -> None:
        self.settings = settings
        self._environ = environ
        self._warn = warn
        self.deadline = Deadline(settings.deadline_s, clock)

    @classmethod
    def of_process(cls, warn: Callable[[str, str | None], None] = _unheard) -> Wiring:
        """The wiring of this process, as its environment has it.

        ``warn`` is told, with a hint, what went wrong although there is an answer.

        Raises:
            Misconfigured: a setting is not what it can be.
        """
        import os
        from time import monotonic

        from cred_helper.settings import Settings

        # As the client set it: a provider may have to tell its SDK something by the real one.
        environ = dict(os.environ)
        return cls(Settings.load(environ), environ, monotonic, warn)

    def keychain(self) -> Keychain:
        """Assemble the keychain."""
        return Keychain(sources=self.sources, stores=self.stores, listers=self.listers)

    def provider_source(self, server_url: ServerURL) -> ProviderSource | None:
        """The built-in provider for this server URL, if its host routes and this build has it."""
        found = route(server_url)
        provider = providers.load(found.provider) if found else None
        if found is None or provider is None:
            return None
        request = TokenRequest(found, environ=self._environ, deadline=self.deadline)
        return ProviderSource(self._guarded(provider), request)

    def _guarded(self, provider: Provider) -> Provider:
        """The provider, not waited for past its deadline, and cached where there is a place."""
        from cred_helper.bounded import BoundedProvider

        bounded = BoundedProvider(provider)
        if not self.settings.cache:
            return bounded
        from cred_helper.cache import TokenCache, default_folder
        from cred_helper.cached import CachedProvider

        folder = self.settings.cache_folder or default_folder(self._environ)
        return CachedProvider(bounded, TokenCache(folder), warn=self._warn) if folder else bounded

    def sources(self, server_url: ServerURL) -> Iterator[Source]:
        """Whom to ask for a credential, in order."""
        builtin = self.provider_source(server_url)
        if builtin is not None:
            yield builtin
        yield from self.fallback().sources(server_url)

    def stores(self, server_url: ServerURL) -> Iterator[Store]:
        """Who keeps this server URL's credential."""
        builtin = self.provider_source(server_url)
        return self.fallback().stores(server_url, builtin.name if builtin else None)

    def listers(self) -> Iterator[Lister]:
        """Who can say what it holds."""
        return self.fallback().listers()

    def fallback(self) -> Fallback:
        """What config.json and its relatives name, and what is kept here."""
        from cred_helper.fallback import Fallback

        return Fallback(
            self._environ,
            self.deadline,
            self._warn,
            helper_timeout_s=self.settings.helper_timeout_s,
            store_for_clouds=self.settings.store_for_clouds,
        )
