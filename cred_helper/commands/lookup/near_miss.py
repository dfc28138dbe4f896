"""Hosts that look like a registry of a cloud and are in none of its zones, and why. Pure.

No built-in provider is asked for such a host; explain and doctor say what its name lacks.
"""

from __future__ import annotations

from cred_helper import providers
from cred_helper.clouds import CLOUDS
from cred_helper.errors import Misconfigured
from cred_helper.hosts import ZONES, Zone, route
from cred_helper.server_url import ServerURL


def near_miss(server_url: ServerURL) -> Misconfigured | None:
    """The message about a host that looks like a cloud's registry and is not in its zones."""
    if server_url.unroutable or route(server_url) is not None:
        return None
    host = server_url.redacted_host
    labels = host.split(".")
    for cloud in CLOUDS:
        provider = providers.load(cloud.name)
        if provider is not None and (code := provider.near_miss(labels)):
            return Misconfigured(code, host=host)
        if any(_is_near(labels, zone) for zone in ZONES if zone.cloud == cloud.name):
            values = {"cloud": cloud.title, "example": cloud.example_host}
            return Misconfigured("doctor.near-registry", host=host, **values)
    return None


def _is_near(labels: list[str], zone: Zone) -> bool:
    """Whether a host has the literal labels of a zone's pattern, and its domain at the end."""
    _, mark, domain = zone.pattern.rpartition("}." if "}" in zone.pattern else "*.")
    literal = {label for label in zone.pattern.split(".") if not set("{*") & set(label)}
    ending = domain.split(".")
    return bool(mark) and labels[-len(ending) :] == ending and literal <= set(labels)
