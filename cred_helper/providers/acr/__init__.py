"""Azure Container Registry: which Azure identity to sign in with, at which authority.

This half looks at the environment and at files, before every cached answer; the sign-in itself and
the exchange of its token for the registry's are in ``login``, which loads the SDK.

The order is that of azure-identity's ``DefaultAzureCredential``, but one identity is chosen instead
of all being tried: whatever somebody configured is used or fails, and never gives way to whatever
the machine happens to have. Only a managed identity that nobody named may turn out not to be there,
and then the developer's own login is asked. Never signs in at an authority of another cloud than
the one the host's suffix belongs to.

Sources:
  https://learn.microsoft.com/python/api/overview/azure/identity-readme (identities, variables)
  https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md (what the registry is asked)
"""

from __future__ import annotations

import os

from cred_helper import ambient, fingerprint
from cred_helper.errors import Misconfigured, NotFound, Unreachable
from cred_helper.hosts import ACR, ACR_CLOUDS, AcrRoute
from cred_helper.provider import Identity, PassedOver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cred_helper.credential import Credential
    from cred_helper.hosts import AcrCloud
    from cred_helper.provider import TokenRequest

# The audience of every registry in every cloud, known to be missing only where Azure is run
# disconnected. A token for it is good for registries alone, unlike one for the resource manager,
# which many registries refuse.
# Source: https://learn.microsoft.com/azure/container-registry/container-registry-disable-authentication-as-arm
AUDIENCE = "https://containerregistry.azure.net"

# Where the metadata service of a virtual machine answers.
# Source: https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
_IMDS = "http://169.254.169.254"
# The agent that answers for the managed identity of a machine elsewhere (Azure Arc). MSAL looks for
# this file, too, and where it is asks the agent in the metadata service's stead.
_ARC_AGENT = "/opt/azcmagent/bin/himds"
_ARC_ENDPOINT = "http://localhost:40342"
# A metadata service that somebody named is given longer than one that is guessed at.
_CONNECT_TIMEOUT_S = 1.0

