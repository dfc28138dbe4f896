"""What the user set for Azure, read without its SDK: options, variables, the authority.

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

# The audience of the registries of every cloud; only disconnected Azure Local does not know it. A
# token for it opens nothing but registries, unlike one for the resource manager, which many
# registries refuse.
# Source: https://learn.microsoft.com/azure/container-registry/container-registry-disable-authentication-as-arm
_AUDIENCE = "https://containerregistry.azure.net"

_HTTPS = "https://"
# The characters of ids and audiences; azure-identity refuses all others.
_ID_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")
_LABEL_LETTERS = _ID_LETTERS - {"."}
_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
_IPV6_LETTERS = _HEX_DIGITS | frozenset(":.")
_AUDIENCE_LETTERS = _ID_LETTERS | frozenset("_:/")
_DOMAIN_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.")
# What a message calls a character that is hard to see.
_CHARACTERS = {
    "'": "an apostrophe",
    '"': "a quotation mark",
    "`": "a backquote",
    "\n": "a line end",
    "\r": "a carriage return",
    "\t": "a tab",
    " ": "a blank",
    "\xa0": "a no-break space",
    "\ufeff": "a byte order mark",
}


class AzureSettings:
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
        """One of the user's options for this registry, or ``""``."""
        return self.request.options.get(name, "")

    def variable(self, name: str) -> str:
        """An environment variable; an empty one counts as not set."""
        return self.environ.get(name, "")

    def flag(self, name: str, *, default: bool) -> bool:
        """An option that is on or off."""
        text = self.option(name).lower()
        if text in ("true", "on", "1"):
            return True
        if text in ("false", "off", "0"):
            return False
        if text:
            raise self.request.wrong(name, "acr.not-a-flag", name=name)
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
        option = self.option(name)
        value = option or self.variable(f"AZURE_{name.upper()}")
        shown = f"the option {name}" if option else f"AZURE_{name.upper()}"
        self._expect_only(_ID_LETTERS, value, name, shown)
        return value

    def _expect_only(self, letters: frozenset[str], value: str, option: str, shown: str) -> None:
        """Refuse a value with another character, and name the character."""
        if letters.issuperset(value):
            return
        wrong = next(letter for letter in value if letter not in letters)
        character = _CHARACTERS.get(wrong) or (
            f"the character {wrong}" if wrong.isprintable() else f"U+{ord(wrong):04X}"
        )
        values = {"name": shown, "character": character}
        if self.option(option):
            raise self.request.wrong(option, "acr.bad-character", **values)
        raise Misconfigured("acr.bad-character", **values)

    @property
    def audience(self) -> str:
        """The audience of the Entra token, without the ``/.default`` of a scope."""
        audience = self.option("audience").removesuffix("/.default") or _AUDIENCE
        self._expect_only(_AUDIENCE_LETTERS, audience, "audience", "the option audience")
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

    def requires(self, sdk_class: str) -> bool:
        """Whether the user chose this class of the chain, so that its absence is an error."""
        return self.token_credentials == sdk_class

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

    def problem(self) -> Misconfigured | None:
        """The error for an option that names an identity, where none can be used."""
        for name in ("client_id", "resource_id", "object_id"):
            if value := self.option(name):
                code = "acr.no-such-identity" if name == "client_id" else "acr.no-managed-identity"
                return self.request.wrong(name, code, kind=name, id=shown_id(value))
        return None

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
        begins = configured[: len(_HTTPS)].lower() == _HTTPS
        address = (configured[len(_HTTPS) :] if begins else configured).removesuffix("/")
        if not _is_host_and_port(address):
            raise Misconfigured("acr.bad-authority")
        owner = cloud_of(host_of(address))
        if owner not in (None, self.cloud):
            raise Misconfigured("acr.authority-of-another-cloud", suffix=self.cloud.suffix)
        return f"https://{address}"

    @property
    def instance_discovery(self) -> bool:
        """Whether Microsoft is asked if it knows the authority: not for the known ones.

        It cannot know an authority on loopback; for a private cloud's, the option says so.
        """
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


def is_guid(text: str) -> bool:
    """Whether a text has the form of a GUID, as the ids of applications have."""
    groups = text.split("-")
    return [len(group) for group in groups] == [8, 4, 4, 4, 12] and all(
        _HEX_DIGITS.issuperset(group) for group in groups
    )


def is_domain(text: str) -> bool:
    """Whether a text has the form of a tenant's domain name, in lower case."""
    labels = text.split(".")
    ending = labels[-1]
    return (
        len(labels) > 1
        and _DOMAIN_LETTERS.issuperset(text)
        and all(0 < len(label) < 64 for label in labels)
        and ending.isalpha()
        and len(ending) < 16
    )


def shown_id(value: str) -> str:
    """An id as a message may show it: people put secrets where ids belong."""
    if is_guid(value) or is_domain(value):
        return value
    if value.startswith("/subscriptions/") and value.isprintable():
        return value
    return "(not a GUID, and not shown)"


def host_of(url: str) -> str:
    """The host of an address, in lower case; a bracketed IPv6 address keeps its brackets."""
    authority = url.rpartition("://")[2].partition("/")[0].rpartition("@")[2].lower()
    host, colon, port = authority.rpartition(":")
    return host if colon and port.isdecimal() else authority


def _is_host_and_port(address: str) -> bool:
    """Whether an address is a host and perhaps a port, which every parser reads alike.

    With user names, paths and backslashes, one parser finds one host and another finds another.
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
    """The cloud that an authority's host is known to belong to, regional names included."""
    for cloud in ACR_CLOUDS:
        for known in cloud.authorities:
            if authority == known or authority.endswith(f".{known}"):
                return cloud
    return None
