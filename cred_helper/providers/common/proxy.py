"""Which proxy a URL is reached through, by the environment's proxy variables.

An address of this machine or of its link is always reached directly: a metadata service hands out
credentials, and a proxy must not see them. NO_PROXY is read as docker and Go read it: a name
excepts itself and its subdomains, ``*.name`` its subdomains, and a network in CIDR notation its
addresses. Opens no connection.

Source: https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config
"""

from __future__ import annotations

import os
import sys
from urllib.parse import urlsplit

from cred_helper.errors import Misconfigured
from cred_helper.hosts import MACHINE_SERVICES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address


def proxy_for(url: str) -> str | None:
    """The URL of the proxy for a URL, or ``None`` where it is reached directly."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if is_local(host):
        return None
    proxies = _variables()
    if not proxies and sys.platform in ("darwin", "win32"):
        from urllib.request import getproxies, proxy_bypass

        return None if proxy_bypass(host) else getproxies().get(parts.scheme.lower())
    proxy = proxies.get(f"{parts.scheme.lower()}_proxy") or proxies.get("all_proxy")
    entries = (entry.strip().lower() for entry in proxies.get("no_proxy", "").split(","))
    is_excepted = any(_matches(entry, host.lower(), port) for entry in entries if entry)
    return None if is_excepted else proxy or None


def _variables() -> dict[str, str]:
    """The proxy variables, by their names in lower case: so written, they come before others.

    Source: urllib.request.getproxies_environment, which loads modules that nothing here uses; what
    a web server passes as HTTP_PROXY may be a header of its client (https://httpoxy.org)
    """
    found: dict[str, str] = {}
    for name, value in os.environ.items():
        lower = name.lower()
        is_header = lower == "http_proxy" and "REQUEST_METHOD" in os.environ
        if lower.endswith("_proxy") and (
            name == lower or (value and lower not in os.environ and not is_header)
        ):
            found[lower] = value
    return {name: value for name, value in found.items() if value}


def is_local(host: str) -> bool:
    """Whether a host is this machine or on its link, where metadata services are."""
    address = _address(host)
    if address is None or address.is_loopback or address.is_link_local:
        return address is not None or is_loopback(host)
    from ipaddress import IPv6Network

    return address in IPv6Network(MACHINE_SERVICES)


def is_loopback(host: str) -> bool:
    address = _address(host)
    return host.lower() == "localhost" or (address is not None and address.is_loopback)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    if ":" not in host and not host[-1:].isdigit():
        return None
    from ipaddress import ip_address

    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def shown(proxy: str) -> str:
    """Host and port of a proxy's URL, without its user name and password; ``""`` if it has none."""
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        host = parts.hostname or ""
        return f"{host}:{parts.port}" if parts.port else host
    except ValueError:
        return ""


def problem(proxy: str) -> Misconfigured | None:
    """The error for a proxy that the SDKs cannot use; its address may hold a password."""
    scheme = proxy.rpartition("://")[0].lower()
    is_usable = scheme in ("", "http", "https") and shown(proxy)
    return None if is_usable else Misconfigured("network.proxy-unusable")


def _matches(entry: str, host: str, port: int | None) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        from ipaddress import ip_address, ip_network

        try:
            return ip_address(host) in ip_network(entry, strict=False)
        except ValueError:
            return False
    name, colon, entry_port = entry.rpartition(":")
    if colon and entry_port.isdecimal() and (":" not in name or name.endswith("]")):
        if port is not None and port != int(entry_port):
            return False
        entry = name
    name = entry.strip("[]")
    address = _address(host)
    if address is not None and address == _address(name):
        return True
    if name.startswith("*."):
        return host.endswith(name[1:])
    # Python takes ".name" for the name itself as well; Go for its subdomains only.
    name = name.removeprefix(".")
    return host == name or host.endswith("." + name)