# What ids and audiences are made of; azure-identity insists on the same.
_ID_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")
_AUDIENCE_LETTERS = _ID_LETTERS | frozenset("_:/")

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
    """

    __slots__ = ("certain", "detail", "endpoint", "fingerprint", "named", "settled", "source")

    def __init__(
        self,
        source: str,
        detail: str | Callable[[], str],
        *,
        fingerprint: tuple[str, ...],
        settled: bool = True,
        certain: bool = True,
        named: tuple[str, str] | None = None,
        endpoint: str = "",
    ) -> None:
        self.source = source
        self.detail = detail
        self.fingerprint = fingerprint
        self.settled = settled
        self.certain = certain
        self.named = named
        self.endpoint = endpoint


class AcrIdentity(Identity):
    """The logins to try, in order: one, and before it those that may turn out not to be there."""

    __slots__ = ("logins",)

    def __init__(
        self,
        logins: tuple[Login, ...],
        passed_over: tuple[PassedOver, ...],
        common: tuple[str, ...],
    ) -> None:
        first = logins[0] if logins else Login("", "", fingerprint=())
        parts = [part for login in logins for part in (login.source, *login.fingerprint)]
        super().__init__(
            first.source or None,
            first.detail,
            passed_over=passed_over,
            fingerprint=fingerprint.digest([*common, *parts]) if logins else None,
            certain=first.certain,
        )
        self.logins = logins


class AcrProvider:
    """Azure Container Registry, by azure-identity and one exchange at the registry."""

    name = ACR
    OPTIONS: tuple[str, ...] = (
        "tenant_id",
        "client_id",
        "resource_id",
        "object_id",
        "token_credentials",
        "audience",
        "instance_discovery",
        "identity_token",
    )

    def identify(self, request: TokenRequest) -> AcrIdentity:
        """Choose the login, by environment and files."""
        look = Look(request)
        if look.cloud.closed:
            raise Misconfigured(
                f"the Azure cloud of {look.cloud.suffix} (Microsoft Cloud Germany) was closed in "
                f"{look.cloud.closed}, and its registries with it",
                hint="name the registry that took over, under azurecr.io",
            )
        logins, passed_over = _choose(look)
        if not logins:
            return AcrIdentity((), passed_over, ())
        common = (
            look.authority,
            look.audience,
            look.option("tenant_id"),
            str(look.flag("identity_token", default=False)),
        )
        return AcrIdentity(logins, passed_over, common)

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        """Sign in and exchange the token at the registry; see ``login`` for what it raises."""
        assert isinstance(identity, AcrIdentity)
        look = Look(request)
        missing = NotFound("no Azure identity is configured or detected here")
        for login in identity.logins:
            try:
                if login.endpoint:
                    _expect_metadata_service(login, look)
                from cred_helper.providers.acr.login import sign_in

                return sign_in(look, login)
            except NotFound as error:
                missing = error
        raise missing


class Look:
    """What one request says: options first, then the variables that every Azure SDK reads."""

    __slots__ = ("environ", "request", "route")

    def __init__(self, request: TokenRequest) -> None:
        assert isinstance(request.route, AcrRoute)
        self.request = request
        self.route = request.route
        self.environ = request.environ

    @property
    def cloud(self) -> AcrCloud:
        """The cloud that the host's suffix belongs to."""
        return self.route.cloud

    def option(self, name: str) -> str:
        """One of the user's choices for this registry, or ``""``."""
        return self.request.options.get(name, "")

    def variable(self, name: str) -> str:
        """An environment variable; one that is empty counts as not set."""
        return self.environ.get(name, "")

    def flag(self, name: str, *, default: bool) -> bool:
        """An option that is on or off."""
        text = self.option(name).lower()
        if text in ("true", "on", "1"):
            return True
        if text in ("false", "off", "0"):
            return False
        if text:
            raise Misconfigured(f"the option {name} is neither true nor false")
        return default

    @property
    def tenant_id(self) -> str:
        """The tenant of a service principal."""
        return self._id("tenant_id")

    @property
    def client_id(self) -> str:
        """The application or user-assigned managed identity."""
        return self._id("client_id")

    def _id(self, name: str) -> str:
        value = self.option(name) or self.variable(f"AZURE_{name.upper()}")
        if not _ID_LETTERS.issuperset(value):
            raise Misconfigured(f"the {name} has a character that no such id has")
        return value

    @property
    def audience(self) -> str:
        """What Entra is asked a token for, without the ``/.default`` of a scope."""
        audience = self.option("audience").removesuffix("/.default") or AUDIENCE
        if not _AUDIENCE_LETTERS.issuperset(audience):
            raise Misconfigured("the option audience has a character that no audience has")
        return audience

    @property
    def token_credentials(self) -> str:
        """Which of the chain's identities may be used: everything, a group, or one class."""
        chosen = self.option("token_credentials") or self.variable("AZURE_TOKEN_CREDENTIALS")
        chosen = chosen.strip().lower()
        if chosen and chosen not in (_PRODUCTION, _DEVELOPMENT, *(s.sdk_class for s in _CHAIN)):
            raise Misconfigured(
                "AZURE_TOKEN_CREDENTIALS is not prod, dev or the class of an identity used here",
                hint="set it to prod, dev or one class, such as AzureCliCredential",
            )
        return chosen

    def insists_on(self, source: Source) -> bool:
        """Whether the user named this kind of identity, so that its absence is an error."""
        return self.token_credentials == source.sdk_class

    def managed_identity(self, *, by_variable: bool = True) -> tuple[str, str] | None:
        """Which managed identity is meant, as a kind of id and the id; ``None``: the machine's."""
        choices = [(n, self.option(n)) for n in ("client_id", "resource_id", "object_id")]
        named = [choice for choice in choices if choice[1]]
        if len(named) > 1:
            raise Misconfigured(
                f"the options {' and '.join(name for name, _ in named)} both choose an identity"
            )
        client_id = self.variable("AZURE_CLIENT_ID") if by_variable else ""
        return named[0] if named else ("client_id", client_id) if client_id else None

    @property
    def authority(self) -> str:
        """Where to sign in: as the host's suffix says, or another name of the same cloud.

        Raises:
            Misconfigured: AZURE_AUTHORITY_HOST is no https address, or belongs to another cloud.
        """
        configured = self.variable("AZURE_AUTHORITY_HOST").strip()
        if not configured:
            return f"https://{self.cloud.authorities[0]}"
        scheme, separator, address = configured.rpartition("://")
        address = address.rstrip("/")
        if (separator and scheme.lower() != "https") or not _host(address):
            raise Misconfigured("AZURE_AUTHORITY_HOST is not an https address")
        owner = cloud_of(_host(address))
        if owner not in (None, self.cloud):
            raise Misconfigured(
                f"AZURE_AUTHORITY_HOST is an authority of another cloud than {self.cloud.suffix}'s",
                hint="unset AZURE_AUTHORITY_HOST: the host's suffix says where to sign in",
            )
        return f"https://{address}"

    @property
    def instance_discovery(self) -> bool:
        """Whether Microsoft is asked if it knows the authority: not for those that we know.

        It cannot know one on loopback, and for a private cloud's the option says so.
        """
        host = _host(self.authority)
        if cloud_of(host) or host.startswith("127.") or host in ("localhost", "[::1]"):
            return False
        return self.flag("instance_discovery", default=True)

    def principal(self, variable: str) -> tuple[str, str]:
        """Tenant and client id to go with a secret, certificate or token that somebody set.

        Raises:
            Misconfigured: one is not set. Half an identity was meant to be one: the machine's is
                not taken in its stead.
        """
        for name, value in (("tenant", self.tenant_id), ("client", self.client_id)):
            other = f"AZURE_{name.upper()}_ID"
            if not value:
                raise Misconfigured(
                    f"{variable} is set, but {other} is not",
                    hint=f"set {other}, or unset {variable}",
                )
        return self.tenant_id, self.client_id

    def home(self, *names: str) -> str:
        """A path below the user's home folder."""
        home = self.variable("USERPROFILE" if os.name == "nt" else "HOME")
        return os.path.join(home or os.path.expanduser("~"), *names)

    def on_path(self, program: str) -> bool:
        """Whether a program of this name would be found; nothing is run."""
        names = (f"{program}.cmd", f"{program}.exe") if os.name == "nt" else (program,)
        for folder in self.environ.get("PATH", os.defpath).split(os.pathsep):
            for path in (os.path.join(folder, name) for name in names if folder):
                if os.path.isfile(path) and os.access(path, os.X_OK):
                    return True
        return False


