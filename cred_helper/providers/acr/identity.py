"""The identity to sign in to Entra with, chosen by looking at the environment and at files.

The sources and their order are those of azure-identity's ``DefaultAzureCredential``, but one
identity is chosen instead of all being tried. Loads no SDK, starts no program, asks no network: it
runs before every cached answer.

Source: https://learn.microsoft.com/python/api/overview/azure/identity-readme (identities)
"""

from __future__ import annotations

import os

from cred_helper.errors import NotFound
from cred_helper.files import fingerprints, user_folders
from cred_helper.providers.acr.azure_settings import AzureSettings, shown_id
from cred_helper.providers.common import chain
from cred_helper.providers.common.interface import Identity, Skipped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cred_helper.providers.common.interface import TokenRequest

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

# The users that az writes into its profile after "az login --identity": on every machine the same.
_MACHINE_USERS = (b'"systemAssignedIdentity"', b'"userAssignedIdentity"')
_MAX_FILE_BYTES = 1 << 20


class Candidate:
    """One identity that could be signed in with.

    ``settled`` says that no other identity is used when this one does not work. ``certain`` is
    false where only a request or a program can show whether it exists. ``named`` is a managed
    identity's kind of id and id, ``endpoint`` the metadata service that may not be there.
    ``cache_key`` is ``None`` where only a program or a service knows whose the token will be.
    """

    __slots__ = (
        "cache_key",
        "certain",
        "detail",
        "endpoint",
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
        )
        self.candidates = tuple(candidates)
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
    found, skipped = chain.walk(
        (
            (source.word, lambda source=source: _look(settings, source))  # type: ignore[misc]
            for source in CHAIN
        ),
        settles=lambda candidate: candidate.certain and candidate.settled,
    )
    candidates = _ordered([candidate for _, candidate in found], skipped)
    if not candidates:
        identity = AcrIdentity((), skipped)
        identity.problem = settings.problem()
        return identity
    return AcrIdentity(
        candidates,
        skipped,
        signs_in_at=(settings.authority, settings.audience, settings.option("tenant_id")),
        answer=str(identity_token),
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
        _application(tenant_id, client_id, variable),
        cache_key=(tenant_id, client_id, secret_digest),
    )


def _application(tenant_id: str, client_id: str, by: str) -> str:
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


def _federated_token(settings: AzureSettings, _: Source) -> Candidate | NotFound:
    variable = "AZURE_FEDERATED_TOKEN"
    token = settings.variable(variable)
    if not token:
        return _not_set(variable)
    from cred_helper.providers.common import token_identity

    return _federated(settings, FEDERATED_TOKEN, variable, token_identity.of_token(token))


def _workload_identity(settings: AzureSettings, _: Source) -> Candidate | NotFound:
    variable = "AZURE_FEDERATED_TOKEN_FILE"
    path = settings.variable(variable)
    if not path:
        return _not_set(variable)
    from cred_helper.providers.common import token_identity

    return _federated(settings, WORKLOAD_IDENTITY, variable, token_identity.of_file(path))


def _federated(settings: AzureSettings, source: str, variable: str, whose: str | None) -> Candidate:
    """An application that trusts another issuer's token, which is known by its subject."""
    tenant_id, client_id = settings.principal(variable)
    return Candidate(
        source,
        _application(tenant_id, client_id, f"the token in {variable}"),
        cache_key=(tenant_id, client_id, whose),
    )


# --- Managed identities ---------------------------------------------------------------------------


def _managed_identity(settings: AzureSettings, source: Source) -> Candidate | NotFound:
    """A managed identity of the platform, as azure-identity finds it, or of the machine."""
    # Imported here: a cached answer by an earlier source does without it.
    from cred_helper.providers.acr import metadata

    platform = metadata.platform(settings)
    if platform is not None:
        named = settings.managed_identity(by_variable=platform.may_choose)
        return Candidate(
            MANAGED_IDENTITY,
            f"{_which(named)}, from {platform.name}",
            # Every app has the same endpoint, and a secret header of its own.
            cache_key=(
                platform.name,
                platform.endpoint,
                fingerprints.digest([platform.secret]),
                *metadata.machine(),
                *(named or ()),
            ),
            named=named,
            place=platform.name,
        )
    required = settings.requires(source.sdk_class) or bool(settings.managed_identity_options)
    service = metadata.service(settings, required=required)
    if isinstance(service, NotFound):
        return service
    named = settings.managed_identity()
    # Behind an address that a variable names, each pod can have an identity of its own.
    shared_address = bool(settings.variable("AZURE_POD_IDENTITY_AUTHORITY_HOST"))
    owner: tuple[str | None, ...] = (None,) if shared_address else metadata.machine()
    return Candidate(
        MANAGED_IDENTITY,
        f"{_which(named)}, from {service.name}",
        cache_key=(service.endpoint, *(named or owner)),
        settled=required,
        certain=service.certain,
        named=named,
        endpoint=service.endpoint,
        place=service.name,
    )


