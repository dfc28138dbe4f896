"""A usual mistake in the name of a registry of Azure. Pure."""

from __future__ import annotations

from cred_helper.hosts import ACR_CLOUDS

_PRIVATE_ENDPOINT = "privatelink"


def near_miss(labels: list[str]) -> str | None:
    """The code for a host that is meant to be a registry, by its labels."""
    host = ".".join(labels)
    is_acr = any(host.endswith(f".{cloud.suffix}") for cloud in ACR_CLOUDS)
    return "acr.near-private-link" if is_acr and _PRIVATE_ENDPOINT in labels else None
