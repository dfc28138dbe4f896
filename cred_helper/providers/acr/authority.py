"""An authority that the user configured: whether it is one, and which cloud it belongs to.

Source: https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
"""

from __future__ import annotations

from cred_helper.errors import Misconfigured
from cred_helper.hosts import AZURE_CLOUDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.hosts import AzureCloud

_HTTPS = "https://"
_LABEL_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
_IPV6_LETTERS = frozenset("0123456789abcdefABCDEF:.")


def checked(configured: str, cloud: AzureCloud) -> str:
    """The address of a configured authority, for a host of this cloud.

    Raises:
        Misconfigured: it is not an https address, or belongs to another cloud.
    """
    begins = configured[: len(_HTTPS)].lower() == _HTTPS
    address = (configured[len(_HTTPS) :] if begins else configured).removesuffix("/")
    if not _is_host_and_port(address):
        raise Misconfigured("acr.bad-authority")
    owner = cloud_of(host_of(address))
    if owner not in (None, cloud):
        raise Misconfigured("acr.authority-of-another-cloud", suffix=cloud.suffix)
    return f"https://{address}"


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


def cloud_of(authority: str) -> AzureCloud | None:
    """The cloud that an authority's host is known to belong to, regional names included."""
    for cloud in AZURE_CLOUDS:
        for known in cloud.authorities:
            if authority == known or authority.endswith(f".{known}"):
                return cloud
    return None
