"""The chain of azure-identity's ``DefaultAzureCredential``, followed by looking, in its order.

Source: https://learn.microsoft.com/python/api/overview/azure/identity-readme (identities)
"""

from __future__ import annotations

import os

from cred_helper.files import fingerprints, user_folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cred_helper.providers.acr.setup import Setup

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


class Login:
    """One identity that could be signed in with, as found by looking.

    ``settled`` says that nobody else is asked when it does not work. ``certain`` is false where
    only a question to the network or a program can tell whether it is there. ``named`` is a managed
    identity's kind of id and id, ``endpoint`` the metadata service that may not be there.
    ``fingerprint`` is ``None`` where a part of it can only be had by the one who asks.
    """

    __slots__ = ("certain", "detail", "endpoint", "fingerprint", "named", "settled", "source")

    def __init__(
        self,
        source: str,
        detail: str | Callable[[], str],
        *,
        fingerprint: tuple[str | None, ...],
        settled: bool = True,
        certain: bool = True,
        named: tuple[str, str] | None = None,
        endpoint: str = "",
    ) -> None:
        self.source = source
        self.detail = detail
        known = tuple(part for part in fingerprint if part is not None)
        self.fingerprint = known if len(known) == len(fingerprint) else None
        self.settled = settled
        self.certain = certain
        self.named = named
        self.endpoint = endpoint


def _client_secret(setup: Setup, _: Source) -> Login | str:
    secret = setup.variable("AZURE_CLIENT_SECRET")
    if not secret:
        return "AZURE_CLIENT_SECRET is not set"
    return _principal(setup, CLIENT_SECRET, "AZURE_CLIENT_SECRET", fingerprints.digest([secret]))


def _client_certificate(setup: Setup, _: Source) -> Login | str:
    path = setup.variable("AZURE_CLIENT_CERTIFICATE_PATH")
    if not path:
        return "AZURE_CLIENT_CERTIFICATE_PATH is not set"
    content = fingerprints.file_digest(path)
    return _principal(setup, CLIENT_CERTIFICATE, "AZURE_CLIENT_CERTIFICATE_PATH", content)


def _principal(setup: Setup, source: str, variable: str, secret_digest: str | None) -> Login | str:
    """A service principal by a secret of its own."""
    client_id = setup.variable("AZURE_CLIENT_ID")
    if client_id and setup.client_id != client_id:
        return f"{variable} goes with AZURE_CLIENT_ID, and the option client_id names another"
    tenant_id, client_id = setup.principal(variable)
    return Login(
        source,
        f"application {client_id} of tenant {tenant_id}, by {variable}",
        fingerprint=(tenant_id, client_id, secret_digest),
    )


def _username_password(setup: Setup, _: Source) -> Login | str:
    username, password = setup.variable("AZURE_USERNAME"), setup.variable("AZURE_PASSWORD")
    if not (username and password):
        return "AZURE_USERNAME and AZURE_PASSWORD are not both set"
    # Scripts set these two for "az login" as well, so without the third they mean nothing to us.
    if not setup.client_id:
        return "AZURE_CLIENT_ID is not set"
    return Login(
        USERNAME_PASSWORD,
        "AZURE_USERNAME and AZURE_PASSWORD",
        fingerprint=(setup.tenant_id, setup.client_id, username, fingerprints.digest([password])),
    )


def _federated_token(setup: Setup, _: Source) -> Login | str:
    if not setup.variable("AZURE_FEDERATED_TOKEN"):
        return "AZURE_FEDERATED_TOKEN is not set"
    return _federated(setup, FEDERATED_TOKEN, "AZURE_FEDERATED_TOKEN")


def _workload_identity(setup: Setup, _: Source) -> Login | str:
    path = setup.variable("AZURE_FEDERATED_TOKEN_FILE")
    if not path:
        return "AZURE_FEDERATED_TOKEN_FILE is not set"
    return _federated(setup, WORKLOAD_IDENTITY, "AZURE_FEDERATED_TOKEN_FILE", path)


def _federated(setup: Setup, source: str, variable: str, *parts: str) -> Login:
    """An application that trusts a token of another issuer, which renews and so is not digested."""
    tenant_id, client_id = setup.principal(variable)
    return Login(
        source,
        f"application {client_id} of tenant {tenant_id}, by the token in {variable}",
        fingerprint=(tenant_id, client_id, *parts),
    )


