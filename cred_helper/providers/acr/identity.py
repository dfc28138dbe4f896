"""Chooses the identity that signs in to Entra, by variables and files.

The sources and their order are those of azure-identity's ``DefaultAzureCredential``. That class
tries each source until one works; this module chooses one. Loads no SDK, starts no program, opens
no connection: it runs before every cached answer.

Source: https://learn.microsoft.com/python/api/overview/azure/identity-readme (identities)
"""

from __future__ import annotations

from cred_helper import clouds
from cred_helper.errors import Misconfigured, NotFound
from cred_helper.files import fingerprints
from cred_helper.hosts import ACR
from cred_helper.providers.acr import sources
from cred_helper.providers.acr.sources import AzureSettings, AzureSource, Candidate
from cred_helper.providers.common.interface import ID_TOKEN, Identity, SkippedSource, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.common.interface import TokenRequest

# Suffix of the registries → the audience of the cloud's federated credentials.
# Source: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
_AUDIENCE = clouds.find(ACR).audience
_AUDIENCES = {"azurecr.cn": f"{_AUDIENCE}China", "azurecr.us": f"{_AUDIENCE}USGov"}


class AcrIdentity(Identity, kw_only=True):
    """The candidates in the order in which ``get`` tries them."""

    candidates: tuple[Candidate, ...]
    signs_in_at: tuple[str, ...] = ()

    def sign_in_key(self, candidate: Candidate) -> tuple[str, ...] | None:
        """The cache key of a candidate's Entra token, which is the same for all registries."""
        key = candidate.cache_key
        return None if key is None else (*self.signs_in_at, candidate.source, *key)


def choose(request: TokenRequest) -> AcrIdentity:
    """Choose the identity.

    Raises:
        Misconfigured: an option, a variable or the authority is wrong or missing.
    """
    settings = AzureSettings(request)
    # A wrong value is an error even if it has no effect.
    identity_token = settings.flag("identity_token", default=False)
    cloud = settings.cloud
    if cloud.closed:
        raise Misconfigured("acr.cloud-closed", suffix=cloud.suffix, closed=cloud.closed)
    _check_token_credentials(settings)
    by_token = ((ID_TOKEN, lambda: _by_id_token(settings)),) if request.id_token else ()
    found, skipped = walk(
        (
            *by_token,
            *((source.word, lambda source=source: _look(settings, source)) for source in CHAIN),
        ),
        settles=lambda candidate: candidate.certain and candidate.settled,
    )
    candidates = _ordered([candidate for _, candidate in found], skipped)
    identity = AcrIdentity(
        None,
        skipped=tuple(skipped),
        problem_if_absent=lambda: _problem_if_absent(settings),
        candidates=tuple(candidates),
    )
    if not candidates:
        return identity
    first = candidates[0]
    signs_in_at = (settings.authority, settings.audience, settings.option("tenant_id"))
    is_known = all(candidate.cache_key is not None for candidate in candidates)
    parts = [part for one in candidates for part in (one.source, *(one.cache_key or ()))]
    key = fingerprints.digest([*signs_in_at, str(identity_token), *parts]) if is_known else None
    return identity.but(
        source=first.source,
        description=first.detail,
        cache_key=key,
        certain=first.certain,
        id_token=first.id_token,
        signs_in_at=signs_in_at,
    )


def _ordered(found: list[Candidate], skipped: list[SkippedSource]) -> list[Candidate]:
    """Sort certain candidates first. Remove the uncertain ones if a certain one is settled."""
    certain = [one for one in found if one.certain]
    uncertain = [one for one in found if not one.certain]
    settled = next((one.source for one in certain if one.settled), "")
    if settled:
        reason = NotFound("acr.guess", source=settled)
        skipped += [SkippedSource(one.source, reason) for one in uncertain]
        uncertain = []
    candidates = [*certain, *uncertain]
    for later in candidates[1:]:
        reason = NotFound("acr.asked-later", source=candidates[0].source)
        skipped.append(SkippedSource(later.source, reason))
    order = [source.word for source in CHAIN]
    skipped.sort(key=lambda one: order.index(one.source))
    return candidates


def _problem_if_absent(settings: AzureSettings) -> Misconfigured | None:
    """The error for an option that names an identity, where none can be used."""
    from cred_helper.providers.acr.ids import shown_id

    for name in sources.ID_OPTIONS:
        if value := settings.option(name):
            code = "acr.no-such-identity" if name == "client_id" else "acr.no-managed-identity"
            return settings.request.wrong(name, code, kind=name, id=shown_id(value))
    return None


def _check_token_credentials(settings: AzureSettings) -> None:
    chosen = settings.token_credentials
    known = (word for source in CHAIN for word in (source.group, source.sdk_class))
    if chosen and chosen not in known:
        name = settings.token_credentials_name
        raise settings.request.wrong("token_credentials", "acr.bad-token-credentials", name=name)


def _look(settings: AzureSettings, source: AzureSource) -> Candidate | NotFound:
    chosen = settings.token_credentials
    if chosen and chosen not in (source.group, source.sdk_class):
        name = settings.token_credentials_name
        return NotFound("acr.not-chosen", name=name, chosen=chosen)
    option = settings.managed_identity_option
    if option and source.word != sources.MANAGED_IDENTITY:
        return NotFound("acr.managed-identity-chosen", option=option)
    return source.look(settings, source)