def _host(url: str) -> str:
    """The host of an address, in lower case; a bracketed IPv6 address keeps its brackets."""
    authority = url.rpartition("://")[2].partition("/")[0].rpartition("@")[2].lower()
    host, colon, port = authority.rpartition(":")
    return host if colon and port.isdecimal() else authority


def cloud_of(authority: str) -> AcrCloud | None:
    """The cloud an authority's host is known to belong to, regional names included."""
    for cloud in ACR_CLOUDS:
        for known in cloud.authorities:
            if authority == known or authority.endswith(f".{known}"):
                return cloud
    return None


# --- The chain ------------------------------------------------------------------------------------


def _client_secret(look: Look, _: Source) -> Login | str:
    secret = look.variable("AZURE_CLIENT_SECRET")
    if not secret:
        return "AZURE_CLIENT_SECRET is not set"
    return _principal(look, CLIENT_SECRET, "AZURE_CLIENT_SECRET", fingerprint.digest([secret]))


def _client_certificate(look: Look, _: Source) -> Login | str:
    path = look.variable("AZURE_CLIENT_CERTIFICATE_PATH")
    if not path:
        return "AZURE_CLIENT_CERTIFICATE_PATH is not set"
    content = fingerprint.file_digest(path)
    return _principal(look, CLIENT_CERTIFICATE, "AZURE_CLIENT_CERTIFICATE_PATH", content)


