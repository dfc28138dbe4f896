"""Settings in, an assembled keychain out: the one place that knows every source.

Order for one server URL, unless a rule of the user's or ``order`` says otherwise: variables that
name its host, the built-in provider its host routes to, what config.json names, variables of a CI
system. Sources are made only when they are asked, so that a cached answer opens nothing it does
not need.
"""

from __future__ import annotations

from cred_helper import clouds, providers
from cred_helper.hosts import route
from cred_helper.keychain import Keychain
from cred_helper.providers.common.interface import Deadline, TokenRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from cred_helper.cache.sealing import Sealing
    from cred_helper.credential import Credential
    from cred_helper.fallback import Fallback, Known
    from cred_helper.fallback.helper import Helper
    from cred_helper.hosts import Route
    from cred_helper.keychain import Lister, Source, Store
    from cred_helper.log import Log
    from cred_helper.providers.common.interface import Provider
    from cred_helper.server_url import ServerURL
    from cred_helper.settings.compat import Compat
    from cred_helper.settings.parsed import ParsedSettings
    from cred_helper.settings.rules import Rule
    from cred_helper.settings.settings import Settings


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

    def forget(self) -> None:
        """Have no answer of before be given again."""
        from cred_helper.cache.cached import CachedProvider

        if isinstance(self.provider, CachedProvider):
            self.provider.forget(self.request)


class _Forgetting:
    """A store that, asked to forget a cloud's registry, has its cached token forgotten as well."""

    __slots__ = ("_source", "_store", "name")

    def __init__(self, store: Store, source: ProviderSource) -> None:
        self.name = store.name
        self._store = store
        self._source = source

    def store(self, server_url: ServerURL, credential: Credential) -> None:
        """As the store does."""
        self._store.store(server_url, credential)

    def erase(self, server_url: ServerURL) -> None:
        """Forget both."""
        self._source.forget()
        self._store.erase(server_url)


def _options_of(provider: str) -> tuple[str, ...] | None:
    return clouds.find(provider).option_names if providers.load(provider) else None


def _parsed_settings(environ: Mapping[str, str]) -> ParsedSettings | None:
    """Where what settings files were parsed to is kept: where tokens are by default."""
    from cred_helper.cache import default_folder
    from cred_helper.files.private_folder import PrivateFolder
    from cred_helper.settings.parsed import ParsedSettings

    folder = default_folder(environ)
    return ParsedSettings(PrivateFolder(folder)) if folder else None


def _unheard(*_: object) -> None:
    """Where nobody is there to be warned."""


