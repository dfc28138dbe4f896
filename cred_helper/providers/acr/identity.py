"""The identity to sign in to Entra with, chosen by looking at the environment and at files.

The sources and their order are those of azure-identity's ``DefaultAzureCredential``, but one
identity is chosen instead of all being tried. Loads no SDK, starts no program, asks no network: it
runs before every cached answer.

Source: https://learn.microsoft.com/python/api/overview/azure/identity-readme (identities)
"""

from __future__ import annotations

from cred_helper.errors import NotFound
from cred_helper.files import fingerprints
from cred_helper.providers.acr.azure_settings import AzureSettings
from cred_helper.providers.common.interface import ID_TOKEN, Identity, Skipped, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cred_helper.errors import Misconfigured
    from cred_helper.providers.common.interface import FoundToken, TokenRequest

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


class Candidate:
    """One identity that could be signed in with.

    ``settled`` says that no other identity is used when this one does not work. ``certain`` is
    false where only a request or a program can show whether it exists. ``named`` is a managed
    identity's kind of id and id, ``endpoint`` the metadata service that may not be there.
    ``cache_key`` is ``None`` where only a program or a service knows whose the token will be.
    ``id_token`` is where an identity token comes from.
    """

    __slots__ = (
        "cache_key",
        "certain",
        "detail",
        "endpoint",
        "id_token",
        "named",
        "place",
        "program",
        "settled",
        "source",
    )

    def __init__(
        self,
        source: str,
        detail: str | Callable[[], str],
        *,
        cache_key: Sequence[str | None] | None,
        settled: bool = True,
        certain: bool = True,
        named: tuple[str, str] | None = None,
        endpoint: str = "",
        place: str = "",
        program: str = "",
    ) -> None:
        self.source = source
        self.detail = detail
        known = tuple(part for part in cache_key or () if part is not None)
        self.cache_key = known if cache_key is not None and len(known) == len(cache_key) else None
        self.settled = settled
        self.certain = certain
        self.named = named
        self.endpoint = endpoint
        self.place = place
        self.program = program
        self.id_token: FoundToken | None = None


class AcrIdentity(Identity):
    """The candidates to try, in order: one, and before it those that may turn out not to exist."""

    __slots__ = ("_signs_in_at", "candidates")

    def __init__(
        self,
        candidates: Sequence[Candidate],
        skipped: Sequence[Skipped],
        *,
        signs_in_at: tuple[str, ...] = (),
        answer: str = "",
        problem: Callable[[], Misconfigured | None],
    ) -> None:
        first = candidates[0] if candidates else Candidate("", "", cache_key=None)
        stable = bool(candidates) and all(one.cache_key is not None for one in candidates)
        parts = [part for one in candidates for part in (one.source, *(one.cache_key or ()))]
        super().__init__(
            first.source or None,
            first.detail,
            skipped=tuple(skipped),
            cache_key=fingerprints.digest([*signs_in_at, answer, *parts]) if stable else None,
            certain=first.certain,
            problem_if_absent=problem,
        )
        self.candidates = tuple(candidates)
        self.id_token = candidates[0].id_token if candidates else None
        self._signs_in_at = signs_in_at

    def sign_in_key(self, candidate: Candidate) -> tuple[str, ...] | None:
        """What a candidate's Entra token is kept under: it is the same for all registries."""
        if candidate.cache_key is None:
            return None
        return (*self._signs_in_at, candidate.source, *candidate.cache_key)


def choose(request: TokenRequest) -> AcrIdentity:
    """Choose the identity.

    Raises:
        Misconfigured: an option, a variable or the authority is wrong, or half an identity is set.
    """
    settings = AzureSettings(request)
    # Checked in any case, like every option.
    identity_token = settings.flag("identity_token", default=False)
    if settings.cloud.closed:
        from cred_helper.errors import Misconfigured

        cloud = settings.cloud
        raise Misconfigured("acr.cloud-closed", suffix=cloud.suffix, closed=cloud.closed)
    _expect_known(settings)
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
        return AcrIdentity((), skipped, problem=problem)
    return AcrIdentity(
        candidates,
        skipped,
        signs_in_at=(settings.authority, settings.audience, settings.option("tenant_id")),
        answer=str(identity_token),
        problem=problem,
    )


def _ordered(found: list[Candidate], skipped: list[Skipped]) -> list[Candidate]:
    """Certain candidates before guesses; no guesses where a certain one settles it."""
    certain = [one for one in found if one.certain]
    guesses = [one for one in found if not one.certain]
    settled = next((one.source for one in certain if one.settled), "")
    if settled:
        skipped += [
            Skipped(guess.source, NotFound("acr.guess", source=settled)) for guess in guesses
        ]
        guesses = []
    candidates = [*certain, *guesses]
    skipped += [
        Skipped(later.source, NotFound("acr.asked-later", source=candidates[0].source))
        for later in candidates[1:]
    ]
    order = [source.word for source in CHAIN]
    skipped.sort(key=lambda one: order.index(one.source))
    return candidates


def _expect_known(settings: AzureSettings) -> None:
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


def _by_id_token(settings: AzureSettings) -> Candidate | NotFound:
    from cred_helper.providers.acr.workload_identity import by_id_token

    return by_id_token(settings)


def _not_set(variable: str) -> NotFound:
    return NotFound("provider.variable-not-set", variable=variable)


# --- Variables ------------------------------------------------------------------------------------


def _client_secret(settings: AzureSettings, _: Source) -> Candidate | NotFound:
    variable = "AZURE_CLIENT_SECRET"
    secret = settings.variable(variable)
    if not secret:
        return _not_set(variable)
    return _principal(settings, CLIENT_SECRET, variable, fingerprints.digest([secret]))