def _principal(look: Look, source: str, variable: str, secret_digest: str) -> Login | str:
    """A service principal by a secret of its own."""
    client_id = look.variable("AZURE_CLIENT_ID")
    if client_id and look.client_id != client_id:
        return f"{variable} goes with AZURE_CLIENT_ID, and the option client_id names another"
    tenant_id, client_id = look.principal(variable)
    return Login(
        source,
        f"application {client_id} of tenant {tenant_id}, by {variable}",
        fingerprint=(tenant_id, client_id, secret_digest),
    )


def _username_password(look: Look, _: Source) -> Login | str:
    username, password = look.variable("AZURE_USERNAME"), look.variable("AZURE_PASSWORD")
    if not (username and password):
        return "AZURE_USERNAME and AZURE_PASSWORD are not both set"
    # Scripts set these two for "az login" as well, so without the third they mean nothing to us.
    if not look.client_id:
        return "AZURE_CLIENT_ID is not set"
    return Login(
        USERNAME_PASSWORD,
        "AZURE_USERNAME and AZURE_PASSWORD",
        fingerprint=(look.tenant_id, look.client_id, username, fingerprint.digest([password])),
    )


def _federated_token(look: Look, _: Source) -> Login | str:
    if not look.variable("AZURE_FEDERATED_TOKEN"):
        return "AZURE_FEDERATED_TOKEN is not set"
    return _federated(look, FEDERATED_TOKEN, "AZURE_FEDERATED_TOKEN")


def _workload_identity(look: Look, _: Source) -> Login | str:
    path = look.variable("AZURE_FEDERATED_TOKEN_FILE")
    if not path:
        return "AZURE_FEDERATED_TOKEN_FILE is not set"
    return _federated(look, WORKLOAD_IDENTITY, "AZURE_FEDERATED_TOKEN_FILE", path)


def _federated(look: Look, source: str, variable: str, *parts: str) -> Login:
    """An application that trusts a token of another issuer, which renews and so is not digested."""
    tenant_id, client_id = look.principal(variable)
    return Login(
        source,
        f"application {client_id} of tenant {tenant_id}, by the token in {variable}",
        fingerprint=(tenant_id, client_id, *parts),
    )


def _managed_identity(look: Look, source: Source) -> Login | str:
    """As azure-identity finds the host's endpoint, and then whether this is an Azure machine."""
    platform = _platform(look)
    if platform is not None:
        place, endpoint, may_choose = platform
        named = look.managed_identity(by_variable=may_choose)
        return Login(
            MANAGED_IDENTITY,
            f"{_which(named)}, from {place}",
            fingerprint=(place, endpoint, *(named or ())),
            named=named,
        )
    configured = look.variable("AZURE_POD_IDENTITY_AUTHORITY_HOST")
    place, endpoint = "the instance metadata service", configured or _IMDS
    insisted = look.insists_on(source) or bool(_options_choosing(look))
    certain = bool(configured or insisted)
    if os.path.exists(_ARC_AGENT):
        place, endpoint, certain = "the Azure Arc agent", _ARC_ENDPOINT, True
    if not certain:
        sign = ambient.machine_sign(ambient.AZURE)
        if sign.is_cloud is False:
            return f"this is no Azure machine: {sign.reason}"
        certain = sign.is_cloud is True
    named = look.managed_identity()
    return Login(
        MANAGED_IDENTITY,
        f"{_which(named)}, from {place}",
        fingerprint=(endpoint, *(named or (_machine(),))),
        settled=insisted,
        certain=certain,
        named=named,
        endpoint=endpoint,
    )


