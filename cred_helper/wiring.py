"""Makes the sources of a resolution. Only this module imports every source.

A source is made when it is asked: a cached answer loads and opens nothing of later sources.
``stores`` makes what ``store``, ``erase`` and ``list`` use.
"""

from __future__ import annotations

from cred_helper import clouds, files
from cred_helper import settings as kinds
from cred_helper.keychain import ask
from cred_helper.providers.common.interface import Deadline, IdToken, LinkProfile, TokenRequest
from cred_helper.record import Record
from cred_helper.resolution import Resolution, resolve
from cred_helper.server_url import ServerURL
from cred_helper.settings import link_profile
from cred_helper.settings.link_profile import OWN_NAME
from cred_helper.settings.settings import JSON, Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from cred_helper.cache import TokenCache
    from cred_helper.call_log import CallLog
    from cred_helper.credential import Credential
    from cred_helper.errors import CredentialError
    from cred_helper.fallback import Fallback, FixedOutcome
    from cred_helper.fallback.helper import Helper
    from cred_helper.keychain import Answer, Source
    from cred_helper.log import Log
    from cred_helper.providers.common.protocols import Provider
    from cred_helper.settings.parsed import ParsedSettings
    from cred_helper.settings.rules import Rule

    Warn = Callable[[CredentialError], None]

# A pull without a login must not wait long for a login that fails.
ANONYMOUS_DEADLINE_S = 5.0
# The least time for a get whose client was slow to close this program's standard input.
_LEAST_DEADLINE_S = 1.0


class ProviderSource(Record):
    """A built-in provider as a source, with the token request of one server URL."""

    name: str
    provider: Provider
    request: TokenRequest

    def get(self, _server_url: ServerURL) -> Credential:
        identity = self.provider.identify(self.request)
        return self.provider.get(self.request, identity)


def _parsed_settings(environ: Mapping[str, str]) -> ParsedSettings | None:
    """The parsed copies of settings files, in the cache's default folder."""
    from cred_helper.cache import default_folder
    from cred_helper.files.private_folder import PrivateFolder
    from cred_helper.settings.parsed import ParsedSettings

    folder = default_folder(environ)
    return ParsedSettings(PrivateFolder(folder)) if folder else None


def _id_token(options: Mapping[str, str], cloud: str) -> IdToken | None:
    source = options.get("id_token", "")
    if not source and clouds.find(cloud).ci_option not in options:
        return None
    return IdToken(source or IdToken.OF_CI_JOB, options.get("id_token_audience", ""))