def _client_certificate(settings: AzureSettings, _: Source) -> Candidate | NotFound:
    variable = "AZURE_CLIENT_CERTIFICATE_PATH"
    path = settings.variable(variable)
    if not path:
        return _not_set(variable)
    return _principal(settings, CLIENT_CERTIFICATE, variable, fingerprints.file_digest(path))


def _principal(
    settings: AzureSettings, source: str, variable: str, secret_digest: str | None
) -> Candidate | NotFound:
    """A service principal by a secret of its own."""
    client_id = settings.variable("AZURE_CLIENT_ID")
    if client_id and settings.client_id != client_id:
        return NotFound("acr.other-client-id", variable=variable)
    tenant_id, client_id = settings.principal(variable)
    return Candidate(
        source,
        lambda: application(tenant_id, client_id, variable),
        cache_key=(tenant_id, client_id, secret_digest),
    )


def application(tenant_id: str, client_id: str, by: str) -> str:
    """An application in words, with what it signs in by."""
    from cred_helper.providers.acr.ids import shown_id

    return f"application {shown_id(client_id)} of tenant {shown_id(tenant_id)}, by {by}"


def _username_password(settings: AzureSettings, _: Source) -> Candidate | NotFound:
    username, password = settings.variable("AZURE_USERNAME"), settings.variable("AZURE_PASSWORD")
    if not username:
        return _not_set("AZURE_USERNAME")
    if not password:
        return _not_set("AZURE_PASSWORD")
    # Scripts set these two for "az login" as well: without a client id they are not for the SDK.
    if not settings.client_id:
        return _not_set("AZURE_CLIENT_ID")
    return Candidate(
        USERNAME_PASSWORD,
        "AZURE_USERNAME and AZURE_PASSWORD",
        cache_key=(
            settings.tenant_id,
            settings.client_id,
            username,
            fingerprints.digest([password]),
        ),
    )


def _federated_token(settings: AzureSettings, source: Source) -> Candidate | NotFound:
    from cred_helper.providers.common.token_identity import of_token

    return _by_token(settings, source, "AZURE_FEDERATED_TOKEN", of_token)


def _workload_identity(settings: AzureSettings, source: Source) -> Candidate | NotFound:
    from cred_helper.providers.common.token_identity import of_file

    return _by_token(settings, source, "AZURE_FEDERATED_TOKEN_FILE", of_file)


def _by_token(
    settings: AzureSettings, source: Source, variable: str, whose: Callable[[str], str | None]
) -> Candidate | NotFound:
    """An application that trusts another issuer's token, which is known by its subject."""
    value = settings.variable(variable)
    if not value:
        return _not_set(variable)
    tenant_id, client_id = settings.principal(variable)
    return Candidate(
        source.word,
        lambda: application(tenant_id, client_id, f"the token in {variable}"),
        cache_key=(tenant_id, client_id, whose(value)),
    )


# --- Sources with modules of their own ------------------------------------------------------------


def _managed_identity(settings: AzureSettings, source: Source) -> Candidate | NotFound:
    from cred_helper.providers.acr.managed_identity import look

    return look(settings, source)


def _visual_studio_code(_: AzureSettings, __: Source) -> NotFound:
    return NotFound("acr.no-broker")


def _azure_cli(settings: AzureSettings, source: Source) -> Candidate | NotFound:
    from cred_helper.providers.acr.program_login import azure_cli

    return azure_cli(settings, source)


def _azure_powershell(settings: AzureSettings, source: Source) -> Candidate | NotFound:
    from cred_helper.providers.acr.program_login import azure_powershell

    return azure_powershell(settings, source)


def _azure_developer_cli(settings: AzureSettings, source: Source) -> Candidate | NotFound:
    from cred_helper.providers.acr.program_login import azure_developer_cli

    return azure_developer_cli(settings, source)


class Source:
    """One source of the chain: its name here, azure-identity's class and group, how to look."""

    __slots__ = ("group", "look", "sdk_class", "word")

    def __init__(
        self,
        word: str,
        sdk_class: str,
        group: str,
        look: Callable[[AzureSettings, Source], Candidate | NotFound],
    ) -> None:
        self.word = word
        self.sdk_class = sdk_class
        self.group = group
        self.look = look


_PRODUCTION = "prod"
_DEVELOPMENT = "dev"
CHAIN = (
    Source(CLIENT_SECRET, "environmentcredential", _PRODUCTION, _client_secret),
    Source(CLIENT_CERTIFICATE, "environmentcredential", _PRODUCTION, _client_certificate),
    Source(USERNAME_PASSWORD, "environmentcredential", _PRODUCTION, _username_password),
    Source(FEDERATED_TOKEN, "workloadidentitycredential", _PRODUCTION, _federated_token),
    Source(WORKLOAD_IDENTITY, "workloadidentitycredential", _PRODUCTION, _workload_identity),
    Source(MANAGED_IDENTITY, "managedidentitycredential", _PRODUCTION, _managed_identity),
    Source(VISUAL_STUDIO_CODE, "visualstudiocodecredential", _DEVELOPMENT, _visual_studio_code),
    Source(AZURE_CLI, "azureclicredential", _DEVELOPMENT, _azure_cli),
    Source(AZURE_POWERSHELL, "azurepowershellcredential", _DEVELOPMENT, _azure_powershell),
    Source(AZURE_DEVELOPER_CLI, "azuredeveloperclicredential", _DEVELOPMENT, _azure_developer_cli),
)