def _which(named: tuple[str, str] | None) -> str:
    return f"the one with {named[0]} {named[1]}" if named else "the machine's own"


def _options_choosing(look: Look) -> list[str]:
    """The options that choose a managed identity and nothing else."""
    return [name for name in ("resource_id", "object_id") if look.option(name)]


def _platform(look: Look) -> tuple[str, str, bool] | None:
    """The service whose variables say that it has a managed identity: its name and its endpoint.

    And whether AZURE_CLIENT_ID chooses one there, as it cannot where the service itself decides.
    """
    endpoint = look.variable("IDENTITY_ENDPOINT")
    if endpoint and look.variable("IDENTITY_HEADER"):
        if look.variable("IDENTITY_SERVER_THUMBPRINT"):
            return "Service Fabric", endpoint, False
        return "App Service", endpoint, True
    if endpoint and look.variable("IMDS_ENDPOINT"):
        return "Azure Arc", endpoint, True
    endpoint = look.variable("MSI_ENDPOINT")
    if endpoint:
        if look.variable("MSI_SECRET"):
            return "Azure Machine Learning", endpoint, True
        return "Cloud Shell", endpoint, False
    return None


def _machine() -> str:
    """What tells machines apart that share a home folder, and so a cache."""
    try:
        with open("/etc/machine-id", encoding="ascii") as file:
            return file.readline().strip()
    except (OSError, ValueError):
        return os.uname().nodename if os.name == "posix" else ""


def _visual_studio_code(_: Look, __: Source) -> Login | str:
    return "it signs in through azure-identity-broker, which this program does not bring along"


def _azure_cli(look: Look, source: Source) -> Login | str:
    if not look.on_path("az"):
        return "az is not on PATH"
    folder = az_folder(look)
    profile = _content(os.path.join(folder, "azureProfile.json"))
    if profile is None and not os.path.isdir(folder):
        # Every az that ever ran here left the folder behind; whatever this one is, it can say. Once
        # it has, the folder is there and the fingerprint another.
        return Login(AZURE_CLI, "if it is logged in", fingerprint=(), settled=False, certain=False)
    # A logged-out profile is an empty list of subscriptions, each of which would name its user.
    if b'"user"' not in (profile or b"") and not look.insists_on(source):
        return "nobody is logged in to az: az login"
    return Login(
        AZURE_CLI,
        lambda: _az_detail(profile or b""),
        fingerprint=(
            fingerprint.digest([profile or b""]),
            fingerprint.file_digest(os.path.join(folder, "config")),
            look.variable("AZURE_CLOUD_NAME"),
        ),
    )


def az_folder(look: Look) -> str:
    """Where az keeps who is logged in."""
    return look.variable("AZURE_CONFIG_DIR") or look.home(".azure")


def _az_detail(profile: bytes) -> str:
    """Name the account and tenant of the default subscription."""
    import json

    try:
        subscriptions = json.loads(profile.decode("utf-8-sig"))["subscriptions"]
        default = next(s for s in subscriptions if s.get("isDefault"))
        return f"the login of {default['user']['name']} to tenant {default['tenantId']}"
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return "the login az has"


def _azure_powershell(look: Look, source: Source) -> Login | str:
    context = look.home(".Azure", "AzureRmContext.json")
    return _tool(look, source, "pwsh", context, "Connect-AzAccount")


def _azure_developer_cli(look: Look, source: Source) -> Login | str:
    folder = look.variable("AZD_CONFIG_DIR") or look.home(".azd")
    return _tool(look, source, "azd", os.path.join(folder, "auth.json"), "azd auth login")


