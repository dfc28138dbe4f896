"""What the user set for Azure, read without its SDK: options, variables, the authority.

Refuses what contradicts itself or the host. Never looks for an identity.

Source: https://learn.microsoft.com/python/api/overview/azure/identity-readme (variables)
"""

from __future__ import annotations

from cred_helper.errors import Misconfigured
from cred_helper.hosts import AcrRoute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.hosts import AcrCloud
    from cred_helper.providers.acr.identity import Source
    from cred_helper.providers.common.interface import TokenRequest

# The audience of the registries of every cloud; only disconnected Azure Local does not know it. A
# token for it opens nothing but registries, unlike one for the resource manager, which many
# registries refuse.
# Source: https://learn.microsoft.com/azure/container-registry/container-registry-disable-authentication-as-arm
_AUDIENCE = "https://containerregistry.azure.net"

# The characters of ids and audiences; azure-identity refuses all others.
_ID_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")
_AUDIENCE_LETTERS = _ID_LETTERS | frozenset("_:/")


class AzureSettings:
    """What one request says: options first, then the variables that every Azure SDK reads."""

    def __init__(self, request: TokenRequest) -> None:
        assert isinstance(request.route, AcrRoute)
        self.request = request
        self.host = request.route.host
        self.environ = request.environ
        self.cloud: AcrCloud = request.route.cloud

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

    def requires(self, source: Source) -> bool:
        """Whether the user chose a source's class, so that its absence is an error."""
        return self.token_credentials == source.sdk_class

    def managed_identity(self, *, by_variable: bool = True) -> tuple[str, str] | None:
        """The kind of id and the id of the chosen managed identity; ``None``: the default one."""
        choices = [(n, self.option(n)) for n in ("client_id", "resource_id", "object_id")]
        named = [choice for choice in choices if choice[1]]
        if len(named) > 1:
            names = " and ".join(name for name, _ in named)
            raise self.request.wrong(named[0][0], "acr.two-identities", options=names)
        client_id = self.client_id if by_variable else ""
        return named[0] if named else ("client_id", client_id) if client_id else None

    @property
    def managed_identity_options(self) -> list[str]:
        """The options set that choose a managed identity and nothing else."""
        return [name for name in ("resource_id", "object_id") if self.option(name)]

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
