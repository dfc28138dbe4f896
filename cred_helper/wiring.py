"""Makes the sources, stores and listers that a resolution names: the one place that knows them all.

Each is made when its turn comes, so that a cached answer opens nothing that it does not need.
"""

from __future__ import annotations

from cred_helper import keychain
from cred_helper.providers.common.interface import Deadline, TokenRequest
from cred_helper.resolution import CI, ENVIRONMENT, Resolution, resolve
from cred_helper.server_url import ServerURL
from cred_helper.settings.profile import OWN_NAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from cred_helper.cache import TokenCache
    from cred_helper.cache.entry import Entry
    from cred_helper.cache.sealing import Sealing
    from cred_helper.credential import Credential
    from cred_helper.errors import CredentialError
    from cred_helper.fallback import Fallback, Known
    from cred_helper.fallback.helper import Helper
    from cred_helper.keychain import Answer, Lister, Source, Store
    from cred_helper.log import Log
    from cred_helper.providers.common.interface import Provider
    from cred_helper.settings.parsed import ParsedSettings
    from cred_helper.settings.profile import Profile
    from cred_helper.settings.rules import Rule
    from cred_helper.settings.settings import Settings

    Warn = Callable[[CredentialError], None]

# A login that fails must not hold up a pull that needs none.
ANONYMOUS_DEADLINE_S = 5.0
# How long a login waits for the cloud to show that it answers for the registry itself.
ANSWER_WITHIN_S = 5.0
# What a get has left after it waited for a client that does not close our standard input.
_LEAST_DEADLINE_S = 1.0


class ProviderSource:
    """A built-in provider as a source, with the request for the server URL that is asked about."""

    __slots__ = ("name", "provider", "request")

    def __init__(self, provider: Provider, request: TokenRequest) -> None:
        self.name = provider.name
        self.provider = provider
        self.request = request

    def get(self, _server_url: ServerURL) -> Credential:
        """Identify, then ask."""
        identity = self.provider.identify(self.request)
        return self.provider.get(self.request, identity)

    def answers(self, server_url: ServerURL) -> bool:
        """Whether the cloud gives a credential, which then comes before any login."""
        from cred_helper.errors import CredentialError

        try:
            ProviderSource(self.provider, self.request.sooner(ANSWER_WITHIN_S)).get(server_url)
        except CredentialError:
            return False
        return True

    def cached_entry(self) -> Entry | None:
        """The cached token that a ``get`` is answered with, if there is one.

        Raises:
            CredentialError: a configured identity cannot be used.
        """
        from cred_helper.cache.cached import CachedProvider

        if not isinstance(self.provider, CachedProvider):
            return None
        return self.provider.kept(self.request, self.provider.identify(self.request))

    def forget(self) -> None:
        """Remove the cached answer."""
        from cred_helper.cache.cached import CachedProvider

        if isinstance(self.provider, CachedProvider):
            self.provider.forget(self.request)


class _CloudStore:
    """The store for a cloud's registry; erasing there removes the cached token as well."""

    __slots__ = ("_source", "_store", "name")

    def __init__(self, store: Store, source: ProviderSource) -> None:
        self.name = store.name
        self._store = store
        self._source = source

    def store(self, server_url: ServerURL, credential: Credential) -> None:
        """Keep a login."""
        self._store.store(server_url, credential)

    def erase(self, server_url: ServerURL) -> None:
        """Remove the cached token and the login."""
        self._source.forget()
        self._store.erase(server_url)


class CachedTokens:
    """The hosts whose token is cached and fresh, so that a ``get`` needs no network.

    ``entry_of`` returns the entry that a ``get`` for a host is answered with, if there is one.
    """

    __slots__ = ("_entry_of", "_hosts", "name")

    def __init__(self, hosts: Iterable[str], entry_of: Callable[[str], Entry | None]) -> None:
        self.name = "cache"
        self._hosts = hosts
        self._entry_of = entry_of

    def list(self) -> dict[str, str]:
        """List them, with the user name of each token."""
        return {host: entry.username for host in self._hosts if (entry := self._entry_of(host))}


def _parsed_settings(environ: Mapping[str, str]) -> ParsedSettings | None:
    """The copies of parsed settings: in the default folder of the cache."""
    from cred_helper.cache import default_folder
    from cred_helper.files.private_folder import PrivateFolder
    from cred_helper.settings.parsed import ParsedSettings

    folder = default_folder(environ)
    return ParsedSettings(PrivateFolder(folder)) if folder else None


def _no_warning(_error: CredentialError) -> None:
    """Drop a warning."""


