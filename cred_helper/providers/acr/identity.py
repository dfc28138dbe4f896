"""Chooses the identity that signs in to Entra, by variables and files.

The sources and their order are those of azure-identity's ``DefaultAzureCredential``. That class
tries each source until one works; this module chooses one. Loads no SDK, starts no program, opens
no connection: it runs before every cached answer.

Source: https://learn.microsoft.com/python/api/overview/azure/identity-readme (identities)
"""

from __future__ import annotations

from cred_helper.errors import Misconfigured, NotFound
from cred_helper.files import fingerprints
from cred_helper.providers.acr.azure_settings import AzureSettings
from cred_helper.providers.common.interface import ID_TOKEN, Identity, Skipped, walk
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cred_helper.providers.common.interface import FoundToken, TokenRequest

    Look = Callable[["AzureSettings", "Source"], "Candidate | NotFound"]

CLIENT_SECRET = "client-secret"  # noqa: S105 - a source's name
CLIENT_CERTIFICATE = "client-certificate"
USERNAME_PASSWORD = "username-password"  # noqa: S105
FEDERATED_TOKEN = "federated-token"  # noqa: S105
WORKLOAD_IDENTITY = "workload-identity"
MANAGED_IDENTITY = "managed-identity"
VISUAL_STUDIO_CODE = "visual-studio-code"
AZURE_CLI = "azure-cli"
AZURE_POWERSHELL = "azure-powershell"
AZURE_DEVELOPER_CLI = "azure-developer-cli"

# Suffix of the registries → the audience of the cloud's federated credentials.
# Source: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
_AUDIENCE = "api://AzureADTokenExchange"
_AUDIENCES = {"azurecr.cn": f"{_AUDIENCE}China", "azurecr.us": f"{_AUDIENCE}USGov"}


class Candidate(Record):
    """One identity that can sign in.

    ``whose`` are the parts that identify it; one is ``None`` if only a program or a service knows
    it. If ``settled``, its failure is final, and no other candidate is tried. ``certain`` is false
    if only a request or a program shows whether it exists. For a managed identity, ``named`` is the
    kind of its id and the id, ``endpoint`` is the metadata service, which can be absent, and
    ``place`` is that service's name. ``id_token`` is the identity token that it signs in with.
    """

    source: str
    detail: str | Callable[[], str]
    whose: tuple[str | None, ...]
    settled: bool = True
    certain: bool = True
    named: tuple[str, str] | None = None
    endpoint: str = ""
    place: str = ""
    program: str = ""
    id_token: FoundToken | None = None

    @property
    def cache_key(self) -> tuple[str, ...] | None:
        """The parts that identify it; ``None`` if one is not known yet."""
        known = tuple(part for part in self.whose if part is not None)
        return known if len(known) == len(self.whose) else None


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

    def problem() -> Misconfigured | None:
        from cred_helper.providers.acr.ids import nothing_found

        return nothing_found(settings)

    if not candidates:
        return AcrIdentity(None, skipped=tuple(skipped), problem_if_absent=problem, candidates=())
    first = candidates[0]
    signs_in_at = (settings.authority, settings.audience, settings.option("tenant_id"))
    is_known = all(candidate.cache_key is not None for candidate in candidates)
    parts = [part for one in candidates for part in (one.source, *(one.cache_key or ()))]
    key = fingerprints.digest([*signs_in_at, str(identity_token), *parts]) if is_known else None
    return AcrIdentity(
        first.source,
        first.detail,
        skipped=tuple(skipped),
        cache_key=key,
        certain=first.certain,
        problem_if_absent=problem,
        id_token=first.id_token,
        candidates=tuple(candidates),
        signs_in_at=signs_in_at,
    )


def _ordered(found: list[Candidate], skipped: list[Skipped]) -> list[Candidate]:
    """Sort certain candidates first. Remove the uncertain ones if a certain one is settled."""
    certain = [one for one in found if one.certain]
    uncertain = [one for one in found if not one.certain]
    settled = next((one.source for one in certain if one.settled), "")
    if settled:
        reason = NotFound("acr.guess", source=settled)
        skipped += [Skipped(one.source, reason) for one in uncertain]
        uncertain = []
    candidates = [*certain, *uncertain]
    for later in candidates[1:]:
        skipped.append(
            Skipped(later.source, NotFound("acr.asked-later", source=candidates[0].source))
        )
    order = [source.word for source in CHAIN]
    skipped.sort(key=lambda one: order.index(one.source))
    return candidates


def _check_token_credentials(settings: AzureSettings) -> None:
    chosen = settings.token_credentials
    known = (word for source in CHAIN for word in (source.group, source.sdk_class))
    if chosen and chosen not in known:
        name = settings.token_credentials_name
        raise settings.request.wrong("token_credentials", "acr.bad-token-credentials", name=name)


