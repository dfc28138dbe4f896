"""What keeps a login, removes one, and lists them: what ``store``, ``erase`` and ``list`` use.

Apart from ``wiring``, so that a ``get`` does not load it.
"""

from __future__ import annotations

from cred_helper import clouds, docker_hub
from cred_helper.errors import Misconfigured
from cred_helper.keychain import merged
from cred_helper.record import Record
from cred_helper.server_url import ServerURL
from cred_helper.settings import CI_VARIABLES, VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cred_helper.cache.entry import Entry
    from cred_helper.credential import Credential
    from cred_helper.errors import CredentialError
    from cred_helper.keychain import Lister, Store
    from cred_helper.resolution import Resolution
    from cred_helper.wiring import ProviderSource, Warn, Wiring

# How long a login waits for the cloud to show that it answers for the registry itself.
ANSWER_WITHIN_S = 5.0


def store_for(wiring: Wiring, resolution: Resolution) -> Store:
    """The store that keeps logins to a server URL."""
    resolution.checked()
    builtin = wiring.provider_source(resolution) if resolution.asks_cloud else None
    if wiring.profile.helper:
        store = _no_store(wiring, builtin)
    else:
        store = _fallback_store(wiring, resolution, builtin)
    return _CloudStore(store, builtin) if builtin else store


def list_all(wiring: Wiring) -> tuple[dict[str, str], list[tuple[str, CredentialError]]]:
    """The logins of all sources, by server URL, and the failures of the sources."""
    return merged(_listers(wiring))


class _CloudStore:
    """The store for a cloud's registry; erasing there removes the cached token as well."""

    def __init__(self, store: Store, source: ProviderSource) -> None:
        self.name = store.name
        self._store = store
        self._source = source

    def store(self, server_url: ServerURL, credential: Credential) -> None:
        self._store.store(server_url, credential)

    def erase(self, server_url: ServerURL) -> bool:
        """Remove the cached token and the login; return whether either existed."""
        from cred_helper.cache.cached import CachedProvider

        provider = self._source.provider
        was_cached = isinstance(provider, CachedProvider) and provider.forget(self._source.request)
        return self._store.erase(server_url) or was_cached


class _NoStore(Record):
    """The store of a helper that keeps no logins. With ``fails``, a login is an error."""

    name: str
    warn: Warn
    fails: bool

    def store(self, server_url: ServerURL, _credential: Credential) -> None:
        not_kept = Misconfigured("compat.not-kept", host=server_url.redacted_host, helper=self.name)
        if self.fails:
            raise not_kept
        self.warn(not_kept)

    def erase(self, _server_url: ServerURL) -> bool:
        return False


class CachedTokens(Record):
    """The hosts whose token is cached and fresh, so that a ``get`` needs no network.

    ``entry_of`` returns the entry that a ``get`` for a host is answered with, if there is one.
    """

    name = "cache"

    hosts: Iterable[str]
    entry_of: Callable[[str], Entry | None]

    def list(self) -> dict[str, str]:
        return {host: entry.username for host in self.hosts if (entry := self.entry_of(host))}


def _no_store(wiring: Wiring, builtin: ProviderSource | None) -> Store:
    is_ours = builtin is not None or wiring.profile.settings.get("STORE_FOR_CLOUDS") == "ignore"
    fails = wiring.settings.store_for_clouds == "error" or not is_ours
    return _NoStore(wiring.profile.helper, wiring.warn, fails=fails)


def _fallback_store(
    wiring: Wiring, resolution: Resolution, builtin: ProviderSource | None
) -> Store:
    fallback, rule = wiring.fallback(), resolution.rule
    owner = wiring.helper_of(rule, fallback) if rule and rule.helper else None

    def answered_by() -> str | None:
        """The source that answers before any login; ``None`` if a get uses the login."""
        if rule and rule.answered_by:
            return rule.answered_by
        # Without its options the login is the answer again.
        is_asked = builtin and not clouds.find(builtin.name).only_with
        return builtin.name if builtin and is_asked and _answers(builtin) else None

    return fallback.store(resolution.server_url, answered_by, owner)


def _answers(builtin: ProviderSource) -> bool:
    """Whether the cloud gives a credential, which then comes before any login."""
    from cred_helper.errors import CredentialError

    request = builtin.request
    request = request.but(deadline=request.deadline.sooner(ANSWER_WITHIN_S))
    try:
        builtin.provider.get(request, builtin.provider.identify(request))
    except CredentialError:
        return False
    return True


def _listers(wiring: Wiring) -> Iterator[Lister]:
    if wiring.profile.helper:
        return
    if not wiring.settings.rules:
        yield from _all_listers(wiring)
        return
    from cred_helper.settings.ruled_sources import ListedHosts, RuledLister

    for lister in _all_listers(wiring):
        yield RuledLister(lister, wiring.settings.rule)
    yield ListedHosts(wiring.settings.rules)


def _all_listers(wiring: Wiring) -> Iterator[Lister]:
    fallback, settings = wiring.fallback(), wiring.settings
    rules = [rule for rule in settings.rules if rule.helper and not rule.mistakes]
    yield from fallback.listers([(wiring.helper_of(r, fallback), r.matches) for r in rules])
    if CI_VARIABLES in settings.order and VARIABLES not in settings.disabled_providers:
        from cred_helper.variables import CiVariables

        yield CiVariables(wiring.environ)
    cache = wiring.cache()
    if cache is not None:
        from time import time

        hosts = {_listed(entry.host): None for entry in cache.entries(time()) if entry.host}
        yield CachedTokens(hosts, lambda host: _cached_entry(wiring, host))


def _listed(host: str) -> str:
    return docker_hub.KEY if docker_hub.is_hub(ServerURL.parse(host)) else host


def _cached_entry(wiring: Wiring, host: str) -> Entry | None:
    """The cached token that a ``get`` for a host is answered with, if there is one."""
    from cred_helper.cache.cached import CachedProvider
    from cred_helper.errors import CredentialError

    resolution = wiring.resolve(ServerURL.parse(host))
    if resolution.error or not resolution.asks_cloud:
        return None
    source = wiring.provider_source(resolution)
    if not isinstance(source.provider, CachedProvider):
        return None
    try:
        return source.provider.kept(source.request, source.provider.identify(source.request))
    except CredentialError:
        return None
