"""Resolves a server URL: to a rule, a cloud, its options, and the sources to ask in order.

A call resolves once. ``get``, ``store``, ``erase``, ``list`` and ``explain`` read the result. Reads
settings and compares names. Asks no source, opens no connection, loads no SDK.
"""

from __future__ import annotations

from cred_helper import clouds, providers
from cred_helper import settings as kinds
from cred_helper.errors import Misconfigured
from cred_helper.hosts import OPTIONAL_ZONES, Route, artifact_zones, route
from cred_helper.record import Record
from cred_helper.settings.link_profile import OWN_NAME
from cred_helper.settings.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cred_helper.providers.common.interface import LinkProfile
    from cred_helper.providers.common.protocols import Provider
    from cred_helper.server_url import ServerURL
    from cred_helper.settings.rules import Rule


class Resolution(Record, kw_only=True):
    """The rule, cloud, options and sources of one server URL.

    ``rule`` is the rule that matches. ``own_route`` is the route of the host itself. ``route`` is
    the route whose provider is asked: the host's or the alias's. ``provider`` is ``None`` without a
    route, and in a slim build without this provider. ``sources`` are the kinds of sources to ask,
    in order. ``error`` is the mistake in the settings that prevents an answer; ``sources`` is empty
    then.
    """

    server_url: ServerURL
    settings: Settings
    environ: Mapping[str, str]
    profile: LinkProfile
    rule: Rule | None
    own_route: Route | None = None
    route: Route | None = None
    provider: Provider | None = None
    options: Mapping[str, str] = {}
    sources: tuple[str, ...] = ()
    error: Misconfigured | None = None

    @property
    def asks_cloud(self) -> bool:
        return kinds.CLOUD in self.sources

    @property
    def anonymous(self) -> bool:
        """Whether the registry allows pulls without a login: a failure must not stop a client."""
        return self.asks_cloud and self.route is not None and self.route.anonymous

    @property
    def min_life_s(self) -> float:
        """The seconds that a cached token must remain valid for to be used."""
        if self.rule is not None and self.rule.min_life_s is not None:
            return self.rule.min_life_s
        return self.settings.min_remaining_life

    @property
    def needs_no_credential(self) -> bool:
        return self.rule is not None and self.rule.answer in (kinds.ANONYMOUS, kinds.EMPTY)

    def origin_of(self, option: str) -> str | None:
        """Where an option of the provider is set: a variable, or file and line, if known."""
        assert self.route is not None
        cloud = self.route.cloud
        return self.settings.option_origin(cloud, option, self.rule, self.environ)

    def checked(self) -> Resolution:
        if self.error is not None:
            raise self.error
        return self


def resolve(
    server_url: ServerURL,
    settings: Settings,
    environ: Mapping[str, str],
    profile: LinkProfile = OWN_NAME,
    *,
    artifacts: bool = False,
) -> Resolution:
    """Resolve a server URL.

    With ``artifacts``, a rule can also match a cloud's hosts that are not registries.
    """
    rule = settings.rule(server_url)
    if rule is not None and rule.helper and profile.helper:
        rule = None  # started under the name of another helper, this program starts no helper
    resolution = Resolution(
        server_url=server_url, settings=settings, environ=environ, profile=profile, rule=rule
    )
    found = route(server_url) or _optional_route(resolution)
    if artifacts and rule is not None and found is None:
        found = route(server_url, artifact_zones())
    resolution.own_route = found
    try:
        if rule is not None:
            rule.check()
        resolution.route = _route(resolution)
        _find_provider(resolution)
    except Misconfigured as error:
        resolution.error = error
    else:
        resolution.sources = _sources(resolution)
    return resolution


def _optional_route(resolution: Resolution) -> Route | None:
    """The route of a host whose cloud takes part only after the user has configured it.

    Docker Hub's keys for the tokens of ``docker login`` are not registries: they have no route.
    """
    settings, environ, rule = resolution.settings, resolution.environ, resolution.rule
    found = route(resolution.server_url, OPTIONAL_ZONES)
    if found is None or _is_token_key(resolution.server_url):
        return None
    cloud = clouds.find(found.cloud)
    if rule is not None and rule.provider == cloud.name:
        return found
    options = settings.options(cloud, rule, environ)
    required, *others = cloud.only_with
    if required not in options:
        return None
    # docker/login-action takes the other options as inputs. A job that sets only its variable
    # configures that action, and not this program.
    is_foreign = settings.option_origin(cloud.name, required, rule, environ) in cloud.own_variables
    return None if is_foreign and not all(other in options for other in others) else found