def _look(settings: AzureSettings, source: Source) -> Candidate | NotFound:
    chosen = settings.token_credentials
    if chosen and chosen not in (source.group, source.sdk_class):
        name = settings.token_credentials_name
        return NotFound("acr.not-chosen", name=name, chosen=chosen)
    if source.word != MANAGED_IDENTITY and (options := settings.managed_identity_options):
        return NotFound("acr.managed-identity-chosen", option=options[0])
    return source.look(settings, source)


def _not_set(variable: str) -> NotFound:
    return NotFound("provider.variable-not-set", variable=variable)


# --- Applications ---------------------------------------------------------------------------------


def _client_secret(settings: AzureSettings, source: Source) -> Candidate | NotFound:
    variable = "AZURE_CLIENT_SECRET"
    return _principal(settings, source, variable, lambda secret: fingerprints.digest([secret]))


def _client_certificate(settings: AzureSettings, source: Source) -> Candidate | NotFound:
    variable = "AZURE_CLIENT_CERTIFICATE_PATH"
    return _principal(settings, source, variable, fingerprints.file_digest)


def _principal(
    settings: AzureSettings, source: Source, variable: str, digest: Callable[[str], str | None]
) -> Candidate | NotFound:
    """A service principal with a client secret or certificate."""
    client_id = settings.variable("AZURE_CLIENT_ID")
    if settings.variable(variable) and client_id and settings.client_id != client_id:
        return NotFound("acr.other-client-id", variable=variable)
    return _application(settings, source, variable, variable, digest)


def _federated_token(settings: AzureSettings, source: Source) -> Candidate | NotFound:
    from cred_helper.providers.common.token_identity import of_token

    variable = "AZURE_FEDERATED_TOKEN"
    return _application(settings, source, variable, f"the token in {variable}", of_token)


def _workload_identity(settings: AzureSettings, source: Source) -> Candidate | NotFound:
    from cred_helper.providers.common.token_identity import of_file

    variable = "AZURE_FEDERATED_TOKEN_FILE"
    return _application(settings, source, variable, f"the token in {variable}", of_file)


def _application(
    settings: AzureSettings,
    source: Source,
    variable: str,
    by: str,
    whose: Callable[[str], str | None],
) -> Candidate | NotFound:
    """An application that signs in with the value of a variable, which ``whose`` identifies."""
    value = settings.variable(variable)
    if not value:
        return _not_set(variable)
    tenant_id, client_id = settings.principal(variable)
    return Candidate(
        source.word,
        lambda: _described(tenant_id, client_id, by),
        (tenant_id, client_id, whose(value)),
    )


def _by_id_token(settings: AzureSettings) -> Candidate | NotFound:
    """The application that trusts the identity token of the request."""
    from cred_helper.providers.common import id_token

    request = settings.request
    id_token.refuse_second(request, "resource_id", "object_id")
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


def _username_password(settings: AzureSettings, source: Source) -> Candidate | NotFound:
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


# --- Sources with modules of their own ------------------------------------------------------------


def _managed_identity(settings: AzureSettings, source: Source) -> Candidate | NotFound:
    from cred_helper.providers.acr.managed_identity import look

    return look(settings, source)


def _program_login(settings: AzureSettings, source: Source) -> Candidate | NotFound:
    from cred_helper.providers.acr.program_login import look

    return look(settings, source)


def _visual_studio_code(_: AzureSettings, __: Source) -> NotFound:
    return NotFound("acr.no-broker")


class Source(Record):
    """One source: its name, azure-identity's class and group, and the function that asks it."""

    word: str
    sdk_class: str
    group: str
    look: Look


CHAIN = (
    Source(CLIENT_SECRET, "environmentcredential", "prod", _client_secret),
    Source(CLIENT_CERTIFICATE, "environmentcredential", "prod", _client_certificate),
    Source(USERNAME_PASSWORD, "environmentcredential", "prod", _username_password),
    Source(FEDERATED_TOKEN, "workloadidentitycredential", "prod", _federated_token),
    Source(WORKLOAD_IDENTITY, "workloadidentitycredential", "prod", _workload_identity),
    Source(MANAGED_IDENTITY, "managedidentitycredential", "prod", _managed_identity),
    Source(VISUAL_STUDIO_CODE, "visualstudiocodecredential", "dev", _visual_studio_code),
    Source(AZURE_CLI, "azureclicredential", "dev", _program_login),
    Source(AZURE_POWERSHELL, "azurepowershellcredential", "dev", _program_login),
    Source(AZURE_DEVELOPER_CLI, "azuredeveloperclicredential", "dev", _program_login),
)