def _managed_identity(setup: Setup, source: Source) -> Login | str:
    """As azure-identity finds the host's endpoint, and then whether this is an Azure machine."""
    # Imported here: a cached answer by whatever comes first does without it.
    from cred_helper.providers.acr import metadata

    platform = metadata.platform(setup)
    if platform is not None:
        place, endpoint, may_choose = platform
        named = setup.managed_identity(by_variable=may_choose)
        return Login(
            MANAGED_IDENTITY,
            f"{_which(named)}, from {place}",
            fingerprint=(place, endpoint, *(named or ())),
            named=named,
        )
    insisted = setup.insists_on(source.sdk_class) or bool(setup.managed_identity_options)
    service = metadata.service(setup, insisted=insisted)
    if isinstance(service, str):
        return service
    place, endpoint, certain = service
    named = setup.managed_identity()
    return Login(
        MANAGED_IDENTITY,
        f"{_which(named)}, from {place}",
        fingerprint=(endpoint, *(named or (metadata.machine(),))),
        settled=insisted,
        certain=certain,
        named=named,
        endpoint=endpoint,
    )


def _which(named: tuple[str, str] | None) -> str:
    return f"the one with {named[0]} {named[1]}" if named else "the machine's own"


def _visual_studio_code(_: Setup, __: Source) -> Login | str:
    return "it signs in through azure-identity-broker, which this program does not bring along"


def _azure_cli(setup: Setup, source: Source) -> Login | str:
    if not _is_on_path(setup, "az"):
        return "az is not on PATH"
    folder = az_folder(setup)
    profile = _content(os.path.join(folder, "azureProfile.json"))
    if profile is None and not os.path.isdir(folder):
        # Every az that ever ran here left the folder behind; whatever this one is, it can say. Once
        # it has, the folder is there and the fingerprint another.
        return Login(AZURE_CLI, "if it is logged in", fingerprint=(), settled=False, certain=False)
    # A logged-out profile is an empty list of subscriptions, each of which would name its user.
    if b'"user"' not in (profile or b"") and not setup.insists_on(source.sdk_class):
        return "nobody is logged in to az: az login"
    return Login(
        AZURE_CLI,
        lambda: _az_detail(profile or b""),
        fingerprint=(
            fingerprints.digest([profile or b""]),
            fingerprints.file_digest(os.path.join(folder, "config")),
            setup.variable("AZURE_CLOUD_NAME"),
        ),
    )


def az_folder(setup: Setup) -> str:
    """Where az keeps who is logged in."""
    return setup.variable("AZURE_CONFIG_DIR") or _home(setup, ".azure")


def _az_detail(profile: bytes) -> str:
    """Name the account and tenant of the default subscription."""
    import json

    try:
        subscriptions = json.loads(profile.decode("utf-8-sig"))["subscriptions"]
        default = next(s for s in subscriptions if s.get("isDefault"))
        return f"the login of {default['user']['name']} to tenant {default['tenantId']}"
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return "the login az has"


def _azure_powershell(setup: Setup, source: Source) -> Login | str:
    context = _home(setup, ".Azure", "AzureRmContext.json")
    return _tool(setup, source, "pwsh", context, "Connect-AzAccount")


def _azure_developer_cli(setup: Setup, source: Source) -> Login | str:
    folder = setup.variable("AZD_CONFIG_DIR") or _home(setup, ".azd")
    return _tool(setup, source, "azd", os.path.join(folder, "auth.json"), "azd auth login")


def _tool(setup: Setup, source: Source, program: str, state: str, login: str) -> Login | str:
    """A program that signs people in, once it has written down that somebody did."""
    if not _is_on_path(setup, program):
        return f"{program} is not on PATH"
    if not os.path.exists(state) and not setup.insists_on(source.sdk_class):
        return f"nobody is logged in to {program}: {login}"
    return Login(
        source.word, f"the login {program} has", fingerprint=(fingerprints.file_digest(state),)
    )


def _home(setup: Setup, *names: str) -> str:
    """A path below the user's home folder."""
    return os.path.join(user_folders.home(setup.environ), *names)


def _is_on_path(setup: Setup, program: str) -> bool:
    """Whether a program of this name would be found; nothing is run."""
    names = (f"{program}.cmd", f"{program}.exe") if os.name == "nt" else (program,)
    for folder in setup.environ.get("PATH", os.defpath).split(os.pathsep):
        for path in (os.path.join(folder, name) for name in names if folder):
            if os.path.isfile(path) and os.access(path, os.X_OK):
                return True
    return False


def _content(path: str) -> bytes | None:
    try:
        if fingerprints.is_pipe(path):
            return None
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


class Source:
    """One link of the chain: our word for it, azure-identity's class, its group, how to look."""

    __slots__ = ("group", "look", "sdk_class", "word")

    def __init__(
        self, word: str, sdk_class: str, group: str, look: Callable[[Setup, Source], Login | str]
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