class Wiring:
    """Makes sources from the settings, environment and deadline of one process.

    ``warn`` receives each failure that does not change the answer.
    """

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        clock: Callable[[], float],
        warn: Warn = lambda _error: None,
        profile: LinkProfile = OWN_NAME,
        spent_s: float = 0.0,
    ) -> None:
        self.settings = settings
        self.environ = environ
        self.warn = warn
        self.profile = profile
        least_s = min(settings.deadline_s, _LEAST_DEADLINE_S)
        self.deadline = Deadline(max(settings.deadline_s - spent_s, least_s), clock)

    @classmethod
    def of_process(
        cls, warn: Warn = lambda _error: None, spent_s: float = 0.0, profile: LinkProfile = OWN_NAME
    ) -> Wiring:
        """The wiring of this process, of whose deadline ``spent_s`` seconds have passed.

        Without a ``profile``, the name of the executable selects it.

        Raises:
            Misconfigured: the settings are wrong.
        """
        import os
        import sys
        from time import monotonic

        from cred_helper.settings.settings import Settings

        # A copy: some providers change os.environ, because their SDK reads it.
        environ = dict(os.environ) if files.record is None else files.record.variables
        if profile is OWN_NAME:
            profile = link_profile.find(sys.argv[0], environ)
        settings = Settings.load(
            link_profile.variables(profile, environ), lambda: _parsed_settings(environ)
        )
        if not (settings.memo and settings.cache) or settings.cache_keychain or settings.log:
            files.unrecorded()
        wiring = cls(settings, environ, monotonic, warn, profile, spent_s)
        if settings.log:
            wiring._calls()  # starts the call log
        return wiring

    def resolve(self, server_url: ServerURL, *, artifacts: bool = False) -> Resolution:
        """Resolve a server URL; with ``artifacts``, its host need not be a registry."""
        if self.settings.log and (calls := self._calls()):
            calls.about(server_url)
        profile = self.profile
        return resolve(server_url, self.settings, self.environ, profile, artifacts=artifacts)

    def ask(self, resolution: Resolution, sources: Iterable[Source] | None = None) -> Answer:
        """Ask the sources of a resolution, or those that the caller made from it."""
        asked = self.sources(resolution) if sources is None else sources
        log, server_url = self._log(), resolution.server_url
        if log:
            asked = log.watching(asked, server_url, self.settings.files)
        return ask(asked, server_url)

    def sources(self, resolution: Resolution) -> Iterator[Source]:
        """The sources to ask, in order."""
        resolution.checked()
        rule, server_url = resolution.rule, resolution.server_url
        for kind in resolution.sources:
            match kind:
                case kinds.VARIABLES | kinds.CI_VARIABLES:
                    yield from self._variables(kind, rule)
                case kinds.CLOUD:
                    yield self.provider_source(resolution)
                case kinds.CONFIG_JSON:
                    yield from self.fallback().sources(server_url)
                case kinds.HELPER:
                    assert rule is not None
                    fallback = self.fallback()
                    yield fallback.loop(server_url) or self.helper_of(rule, fallback)
                case kinds.REFUSED | kinds.EMPTY:
                    assert rule is not None
                    from cred_helper.settings.ruled_sources import RuleAnswer

                    yield RuleAnswer(rule.place, kind)
                case _:
                    raise ValueError(kind)

    def provider_source(self, resolution: Resolution) -> ProviderSource:
        assert resolution.route is not None
        assert resolution.provider is not None
        request = TokenRequest(
            resolution.route,
            environ=self.environ,
            deadline=self.deadline,
            options=resolution.options,
            origin_of=resolution.origin_of,
            id_token=_id_token(resolution.options, resolution.route.cloud),
        )
        if resolution.anonymous:
            request = request.but(deadline=request.deadline.sooner(ANONYMOUS_DEADLINE_S))
        provider = self.guarded(resolution.provider, resolution.min_life_s)
        return ProviderSource(provider.name, provider, request)

    def guarded(self, provider: Provider, min_life_s: float = 0.0) -> Provider:
        """The provider, limited by the deadline and with the cache, if that is on."""
        from cred_helper.providers.common.bounded_provider import BoundedProvider

        log = self._log()
        watched = log.watched(provider) if log else provider
        bounded = BoundedProvider(watched, min_life_s=min_life_s, warn=self.warn)
        cache = self.cache()
        if cache is None:
            return bounded
        from cred_helper.cache.cached import CachedProvider

        return CachedProvider(bounded, cache, warn=self.warn, min_life_s=min_life_s)

    def cache(self) -> TokenCache | None:
        """The token cache; ``None`` if it is off or no folder is available."""
        if not self.settings.cache:
            return None
        from cred_helper.cache import TokenCache, default_folder

        folder = self.settings.cache_folder or default_folder(self.environ)
        if not folder:
            return None
        sealing, named = None, self.settings.cache_keychain
        if named:
            from cred_helper.cache.sealing import Sealing

            helper = self.fallback().helper(named, "the setting cache_keychain")
            sealing = Sealing(helper, self.warn)
        return TokenCache(folder, sealing)

    def _variables(self, kind: str, rule: Rule | None) -> Iterator[Source]:
        answers_for_all = bool(self.profile.helper)
        if kind == kinds.CI_VARIABLES:
            from cred_helper.variables import CiVariables

            trusted = answers_for_all or (rule is not None and rule.provider == kinds.VARIABLES)
            variables = CiVariables(self.environ, trusted=trusted)
            if variables.list():
                yield variables
        # The module is loaded only if a variable has one of these endings.
        elif any(files.variables(self.environ, suffix=suffix) for suffix in ("_USR", "_PSW")):
            from cred_helper.variables import NamedVariables

            yield NamedVariables(self.environ, answers_for_all=answers_for_all)

    def _log(self) -> Log | CallLog | None:
        if not self.settings.log:
            return None
        if self.settings.log_format == JSON:
            return self._calls()
        from cred_helper.log import Log

        return Log.to(self.settings.log, self.warn)

    def _calls(self) -> CallLog | None:
        if self.settings.log_format != JSON:
            return None
        from cred_helper import call_log

        return call_log.begin(self.settings.log, self.warn)

    def helper_of(self, rule: Rule, fallback: Fallback) -> Helper | FixedOutcome:
        assert rule.helper is not None
        return fallback.helper(rule.helper, rule.place.of("helper"))

    def fallback(self) -> Fallback:
        from cred_helper.fallback import Fallback

        return Fallback(
            self.environ,
            self.deadline,
            self.warn,
            helper_timeout_s=self.settings.helper_timeout_s,
            store_for_clouds=self.settings.store_for_clouds,
            fallback_helper=self.settings.fallback_helper,
        )