class Wiring:
    """What one process asks with: its settings, its environment, its deadline."""

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        clock: Callable[[], float],
        warn: Callable[..., None] = _unheard,
        compat: Compat | None = None,
    ) -> None:
        settings.check_options(_options_of)
        self.settings = settings
        self._environ = environ
        self._warn = warn
        self._compat = compat
        self.deadline = Deadline(settings.deadline_s, clock)

    @classmethod
    def of_process(cls, warn: Callable[..., None] = _unheard) -> Wiring:
        """The wiring of this process, as its environment has it.

        ``warn`` is told, with a hint, what went wrong although there is an answer.

        Raises:
            Misconfigured: a setting is not what it can be.
        """
        import os
        import sys
        from time import monotonic

        from cred_helper.settings.settings import Settings

        # As the client set it: a provider may have to tell its SDK something by the real one.
        environ = dict(os.environ)
        compat = None
        if not os.path.basename(sys.argv[0]).startswith("docker-credential-multi"):
            from cred_helper.settings.compat import Compat

            compat = Compat.find(sys.argv[0], environ)
        variables = compat.settings() if compat else environ
        settings = Settings.load(variables, lambda: _parsed_settings(environ))
        return cls(settings, environ, monotonic, warn, compat)

    def keychain(self, sources: Callable[[ServerURL], Iterable[Source]] | None = None) -> Keychain:
        """Assemble the keychain, of these sources if it is not to be of all."""
        sources = sources or self.sources
        log = self._log()
        if log:
            log.event(f"settings from {', '.join(self.settings.files) or 'no file'}")
            sources = log.watching(sources)
        return Keychain(sources=sources, stores=self.stores, listers=self.listers)

    def _log(self) -> Log | None:
        """Where every step is told, if anywhere."""
        if not self.settings.log:
            return None
        from cred_helper.log import Log

        return Log.to(self.settings.log, self._warn)

    def rule(self, server_url: ServerURL) -> Rule | None:
        """The user's rule for a server URL. Who is called by a helper's name names no other."""
        rule = self.settings.rule(server_url)
        return None if rule and rule.helper and self._compat else rule

    def route(self, server_url: ServerURL) -> Route | None:
        """The built-in provider's host that a server URL means: its own, or a rule's alias.

        Raises:
            Misconfigured: a rule names a provider or an option that the host cannot have.
        """
        rule = self.rule(server_url)
        found = rule.route(server_url) if rule else route(server_url)
        if found is None:
            return None
        if self._compat is not None:
            return found if found.provider == self._compat.provider else None
        asked_for = rule is not None and rule.names_provider
        return (
            found if asked_for or found.provider not in self.settings.disabled_providers else None
        )

    def provider_source(self, server_url: ServerURL) -> ProviderSource | None:
        """The built-in provider for this server URL, if it means one and this build has it."""
        found = self.route(server_url)
        provider = providers.load(found.provider) if found else None
        if found is None or provider is None:
            return None
        rule = self.rule(server_url)
        request = TokenRequest(
            found,
            environ=self._environ,
            deadline=self.deadline,
            options=self._options(found, provider, rule),
            origin_of=lambda option: self.settings.option_origin(
                provider.name, option, rule, self._environ
            ),
        )
        return ProviderSource(self._guarded(provider), request)

    def _options(self, found: Route, provider: Provider, rule: Rule | None) -> dict[str, str]:
        if rule is not None:
            rule.options.check(_options_of, (provider.name,))
        chosen = self._compat.options(found) if self._compat else {}
        return chosen | self.settings.options(clouds.find(provider.name), rule, self._environ)

    def _guarded(self, provider: Provider) -> Provider:
        """The provider, not waited for past its deadline, and cached where there is a place."""
        from cred_helper.providers.common.timeout import BoundedProvider

        log = self._log()
        bounded = BoundedProvider(log.watched(provider) if log else provider)
        if not self.settings.cache:
            return bounded
        from cred_helper.cache import TokenCache, default_folder
        from cred_helper.cache.cached import CachedProvider

        folder = self.settings.cache_folder or default_folder(self._environ)
        if not folder:
            return bounded
        cache = TokenCache(folder, self._sealing() if self.settings.cache_keychain else None)
        return CachedProvider(bounded, cache, warn=self._warn)

    def _sealing(self) -> Sealing:
        """What encrypts the cache, by a key from the keychain that the user names."""
        from cred_helper.cache.sealing import Sealing

        named_by = "the setting cache_keychain"
        keychain = self.fallback().helper(self.settings.cache_keychain, named_by)
        return Sealing(keychain, self._warn)

    def sources(self, server_url: ServerURL) -> Iterator[Source]:
        """Whom to ask for a credential, in order.

        Raises:
            Misconfigured: a rule says of the host what cannot be.
        """
        rule = self.rule(server_url)
        if rule is not None and rule.answer:
            yield from rule.answers()
            return
        if rule is not None and rule.helper:
            fallback = self.fallback()
            yield fallback.loop(server_url) or self._helper_of(rule, fallback)
            return
        for name in self._order(rule):
            match name:
                case "environment" | "ci":
                    yield from self._variables(name, rule)
                case "cloud":
                    builtin = self.provider_source(server_url)
                    if builtin is not None:
                        yield builtin
                case "config":
                    yield from self.fallback().sources(server_url)

    def _order(self, rule: Rule | None) -> tuple[str, ...]:
        """The names of the sources to ask, as the setting ``order`` has them."""
        order = self.settings.order
        if self._compat is not None:
            return ("environment", "cloud", "ci") if self._compat.reads_variables else ("cloud",)
        if rule is None or not rule.names_provider:
            return order
        first = ("environment", "ci") if rule.provider == "environment" else ("cloud",)
        return (*first, *(name for name in order if name == "config"))

    def _variables(self, name: str, rule: Rule | None) -> Iterator[Source]:
        """The environment's own credentials, where they may be used."""
        compat = self._compat is not None
        asked_for = compat or (rule is not None and rule.provider == "environment")
        if not asked_for and "environment" in self.settings.disabled_providers:
            return
        if name == "ci":
            from cred_helper.variables import CiVariables

            variables = CiVariables(self._environ, trusted=asked_for)
            if variables.list():
                yield variables
        # Without one of these there is nothing to look for, and nothing to load.
        elif any(variable.endswith(("_USR", "_PSW")) for variable in self._environ):
            from cred_helper.variables import NamedVariables

            yield NamedVariables(self._environ, catch_all=compat)

    def stores(self, server_url: ServerURL) -> Iterator[Store]:
        """Who keeps this server URL's credential."""
        is_asked = "cloud" in self._order(self.rule(server_url))
        builtin = self.provider_source(server_url) if is_asked else None
        for store in self._stores(server_url, builtin):
            yield _Forgetting(store, builtin) if builtin else store

    def _stores(self, server_url: ServerURL, builtin: ProviderSource | None) -> Iterator[Store]:
        rule = self.rule(server_url)
        if self._compat is not None:
            fails = self.settings.store_for_clouds == "error"
            yield self._compat.store(self._warn, fails=fails, is_ours=builtin is not None)
            return
        fallback = self.fallback()
        owner = self._helper_of(rule, fallback) if rule and rule.helper else None
        provider = builtin.name if builtin else None
        answered_by = rule.answered_by if rule else None
        yield from fallback.stores(server_url, answered_by or provider, owner)

    def listers(self) -> Iterator[Lister]:
        """Who can say what it holds."""
        if self._compat is not None:
            return
        if not self.settings.rules:
            yield from self._all_listers()
            return
        from cred_helper.settings.rules import Unanswered

        for lister in self._all_listers():
            yield Unanswered(lister, self.settings.rule)

    def _all_listers(self) -> Iterator[Lister]:
        fallback = self.fallback()
        ruled = [(self._helper_of(r, fallback), r.matches) for r in self.settings.rules if r.helper]
        yield from fallback.listers(ruled)
        if "ci" in self.settings.order and "environment" not in self.settings.disabled_providers:
            from cred_helper.variables import CiVariables

            yield CiVariables(self._environ)

    def _helper_of(self, rule: Rule, fallback: Fallback) -> Helper | Known:
        assert rule.helper is not None
        return fallback.helper(rule.helper, rule.place.of("helper"))

    def fallback(self) -> Fallback:
        """What config.json and its relatives name, and what is kept here."""
        from cred_helper.fallback import Fallback

        return Fallback(
            self._environ,
            self.deadline,
            self._warn,
            helper_timeout_s=self.settings.helper_timeout_s,
            store_for_clouds=self.settings.store_for_clouds,
            fallback_helper=self.settings.fallback_helper,
        )