class Wiring:
    """The settings, environment and deadline of one process, and the sources that they make.

    ``warn`` takes what goes wrong although there is an answer.
    """

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        clock: Callable[[], float],
        warn: Warn = _no_warning,
        profile: Profile = OWN_NAME,
        spent_s: float = 0.0,
    ) -> None:
        self.settings = settings
        self._environ = environ
        self._warn = warn
        self._profile = profile
        least_s = min(settings.deadline_s, _LEAST_DEADLINE_S)
        self.deadline = Deadline(max(settings.deadline_s - spent_s, least_s), clock)

    @classmethod
    def of_process(cls, warn: Warn = _no_warning, spent_s: float = 0.0) -> Wiring:
        """The wiring of this process. ``spent_s`` of its deadline are over.

        Raises:
            Misconfigured: the settings have mistakes.
        """
        import os
        import sys
        from time import monotonic

        from cred_helper.settings.settings import Settings

        # A copy: a provider may have to change the process's own, which its SDK reads.
        environ = dict(os.environ)
        profile, variables = OWN_NAME, environ
        if not os.path.basename(sys.argv[0]).startswith("docker-credential-multi"):
            from cred_helper.settings import compat

            profile = compat.find(sys.argv[0], environ) or OWN_NAME
            variables = dict(compat.variables(profile, environ))
        settings = Settings.load(variables, lambda: _parsed_settings(environ))
        return cls(settings, environ, monotonic, warn, profile, spent_s)

    def resolve(self, server_url: ServerURL) -> Resolution:
        """Resolve a server URL."""
        return resolve(server_url, self.settings, self._environ, self._profile)

    # --- get --------------------------------------------------------------------------------------

    def ask(self, resolution: Resolution, sources: Iterable[Source] | None = None) -> Answer:
        """Ask the sources of a resolution, or those that were made of it before.

        Raises:
            Misconfigured: the server URL has no resolution.
        """
        asked = self.sources(resolution) if sources is None else sources
        log = self._log()
        if log:
            log.event(f"settings from {', '.join(self.settings.files) or 'no file'}")
            return keychain.ask(
                log.watching(lambda _: asked)(resolution.server_url), resolution.server_url
            )
        return keychain.ask(asked, resolution.server_url)

    def sources(self, resolution: Resolution) -> Iterator[Source]:
        """The sources to ask, in order.

        Raises:
            Misconfigured: the server URL has no resolution.
        """
        resolution.checked()
        rule, server_url = resolution.rule, resolution.server_url
        for kind in resolution.sources:
            match kind:
                case "environment" | "ci":
                    yield from self._variables(kind, rule)
                case "cloud":
                    yield self.provider_source(resolution)
                case "config":
                    yield from self.fallback().sources(server_url)
                case "helper":
                    assert rule is not None
                    fallback = self.fallback()
                    yield fallback.loop(server_url) or self._helper_of(rule, fallback)
                case "refusal":
                    assert rule is not None
                    from cred_helper.settings.rules import Refusal

                    yield Refusal(rule.place)

    def provider_source(self, resolution: Resolution) -> ProviderSource:
        """The provider of a resolution that has one."""
        assert resolution.route is not None
        assert resolution.provider is not None
        request = TokenRequest(
            resolution.route,
            environ=self._environ,
            deadline=self.deadline,
            options=resolution.options,
            origin_of=resolution.origin_of,
        )
        if resolution.anonymous:
            request = request.sooner(ANONYMOUS_DEADLINE_S)
        return ProviderSource(self._guarded(resolution.provider), request)

    def _guarded(self, provider: Provider) -> Provider:
        """The provider with its deadline, and with the cache where there is one."""
        from cred_helper.providers.common.timeout import BoundedProvider

        log = self._log()
        bounded = BoundedProvider(log.watched(provider) if log else provider)
        cache = self._cache()
        if cache is None:
            return bounded
        from cred_helper.cache.cached import CachedProvider

        return CachedProvider(bounded, cache, warn=self._warn)

    def _cache(self) -> TokenCache | None:
        if not self.settings.cache:
            return None
        from cred_helper.cache import TokenCache, default_folder

        folder = self.settings.cache_folder or default_folder(self._environ)
        if not folder:
            return None
        return TokenCache(folder, self._sealing() if self.settings.cache_keychain else None)

    def _sealing(self) -> Sealing:
        """The encryption of the cache, by a key from the keychain that the user names."""
        from cred_helper.cache.sealing import Sealing

        named_by = "the setting cache_keychain"
        helper = self.fallback().helper(self.settings.cache_keychain, named_by)
        return Sealing(helper, self._warn)

    def _variables(self, kind: str, rule: Rule | None) -> Iterator[Source]:
        """The source of credentials in variables, where there are any."""
        catch_all = bool(self._profile.helper)
        if kind == CI:
            from cred_helper.variables import CiVariables

            trusted = catch_all or (rule is not None and rule.provider == ENVIRONMENT)
            variables = CiVariables(self._environ, trusted=trusted)
            if variables.list():
                yield variables
        # Without such a variable there is nothing to look for, and nothing to load.
        elif any(variable.endswith(("_USR", "_PSW")) for variable in self._environ):
            from cred_helper.variables import NamedVariables

            yield NamedVariables(self._environ, catch_all=catch_all)

    def _log(self) -> Log | None:
        """The debug log, where the setting names one."""
        if not self.settings.log:
            return None
        from cred_helper.log import Log

        return Log.to(self.settings.log, self._warn)

    # --- store, erase -----------------------------------------------------------------------------

    def store(self, resolution: Resolution) -> Store:
        """The store that keeps logins to a server URL.

        Raises:
            Misconfigured: the server URL has no resolution.
        """
        resolution.checked()
        builtin = self.provider_source(resolution) if resolution.asks_cloud else None
        if self._profile.helper:
            store = self._no_store(builtin)
        else:
            store = self._fallback_store(resolution, builtin)
        return _CloudStore(store, builtin) if builtin else store

    def _no_store(self, builtin: ProviderSource | None) -> Store:
        from cred_helper.settings.compat import NoStore

        is_ours = builtin is not None or self._profile.ignores_logins
        fails = self.settings.store_for_clouds == "error" or not is_ours
        return NoStore(self._profile.helper, self._warn, fails=fails)

    def _fallback_store(self, resolution: Resolution, builtin: ProviderSource | None) -> Store:
        fallback, rule = self.fallback(), resolution.rule
        owner = self._helper_of(rule, fallback) if rule and rule.helper else None
        server_url = resolution.server_url

        def answered_by() -> str | None:
            """What answers before any login; where the cloud does not, a get uses the login."""
            if rule and rule.answered_by:
                return rule.answered_by
            return builtin.name if builtin and builtin.answers(server_url) else None

        return next(iter(fallback.stores(server_url, answered_by, owner)))

    # --- list -------------------------------------------------------------------------------------

    def list(self) -> tuple[dict[str, str], list[tuple[str, CredentialError]]]:
        """What all sources hold, by server URL, and the failures of those that cannot say it."""
        return keychain.merged(self.listers())

    def listers(self) -> Iterator[Lister]:
        """Everything that can list what it holds."""
        if self._profile.helper:
            return
        if not self.settings.rules:
            yield from self._all_listers()
            return
        from cred_helper.settings.rules import ListedHosts, RuledLister

        for lister in self._all_listers():
            yield RuledLister(lister, self.settings.rule)
        yield ListedHosts(self.settings.rules)

    def _all_listers(self) -> Iterator[Lister]:
        fallback, settings = self.fallback(), self.settings
        rules = [rule for rule in settings.rules if rule.helper and not rule.mistakes]
        yield from fallback.listers([(self._helper_of(r, fallback), r.matches) for r in rules])
        if CI in settings.order and ENVIRONMENT not in settings.disabled_providers:
            from cred_helper.variables import CiVariables

            yield CiVariables(self._environ)
        cache = self._cache()
        if cache is not None:
            from time import time

            hosts = {entry.host: None for entry in cache.entries(time()) if entry.host}
            yield CachedTokens(hosts, self._cached_entry)

    def _cached_entry(self, host: str) -> Entry | None:
        """The cached token that a ``get`` for a host is answered with, if there is one."""
        from cred_helper.errors import CredentialError

        resolution = self.resolve(ServerURL.parse(host))
        if resolution.error or not resolution.asks_cloud:
            return None
        try:
            return self.provider_source(resolution).cached_entry()
        except CredentialError:
            return None

    def _helper_of(self, rule: Rule, fallback: Fallback) -> Helper | Known:
        assert rule.helper is not None
        return fallback.helper(rule.helper, rule.place.of("helper"))

    def fallback(self) -> Fallback:
        """The sources that config.json and its relatives name, and our own store."""
        from cred_helper.fallback import Fallback

        return Fallback(
            self._environ,
            self.deadline,
            self._warn,
            helper_timeout_s=self.settings.helper_timeout_s,
            store_for_clouds=self.settings.store_for_clouds,
            fallback_helper=self.settings.fallback_helper,
        )