def _route(resolution: Resolution) -> Route | None:
    """The route whose provider is asked.

    Raises:
        Misconfigured: the rule names another cloud than the host's, or an option without a cloud.
    """
    rule = resolution.rule
    found = _ruled_route(rule, resolution) if rule is not None else resolution.own_route
    if found is None:
        return None
    if resolution.profile.cloud is not None:
        return found if found.cloud == resolution.profile.cloud else None
    is_disabled = found.cloud in resolution.settings.disabled_providers
    return None if is_disabled and not (rule and rule.names_provider) else found


def _is_token_key(server_url: ServerURL) -> bool:
    from cred_helper.docker_hub import is_token_key

    return is_token_key(server_url)


def _ruled_route(rule: Rule, resolution: Resolution) -> Route | None:
    server_url, found = resolution.server_url, resolution.own_route
    if rule.helper or rule.answer:
        return None
    if rule.target is not None:
        return rule.target if server_url.is_host and not _is_token_key(server_url) else None
    if rule.provider in clouds.NAMES and (found is None or found.cloud != rule.provider):
        names = {"host": server_url.redacted_host, "cloud": rule.provider}
        raise rule.place.wrong("provider", "settings.host-of-no-cloud", **names)
    if rule.provider is not None and rule.provider not in clouds.NAMES:
        return None
    option = next(iter(rule.options.values), None)
    if found is None and option is not None:
        host = server_url.redacted_host
        raise rule.place.wrong(option, "settings.option-without-cloud", host=host, name=option)
    return found


def _find_provider(resolution: Resolution) -> None:
    """Load the provider of the route, and set its options.

    Raises:
        Misconfigured: the rule needs a provider that this build leaves out, or has an option of
            another cloud; or a variable of the helper that the profile replaces is wrong.
    """
    found, rule = resolution.route, resolution.rule
    if found is None:
        return
    cloud = clouds.find(found.cloud)
    if rule is not None:
        foreign = next((key for key in rule.options.values if key not in cloud.option_names), None)
        if foreign is not None:
            code = "settings.option-of-other-cloud"
            raise rule.place.wrong(foreign, code, name=foreign, cloud=cloud.name)
    resolution.provider = providers.load(found.cloud)
    if resolution.provider is None:
        if rule is not None and (rule.names_provider or rule.options.values):
            raise rule.place.wrong("match", "settings.cloud-left-out", cloud=cloud.name)
        return
    options = resolution.settings.options(cloud, rule, resolution.environ)
    resolution.options = resolution.profile.options(found) | options


def _sources(resolution: Resolution) -> tuple[str, ...]:
    rule, profile, settings = resolution.rule, resolution.profile, resolution.settings
    order = settings.order
    if profile.helper:
        order = (kinds.CLOUD,)
        if profile.reads_variables:
            order = (kinds.VARIABLES, kinds.CLOUD, kinds.CI_VARIABLES)
    if rule is not None:
        if rule.answer:
            return () if rule.answer == kinds.ANONYMOUS else (rule.answer,)
        if rule.helper:
            return (kinds.HELPER,)
        if rule.names_provider and not profile.helper:
            first = (
                (kinds.VARIABLES, kinds.CI_VARIABLES)
                if rule.provider == kinds.VARIABLES
                else (kinds.CLOUD,)
            )
            order = (*first, *(kind for kind in order if kind == kinds.CONFIG_JSON))
    reads_variables = (
        bool(profile.helper)
        or (rule is not None and rule.provider == kinds.VARIABLES)
        or kinds.VARIABLES not in settings.disabled_providers
    )
    skipped = set() if reads_variables else {kinds.VARIABLES, kinds.CI_VARIABLES}
    if resolution.provider is None:
        skipped.add(kinds.CLOUD)
    return tuple(kind for kind in order if kind not in skipped)
