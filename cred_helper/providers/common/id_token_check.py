"""Finds the mistakes for which a cloud would refuse an identity token. Asks no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from time import time
from typing import Any

from cred_helper import clouds
from cred_helper.errors import BadReply, CredentialError, Denied, Misconfigured, ProviderError
from cred_helper.providers.common import ci_job, token_identity
from cred_helper.providers.common.id_token import shown_claims
from cred_helper.providers.common.interface import FoundToken

# Clocks of machines differ by seconds; a cloud has the last word.
_CLOCK_SKEW_S = 60


def problems(found: FoundToken) -> Iterator[ProviderError]:
    try:
        if found.token:
            check(found.token, found)
    except ProviderError as error:
        yield error


def with_claims(error: CredentialError, found: FoundToken) -> CredentialError:
    """The error of a cloud that refuses the token, with what its policies look at."""
    if not isinstance(error, Denied) or not found.claims:
        return error
    return error.within("oidc.claims", claims=found.claims)


def check(text: str, found: FoundToken) -> None:
    """Check a token before it is sent, and note its claims.

    Raises:
        ProviderError: the cloud would refuse it, or it is for another service.
    """
    error: type[ProviderError] = BadReply if found.issuer else Misconfigured
    claims = token_identity.claims(text)
    if not text:
        raise error("oidc.empty", place=found.place)
    if not claims or not text.isascii() or len(text.split()) != 1:
        raise error("oidc.not-a-token", place=found.place)
    check_end(claims, found.place, error)
    shown = shown_claims(text)
    found.claims = ", ".join(f"{name} {value}" for name, value in shown.items())
    audiences = ci_job.audiences_of(text)
    if {*audiences} & {*found.audiences}:
        return
    own = _service(found.audience)
    is_foreign = any(_service(audience) not in ("", own) for audience in audiences)
    if found.is_strict or is_foreign:
        values = {"audience": shown.get("audience", "none"), "wanted": found.audience}
        raise error("oidc.wrong-audience", place=found.place, **values)


def check_end(
    claims: Mapping[str, Any], place: str, error: type[ProviderError] = Misconfigured
) -> None:
    """Check that a token with these claims has not expired.

    Raises:
        ProviderError: it has.
    """
    ends_at_s, now_s = token_identity.number(claims.get("exp")), time()
    if ends_at_s is not None and ends_at_s < now_s - _CLOCK_SKEW_S:
        minutes = f"{(now_s - max(0, ends_at_s)) / 60:.0f}"
        raise error("oidc.expired", place=place, minutes=minutes)


def _service(audience: str) -> str:
    """What the audiences of one cloud have in common: a token for one is not sent to another."""
    usual = (cloud.audience.partition("{")[0] for cloud in clouds.CLOUDS)
    services = (service.removeprefix("https:").lstrip("/") for service in usual)
    return next((service for service in services if service and service in audience), "")
