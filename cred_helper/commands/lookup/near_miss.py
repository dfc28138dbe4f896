"""Hosts that look like a registry of a cloud and are not one, and why. Pure.

Such a host reaches no built-in provider; explain and doctor say what its name lacks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cred_helper.errors import Misconfigured
from cred_helper.hosts import route

if TYPE_CHECKING:
    from cred_helper.server_url import ServerURL

_ACCOUNT_DIGITS = 12
_AZURE_ZONES = ("azurecr.io", "azurecr.cn", "azurecr.us")
_AZURE_PRIVATE_ENDPOINT = "privatelink"


def near_miss(server_url: ServerURL) -> Misconfigured | None:
    """Why a host that looks like a cloud's registry is not taken for one."""
    host = server_url.redacted_host
    if server_url.unroutable or route(server_url) is not None:
        return None
    labels = host.split(".")
    code = _ecr(labels) or _acr(host, labels) or _gcr(labels)
    return Misconfigured(code, host=host) if code else None


def _ecr(labels: list[str]) -> str | None:
    if "vpce" in labels and {"ecr", "dkr"} & set(labels):
        return "doctor.near-vpc-endpoint"
    service = ".".join(labels[:4])
    if labels[:2] == ["api", "ecr"]:
        return "doctor.near-ecr-api"
    if ".dkr.ecr" not in service and ".dkr-ecr" not in service:
        return None
    account = labels[0]
    if not account.isdigit() or len(account) != _ACCOUNT_DIGITS:
        return "doctor.near-account-id"
    if any(label.startswith("cn-") for label in labels) and labels[-1] != "cn":
        return "doctor.near-china"
    return "doctor.near-ecr"


def _acr(host: str, labels: list[str]) -> str | None:
    zone = next((zone for zone in _AZURE_ZONES if host.endswith(f".{zone}") or host == zone), None)
    if zone is None:
        return None
    if _AZURE_PRIVATE_ENDPOINT in labels:
        return "doctor.near-private-link"
    return "doctor.near-acr"


def _gcr(labels: list[str]) -> str | None:
    is_artifact_registry = labels[-2:] == ["pkg", "dev"] or labels[-2:] == ["gcr", "io"]
    return "doctor.near-gcr" if is_artifact_registry else None