def _not_set(variable: str) -> NotFound:
    return NotFound("provider.variable-not-set", variable=variable)


# --- Applications ---------------------------------------------------------------------------------


def _application(settings: AzureSettings, source: AzureSource) -> Candidate | NotFound:
    """An application that signs in with a secret, a certificate or another issuer's token."""
    variable, value = source.variable, settings.variable(source.variable)
    if not value:
        return _not_set(variable)
    is_by_token = source.word in (sources.FEDERATED_TOKEN, sources.WORKLOAD_IDENTITY)
    client_id = settings.variable("AZURE_CLIENT_ID")
    if not is_by_token and client_id and settings.client_id != client_id:
        return NotFound("acr.other-client-id", variable=variable)
    principal = settings.principal(variable)
    by = f"the token in {variable}" if is_by_token else variable
    whose: tuple[str | None, ...] = (*principal, _whose(source.word, value))
    if source.word == sources.CLIENT_CERTIFICATE:
        whose += (fingerprints.digest([settings.variable("AZURE_CLIENT_CERTIFICATE_PASSWORD")]),)
    return Candidate(source.word, lambda: _described(*principal, by), whose)


def _whose(source: str, value: str) -> str | None:
    if source == sources.CLIENT_SECRET:
        return fingerprints.digest([value])
    if source == sources.CLIENT_CERTIFICATE:
        return fingerprints.file_digest(value)
    from cred_helper.providers.common import token_identity

    if source == sources.FEDERATED_TOKEN:
        return token_identity.of_token(value)
    return fingerprints.file_digest(value, token_identity.of_token)


def _username_password(settings: AzureSettings, source: AzureSource) -> Candidate | NotFound:
    username, password = settings.variable("AZURE_USERNAME"), settings.variable("AZURE_PASSWORD")
    if not username:
        return _not_set("AZURE_USERNAME")
    if not password:
        return _not_set("AZURE_PASSWORD")
    # Scripts set these two for "az login" too. Only with a client id does the SDK use them.
    if not settings.client_id:
        return _not_set("AZURE_CLIENT_ID")
    whose = (settings.tenant_id, settings.client_id, username, fingerprints.digest([password]))
    return Candidate(source.word, "AZURE_USERNAME and AZURE_PASSWORD", whose)


def _by_id_token(settings: AzureSettings) -> Candidate:
    """The application that trusts the identity token of the request."""
    from cred_helper.providers.common import id_token

    request = settings.request
    id_token.refuse_second(request, *sources.MANAGED_IDENTITY_OPTIONS)
    found = id_token.find(request, _AUDIENCES.get(settings.cloud.suffix, _AUDIENCE))
    tenant_id, client_id = settings.tenant_id, settings.client_id
    if not (tenant_id and client_id):
        option = "client_id" if tenant_id else "tenant_id"
        raise id_token.missing(request, option, "an application that trusts the token")
    return Candidate(
        ID_TOKEN,
        lambda: _described(tenant_id, client_id, found.place),
        (tenant_id, client_id, found.whose),
        id_token=found,
    )


def _described(tenant_id: str, client_id: str, by: str) -> str:
    from cred_helper.providers.acr.ids import shown_id

    return f"application {shown_id(client_id)} of tenant {shown_id(tenant_id)}, by {by}"


# --- Sources with modules of their own ------------------------------------------------------------


def _managed_identity(settings: AzureSettings, source: AzureSource) -> Candidate | NotFound:
    from cred_helper.providers.acr.managed_identity import look

    return look(settings, source)


def _program_login(settings: AzureSettings, source: AzureSource) -> Candidate | NotFound:
    from cred_helper.providers.acr.program_login import look

    return look(settings, source)


def _visual_studio_code(_: AzureSettings, __: AzureSource) -> NotFound:
    return NotFound("acr.no-broker")


_ENVIRONMENT, _WORKLOAD = "environmentcredential", "workloadidentitycredential"
_CERTIFICATE, _TOKEN_FILE = "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE"
CHAIN = (
    AzureSource(sources.CLIENT_SECRET, _ENVIRONMENT, "prod", _application, "AZURE_CLIENT_SECRET"),
    AzureSource(sources.CLIENT_CERTIFICATE, _ENVIRONMENT, "prod", _application, _CERTIFICATE),
    AzureSource(sources.USERNAME_PASSWORD, _ENVIRONMENT, "prod", _username_password),
    AzureSource(sources.FEDERATED_TOKEN, _WORKLOAD, "prod", _application, "AZURE_FEDERATED_TOKEN"),
    AzureSource(sources.WORKLOAD_IDENTITY, _WORKLOAD, "prod", _application, _TOKEN_FILE),
    AzureSource(sources.MANAGED_IDENTITY, "managedidentitycredential", "prod", _managed_identity),
    AzureSource(
        sources.VISUAL_STUDIO_CODE, "visualstudiocodecredential", "dev", _visual_studio_code
    ),
    AzureSource(sources.AZURE_CLI, "azureclicredential", "dev", _program_login),
    AzureSource(sources.AZURE_POWERSHELL, "azurepowershellcredential", "dev", _program_login),
    AzureSource(sources.AZURE_DEVELOPER_CLI, "azuredeveloperclicredential", "dev", _program_login),
)