def _which(named: tuple[str, str] | None) -> str:
    return f"the one with {named[0]} {shown_id(named[1])}" if named else "the machine's own"


# --- Programs -------------------------------------------------------------------------------------


def _visual_studio_code(_: AzureSettings, __: Source) -> NotFound:
    return NotFound("acr.no-broker")


def _program(settings: AzureSettings, name: str) -> str | NotFound:
    """The path of a program, or why there is none."""
    from cred_helper.providers.common import programs

    path = programs.find(name, settings.environ)
    if path:
        return path
    if programs.only_in_working_folder(name, settings.environ):
        return NotFound("provider.program-by-relative-path", program=name)
    return NotFound("provider.program-not-on-path", program=name)


def _azure_cli(settings: AzureSettings, source: Source) -> Candidate | NotFound:
    program = _program(settings, "az")
    if isinstance(program, NotFound):
        return program
    folder = az_folder(settings)
    profile = _content(os.path.join(folder, "azureProfile.json"))
    if profile is None and not os.path.isdir(folder):
        # Every az that ever ran here left its folder behind. This one keeps it elsewhere, or has
        # never run: only az itself knows whose the login is, if there is one.
        return Candidate(
            AZURE_CLI,
            "if az is logged in",
            cache_key=None,
            settled=settings.requires(source.sdk_class),
            certain=False,
            program=program,
        )
    # After a logout, the list of subscriptions is empty; each of them would name its user.
    if b'"user"' not in (profile or b"") and not settings.requires(source.sdk_class):
        return NotFound("acr.az-logged-out")
    profile = profile or b""
    # The login of a managed identity is the machine's, which the profile does not name.
    of_machine = any(user in profile for user in _MACHINE_USERS)
    key = (
        program,
        folder,
        fingerprints.digest([profile]),
        fingerprints.file_digest(os.path.join(folder, "config")),
        settings.variable("AZURE_CLOUD_NAME"),
    )
    return Candidate(
        AZURE_CLI,
        lambda: _az_detail(profile),
        cache_key=None if of_machine else key,
        program=program,
    )


def az_folder(settings: AzureSettings) -> str:
    """The folder where az keeps its logins."""
    return settings.variable("AZURE_CONFIG_DIR") or _home(settings, ".azure")


def _az_detail(profile: bytes) -> str:
    """Name the account and tenant of the default subscription."""
    import json

    try:
        subscriptions = json.loads(profile.decode("utf-8-sig"))["subscriptions"]
        default = next(s for s in subscriptions if s.get("isDefault"))
        return f"the login of {default['user']['name']} to tenant {default['tenantId']}"
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration, RecursionError):
        return "the login of az"


def _azure_powershell(settings: AzureSettings, source: Source) -> Candidate | NotFound:
    context = _home(settings, ".Azure", "AzureRmContext.json")
    return _tool(settings, source, "pwsh", (context,), "Connect-AzAccount")


def _azure_developer_cli(settings: AzureSettings, source: Source) -> Candidate | NotFound:
    folder = settings.variable("AZD_CONFIG_DIR") or _home(settings, ".azd")
    state = (os.path.join(folder, "auth.json"), os.path.join(folder, "config.json"))
    config = _content(state[1]) or b""
    # azd then signs in as az, or asks the program that started it.
    borrowed = b"useAzCliAuth" in config or settings.variable("AZD_AUTH_ENDPOINT")
    return _tool(settings, source, "azd", state, "azd auth login", borrowed=bool(borrowed))


def _tool(
    settings: AzureSettings,
    source: Source,
    name: str,
    state: tuple[str, ...],
    login: str,
    *,
    borrowed: bool = False,
) -> Candidate | NotFound:
    """A program that signs a user in, and the files in which it keeps the login."""
    program = _program(settings, name)
    if isinstance(program, NotFound):
        return program
    if not os.path.exists(state[0]) and not settings.requires(source.sdk_class) and not borrowed:
        return NotFound("acr.tool-logged-out", program=name, command=login)
    digests = [fingerprints.file_digest(path) for path in state]
    return Candidate(
        source.word,
        f"the login of {name}",
        cache_key=None if borrowed else (program, *state, *digests),
        program=program,
    )


def _home(settings: AzureSettings, *names: str) -> str:
    """A path below the user's home folder."""
    return os.path.join(user_folders.home(settings.environ), *names)


def _content(path: str) -> bytes | None:
    """The content of a file; ``None`` where it is absent, a pipe, or cannot be read."""
    try:
        if fingerprints.is_pipe(path):
            return None
        with open(path, "rb") as file:
            return file.read(_MAX_FILE_BYTES)
    except OSError:
        return None


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
