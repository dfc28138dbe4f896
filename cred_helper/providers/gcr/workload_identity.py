"""Workload identity federation by the identity token of a request, without a credential file.

Source: https://cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines
"""

from __future__ import annotations

from cred_helper.providers.common import id_token
from cred_helper.providers.common.interface import ID_TOKEN, Identity
from cred_helper.providers.gcr import identity as of_google

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cred_helper.providers.common.interface import TokenRequest

_OPTION = "workload_identity_provider"
_PATH = ("projects", "locations", "workloadIdentityPools", "providers")
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
# Clusters of GKE are providers of their project's own pool.
# Source: https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity
_CLUSTER = "identitynamespace:"


class WorkloadIdentity(Identity, kw_only=True):
    """The federated identity; ``audience`` is its provider's name for Google's token service."""

    audience: str


def by_id_token(request: TokenRequest) -> Identity:
    """The identity of the token at the provider of the option.

    Raises:
        Misconfigured: an option is wrong or missing, or there is no token.
    """
    id_token.refuse_second(request, "credentials_file")
    if _OPTION not in request.options:
        raise id_token.missing(request, _OPTION, "the provider that trusts the token")
    audience, *token_audiences = _audiences(request)
    found = id_token.find(request, *token_audiences)
    provider = audience.removeprefix("//").partition("/")[2] or "the pool of a cluster"

    def describe() -> str:
        return of_google.impersonating(request, f"{provider} by {found.place}")

    key = of_google.cache_key(request, [ID_TOKEN, audience, found.whose])
    return WorkloadIdentity(ID_TOKEN, describe, cache_key=key, audience=audience, id_token=found)


def _audiences(request: TokenRequest) -> tuple[str, ...]:
    """The audience for Google's token service, and those that the token may have."""
    value = request.options[_OPTION]
    if value.startswith(_CLUSTER) and value.isascii() and value.isprintable():
        return value, value.removeprefix(_CLUSTER).partition(":")[0]
    service = f"//iam.{of_google.universe_domain_of(request)}/"
    name = value.removeprefix("https:").removeprefix(service)
    parts = name.split("/")
    kinds, names = tuple(parts[::2]), parts[1::2]
    are_names = all(part and _NAME_CHARACTERS.issuperset(part) for part in names)
    if kinds != _PATH or len(names) != len(kinds) or not are_names:
        raise request.wrong(_OPTION, "gcr.not-a-provider")
    if not names[0].isdecimal():
        raise request.wrong(_OPTION, "gcr.project-without-number")
    return service + name, service + name, f"https:{service}{name}"


def credential_info(identity: WorkloadIdentity, request: TokenRequest) -> dict[str, Any]:
    """The content that a credential file of this identity would have."""
    domain = of_google.universe_domain_of(request)
    return {
        "type": "external_account",
        "audience": identity.audience,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"https://sts.{domain}/v1/token",
        "universe_domain": domain,
        "credential_source": {},
    }