def _tool(look: Look, source: Source, program: str, state: str, login: str) -> Login | str:
    """A program that signs people in, once it has written down that somebody did."""
    if not look.on_path(program):
        return f"{program} is not on PATH"
    if not os.path.exists(state) and not look.insists_on(source):
        return f"nobody is logged in to {program}: {login}"
    return Login(
        source.word, f"the login {program} has", fingerprint=(fingerprint.file_digest(state),)
    )


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


class Source:
    """One link of the chain: our word for it, azure-identity's class, its group, how to look."""

    __slots__ = ("group", "look", "sdk_class", "word")

    def __init__(
        self, word: str, sdk_class: str, group: str, look: Callable[[Look, Source], Login | str]
    ) -> None:
        self.word = word
        self.sdk_class = sdk_class
        self.group = group
        self.look = look


_PRODUCTION = "prod"
_DEVELOPMENT = "dev"
_CHAIN = (
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


def _choose(look: Look) -> tuple[tuple[Login, ...], tuple[PassedOver, ...]]:
    """Walk the chain to the first login that settles it; what is certain comes before guesses."""
    certain: list[Login] = []
    guesses: list[Login] = []
    passed_over: list[PassedOver] = []
    settled = ""
    for source in _CHAIN:
        reason = _excluded(look, source) or (settled and f"{settled} comes first")
        found = reason or source.look(look, source)
        if isinstance(found, str):
            passed_over.append(PassedOver(source.word, found))
        elif found.certain:
            certain.append(found)
            settled = found.source if found.settled else ""
        else:
            guesses.append(found)
    if settled:
        passed_over += [
            PassedOver(guess.source, f"{settled} is certain, this would be a guess")
            for guess in guesses
        ]
        guesses = []
    logins = (*certain, *guesses)
    passed_over += [
        PassedOver(login.source, f"it is asked if there is no {logins[0].source} after all")
        for login in logins[1:]
    ]
    order = [source.word for source in _CHAIN]
    return logins, tuple(sorted(passed_over, key=lambda other: order.index(other.source)))


def _excluded(look: Look, source: Source) -> str:
    """Why the user's own choice leaves a link out, or ``""``."""
    chosen = look.token_credentials
    if chosen and chosen not in (source.group, source.sdk_class):
        return f"AZURE_TOKEN_CREDENTIALS is {chosen}"
    if source.word != MANAGED_IDENTITY and (choosing := _options_choosing(look)):
        return f"the option {choosing[0]} chooses a managed identity"
    return ""


# --- Is there a metadata service? -----------------------------------------------------------------


def _expect_metadata_service(login: Login, look: Look) -> None:
    """Find out, before the SDK is loaded and waits, whether the metadata service is there.

    Raises:
        NotFound: it is not; nobody insisted that it should be.
        Unreachable: it is not, although the user named the identity that it has.
    """
    if login.certain:
        # Whoever listens there is meant. Only that nobody does is worth knowing early.
        within_s = look.request.deadline.step_s(_CONNECT_TIMEOUT_S)
        present = ambient.answers(_address(login.endpoint), b"", lambda _: True, timeout_s=within_s)
    else:
        request = (
            "GET /metadata/versions HTTP/1.1\r\nHost: 169.254.169.254\r\n"
            "Metadata: true\r\nConnection: close\r\n\r\n"
        )
        present = ambient.answers(_address(login.endpoint), request.encode(), _is_imds)
    if present:
        return
    reason = "no metadata service answers here, so there is no managed identity"
    raise Unreachable(reason) if login.settled else NotFound(reason)


def _is_imds(reply: bytes) -> bool:
    """Whether a reply is Azure's: other clouds have services at the same address."""
    return b"apiVersions" in reply or b"\r\nServer: IMDS" in reply


def _address(url: str) -> tuple[str, int]:
    """Host and port of a plain http URL."""
    port = url.rpartition("://")[2].partition("/")[0].rpartition(":")[2]
    return _host(url).strip("[]"), int(port) if port.isdecimal() else 80
