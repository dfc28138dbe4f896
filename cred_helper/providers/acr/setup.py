"""What the user set for Azure, read without its SDK: options, variables, the authority they name.

Refuses what contradicts itself or the host. Never looks for an identity.

Source: https://learn.microsoft.com/python/api/overview/azure/identity-readme (variables)
"""

from __future__ import annotations

from cred_helper.errors import Misconfigured
from cred_helper.hosts import ACR_CLOUDS, AcrRoute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.hosts import AcrCloud
    from cred_helper.providers.common.interface import TokenRequest

# The audience of every registry in every cloud, known to be missing only where Azure is run
# disconnected. A token for it is good for registries alone, unlike one for the resource manager,
# which many registries refuse.
# Source: https://learn.microsoft.com/azure/container-registry/container-registry-disable-authentication-as-arm
_AUDIENCE = "https://containerregistry.azure.net"

_HTTPS = "https://"
# What ids and audiences are made of; azure-identity insists on the same.
_ID_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")
_LABEL_LETTERS = _ID_LETTERS - {"."}
_IPV6_LETTERS = frozenset("0123456789abcdefABCDEF:.")
_AUDIENCE_LETTERS = _ID_LETTERS | frozenset("_:/")


class Setup:
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
            raise self.request.wrong(name, f"the option {name} is neither true nor false")
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
            raise self.request.wrong(name, f"the {name} has a character that no such id has")
        return value

    @property
    def audience(self) -> str:
        """What Entra is asked a token for, without the ``/.default`` of a scope."""
        audience = self.option("audience").removesuffix("/.default") or _AUDIENCE
        if not _AUDIENCE_LETTERS.issuperset(audience):
            reason = "the option audience has a character that no audience has"
            raise self.request.wrong("audience", reason)
        return audience

    @property
    def token_credentials(self) -> str:
        """Which of the chain's identities may be used: everything, a group, or one class."""
        chosen = self.option("token_credentials") or self.variable("AZURE_TOKEN_CREDENTIALS")
        return chosen.strip().lower()

    @property
    def chooser(self) -> str:
        """What says which of them may be used, by its name."""
        name = "token_credentials"
        return name if self.option(name) else f"AZURE_{name.upper()}"

    def insists_on(self, sdk_class: str) -> bool:
        """Whether the user named this class of the chain, so that its absence is an error."""
        return self.token_credentials == sdk_class

    def managed_identity(self, *, by_variable: bool = True) -> tuple[str, str] | None:
        """Which managed identity is meant, as a kind of id and the id; ``None``: the machine's."""
        choices = [(n, self.option(n)) for n in ("client_id", "resource_id", "object_id")]
        named = [choice for choice in choices if choice[1]]
        if len(named) > 1:
            names = " and ".join(name for name, _ in named)
            raise self.request.wrong(named[0][0], f"the options {names} both choose an identity")
        client_id = self.variable("AZURE_CLIENT_ID") if by_variable else ""
        return named[0] if named else ("client_id", client_id) if client_id else None

    @property
    def managed_identity_options(self) -> list[str]:
        """The options set that choose a managed identity and nothing else."""
        return [name for name in ("resource_id", "object_id") if self.option(name)]

    def missed(self) -> Misconfigured | None:
        """What is wrong where there is no identity although an option names one."""
        for name in ("client_id", "resource_id", "object_id"):
            if value := self.option(name):
                return self.request.wrong(
                    name,
                    f"there is nothing to sign in with as the identity with the {name} {value}",
                    hint="az login, or set AZURE_TENANT_ID and AZURE_CLIENT_SECRET or"
                    " AZURE_FEDERATED_TOKEN_FILE"
                    if name == "client_id"
                    else "it takes a machine that has this managed identity",
                )
        return None

    @property
    def authority(self) -> str:
        """Where to sign in: as the host's suffix says, or another name of the same cloud.

        Raises:
            Misconfigured: AZURE_AUTHORITY_HOST is no https address, or belongs to another cloud.
        """
        configured = self.variable("AZURE_AUTHORITY_HOST").strip()
        if not configured:
            return f"https://{self.cloud.authorities[0]}"
        begins = configured[: len(_HTTPS)].lower() == _HTTPS
        address = (configured[len(_HTTPS) :] if begins else configured).removesuffix("/")
        if not _is_host_and_port(address):
            raise Misconfigured(
                "AZURE_AUTHORITY_HOST is not the address of a host by https",
                hint="it is one like https://login.microsoftonline.com",
            )
        owner = cloud_of(host_of(address))
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
        host = host_of(self.authority)
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


def host_of(url: str) -> str:
    """The host of an address, in lower case; a bracketed IPv6 address keeps its brackets."""
    authority = url.rpartition("://")[2].partition("/")[0].rpartition("@")[2].lower()
    host, colon, port = authority.rpartition(":")
    return host if colon and port.isdecimal() else authority


def _is_host_and_port(address: str) -> bool:
    """Whether an address is a host and perhaps a port, which no two parsers can take differently.

    Where user names, paths and backslashes stand about, one sees one host and one another.
    """
    host, colon, port = address.rpartition(":")
    if not colon or address.endswith("]"):
        host, port = address, "443"
    if not (port.isascii() and port.isdecimal() and len(port) <= 5 and 0 < int(port) < 1 << 16):
        return False
    if host.startswith("["):
        return host.endswith("]") and _IPV6_LETTERS.issuperset(host[1:-1])
    return all(label and _LABEL_LETTERS.issuperset(label) for label in host.split("."))


def cloud_of(authority: str) -> AcrCloud | None:
    """The cloud an authority's host is known to belong to, regional names included."""
    for cloud in ACR_CLOUDS:
        for known in cloud.authorities:
            if authority == known or authority.endswith(f".{known}"):
                return cloud
    return None
