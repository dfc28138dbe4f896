"""The sources of an Azure identity, and what the user set for them: options, variables, authority.

Loads no SDK. Refuses what contradicts itself or the host. Never looks for an identity.

Source: https://learn.microsoft.com/python/api/overview/azure/identity-readme (variables)
"""

from __future__ import annotations

from cred_helper.errors import Misconfigured
from cred_helper.hosts import AcrRoute
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cred_helper.errors import NotFound
    from cred_helper.hosts import AzureCloud
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

# The options that choose a managed identity and nothing else, and all that choose an identity.
MANAGED_IDENTITY_OPTIONS = ("resource_id", "object_id")
ID_OPTIONS = ("client_id", *MANAGED_IDENTITY_OPTIONS)

# The audience of the registries of every cloud; only disconnected Azure Local does not know it. A
# token for it opens nothing but registries, unlike one for the resource manager, which many
# registries refuse.
# Source: https://learn.microsoft.com/azure/container-registry/container-registry-disable-authentication-as-arm
_AUDIENCE = "https://containerregistry.azure.net"

# The characters of ids and audiences; azure-identity refuses all others.
_ID_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")
_AUDIENCE_LETTERS = _ID_LETTERS | frozenset("_:/")


class AzureSource(Record):
    """One source: its name, azure-identity's class and group, and the function that asks it.

    ``variable`` holds an application's secret or token, or the path of its certificate or token.
    """

    word: str
    sdk_class: str
    group: str
    look: Callable[[AzureSettings, AzureSource], Candidate | NotFound]
    variable: str = ""

    def is_required(self, settings: AzureSettings) -> bool:
        """Whether the user chose the class, so that the absence of the source is an error."""
        return settings.token_credentials == self.sdk_class


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


class AzureSettings:
    """What one request says: options first, then the variables that every Azure SDK reads."""

    def __init__(self, request: TokenRequest) -> None:
        assert isinstance(request.route, AcrRoute)
        self.request = request
        self.host = request.route.host
        self.environ = request.environ
        self.cloud: AzureCloud = request.route.azure

    def option(self, name: str) -> str:
        """One of the user's options for this registry, or ``""``."""
        return self.request.options.get(name, "")

    def variable(self, name: str) -> str:
        """An environment variable; an empty one counts as not set."""
        return self.environ.get(name, "")

    def flag(self, name: str, *, default: bool) -> bool:
        return self.request.flag(name, default=default)

    @property
    def tenant_id(self) -> str:
        return self._id("tenant_id")

    @property
    def client_id(self) -> str:
        """The application or user-assigned managed identity."""
        return self._id("client_id")

    def _id(self, name: str) -> str:
        value = self.option(name) or self.variable(f"AZURE_{name.upper()}")
        self._expect_only(_ID_LETTERS, value, name)
        return value

    def shown_name(self, name: str) -> str:
        """An option in words, or the variable in its place."""
        return f"the option {name}" if self.option(name) else f"AZURE_{name.upper()}"

    def _expect_only(self, letters: frozenset[str], value: str, option: str) -> None:
        """Refuse a value with another character, and name the character."""
        if letters.issuperset(value) and (value.strip(".") or not value):
            return  # dots alone would name another path of Entra
        from cred_helper.providers.acr.ids import shown_character

        wrong = next((letter for letter in value if letter not in letters), ".")
        values = {"name": self.shown_name(option), "character": shown_character(wrong)}
        if self.option(option):
            raise self.request.wrong(option, "acr.bad-character", **values)
        raise Misconfigured("acr.bad-character", **values)

    @property
    def audience(self) -> str:
        """The audience of the Entra token, without the ``/.default`` of a scope."""
        audience = self.option("audience").removesuffix("/.default") or _AUDIENCE
        self._expect_only(_AUDIENCE_LETTERS, audience, "audience")
        return audience

    @property
    def token_credentials(self) -> str:
        """Which identities of the chain may be used: all (``""``), a group, or one class."""
        chosen = self.option("token_credentials") or self.variable("AZURE_TOKEN_CREDENTIALS")
        return chosen.strip().lower()

    @property
    def token_credentials_name(self) -> str:
        """The name of the option or variable that says which may be used."""
        name = "token_credentials"
        return name if self.option(name) else f"AZURE_{name.upper()}"

    def managed_identity(self, *, by_variable: bool = True) -> tuple[str, str] | None:
        """The kind of id and the id of the chosen managed identity; ``None``: the default one."""
        named = [(name, self.option(name)) for name in ID_OPTIONS if self.option(name)]
        if len(named) > 1:
            names = " and ".join(name for name, _ in named)
            raise self.request.wrong(named[0][0], "acr.two-identities", options=names)
        client_id = self.client_id if by_variable else ""
        return named[0] if named else ("client_id", client_id) if client_id else None

    @property
    def managed_identity_option(self) -> str:
        """The first option set that chooses a managed identity and nothing else, or ``""``."""
        return next(filter(self.option, MANAGED_IDENTITY_OPTIONS), "")

    @property
    def authority(self) -> str:
        """Where to sign in: the authority of the host's cloud, or another name of the same cloud.

        Raises:
            Misconfigured: AZURE_AUTHORITY_HOST is not an https address, or belongs to another
                cloud.
        """
        configured = self.variable("AZURE_AUTHORITY_HOST").strip()
        if not configured:
            return f"https://{self.cloud.authorities[0]}"
        from cred_helper.providers.acr.authority import checked

        return checked(configured, self.cloud)

    @property
    def instance_discovery(self) -> bool:
        """Whether the SDK asks Microsoft about the authority; the option is for private clouds."""
        from cred_helper.providers.acr.authority import cloud_of, host_of

        host = host_of(self.authority)
        if cloud_of(host) or host.startswith("127.") or host in ("localhost", "[::1]"):
            return False
        return self.flag("instance_discovery", default=True)

    def principal(self, variable: str) -> tuple[str, str]:
        """Tenant and client id that go with the secret, certificate or token in a variable.

        Raises:
            Misconfigured: one is not set. Half an identity is not replaced by the machine's.
        """
        for name, value in (("tenant", self.tenant_id), ("client", self.client_id)):
            if not value:
                missing = f"AZURE_{name.upper()}_ID"
                raise Misconfigured("acr.half-an-identity", variable=variable, missing=missing)
        return self.tenant_id, self.client_id
