"""Why Google gave no token: from the last exchange with a server, to an error of the catalogue.

Of what a server says, codes are passed on, and descriptions without what was sent and without words
that could be a token.

Sources:
  https://www.rfc-editor.org/rfc/rfc6749#section-5.2 (errors of token endpoints)
  https://google.aip.dev/193 (errors of Google's APIs)
  https://cloud.google.com/kubernetes-engine/docs/troubleshooting/authentication (GKE's metadata)
"""

from __future__ import annotations

from cred_helper.errors import BadReply, Denied, NotFound
from cred_helper.files.json_file import parse_object
from cred_helper.providers.common.network_errors import status_error
from cred_helper.providers.common.quoted import quoted
from cred_helper.providers.gcr.credential_file import impersonated_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cred_helper.errors import CredentialError
    from cred_helper.providers.common.wire import Exchange

METADATA_PATH = "/computeMetadata/"
# Longer than every error code.
_MAX_CODE_CHARACTERS = 40
_USER_TYPES = ("authorized_user", "external_account_authorized_user")
# What a token endpoint says when only a person at a browser can sign in again.
_REAUTHENTICATION = ("invalid_rapt", "rapt_required")
# What GKE's metadata service says, first match first.
_METADATA_REFUSALS = (
    ("API has not been used", "gcr.metadata-api-disabled"),
    ("getAccessToken", "gcr.metadata-no-binding"),
    ("No service account scopes", "gcr.metadata-no-scopes"),
    ("Gaia id not found", "gcr.metadata-wrong-account"),
    ("Invalid form of account ID", "gcr.metadata-wrong-account"),
)


def explain(exchange: Exchange | None, error: Exception, kind: str) -> CredentialError:
    """The error for a token that was not made.

    ``exchange`` is the last one, ``error`` what the SDK raised, ``kind`` the credential's type.
    """
    if exchange is None:
        return BadReply("gcr.no-token-made", type=kind, error=type(error).__name__)
    if error_of_status := status_error(exchange):
        return error_of_status
    if is_metadata(exchange.url):
        return _metadata_refusal(exchange)
    if exchange.method != "POST":
        return _subject_refusal(exchange)
    if exchange.status == 200:
        return BadReply("gcr.not-a-token", upstream=exchange.upstream)
    document = parse_object(exchange.body)
    if not document:
        return BadReply(
            "gcr.refused-without-reason", upstream=exchange.upstream, status=exchange.status
        )
    if ":generateAccessToken" in exchange.url:
        return _impersonation_refusal(exchange, document, kind)
    return _token_refusal(exchange, document, kind)


def is_metadata(url: str) -> bool:
    """Whether a URL is one of the metadata service's."""
    return METADATA_PATH in url


# --- The metadata service -------------------------------------------------------------------------


def _metadata_refusal(exchange: Exchange) -> CredentialError:
    if exchange.status == 404 and "/token" not in exchange.url:
        return NotFound("gcr.no-service-account")
    if exchange.status == 200:
        return BadReply("gcr.not-a-token", upstream="the metadata service")
    said = quoted(exchange.body.decode("utf-8", "replace"), exchange.secrets)
    is_text = bool(said) and not said.startswith(("<", "{"))
    if not is_text:
        return Denied("gcr.metadata-refused-silently", status=exchange.status)
    code = "gcr.metadata-refused"
    for sign, known_by in _METADATA_REFUSALS:
        if sign in said:
            code = known_by
            break
    return Denied(code, status=exchange.status, said=said)


# --- Token endpoints ------------------------------------------------------------------------------


def _subject_refusal(exchange: Exchange) -> CredentialError:
    if exchange.status == 200:
        return BadReply("gcr.not-a-subject-token", upstream=exchange.upstream)
    return Denied("gcr.subject-token-refused", upstream=exchange.upstream, status=exchange.status)


def _token_refusal(exchange: Exchange, document: Mapping[str, Any], kind: str) -> CredentialError:
    code, subtype = _code(document.get("error")), _code(document.get("error_subtype"))
    description = quoted(document.get("error_description"), exchange.secrets)
    if subtype in _REAUTHENTICATION or code in _REAUTHENTICATION:
        is_user = kind in _USER_TYPES
        known_by = "gcr.sign-in-required" if is_user else "gcr.account-sign-in-required"
        return Denied(known_by, reason=subtype or code)
    said = ": ".join(filter(None, [code, description])) or "no reason"
    return Denied(
        _refusal_code(code, description, kind),
        upstream=exchange.upstream,
        status=exchange.status,
        said=said,
    )


def _refusal_code(code: str, description: str, kind: str) -> str:
    match kind:
        case _ if kind in _USER_TYPES:
            return "gcr.sign-in-refused"
        case "service_account" if "short-lived" in description:
            return "gcr.wrong-clock"
        case "service_account":
            return "gcr.key-refused"
        case "external_account" if "stale" in description or "expired" in description:
            return "gcr.subject-token-stale"
        case "external_account" if code == "invalid_target":
            return "gcr.provider-unknown"
        case "external_account" if "attribute condition" in description:
            return "gcr.attribute-condition"
        case "external_account" if "Error connecting to" in description:
            return "gcr.issuer-unreachable"
        case "external_account" if "127" in description:
            return "gcr.subject-too-long"
        case "external_account" if code == "invalid_grant" and "udience" in description:
            return "gcr.audience-not-allowed"
        case "external_account" if code == "invalid_scope":
            return "gcr.scope-refused"
        case "external_account":
            return "gcr.subject-token-not-accepted"
        case _:
            return "gcr.token-refused"


def _impersonation_refusal(
    exchange: Exchange, document: Mapping[str, Any], kind: str
) -> CredentialError:
    error = document.get("error")
    error = error if isinstance(error, dict) else {}
    details = error.get("details")
    reasons = [
        detail.get("reason")
        for detail in (details if isinstance(details, list) else ())
        if isinstance(detail, dict)
    ]
    if "SERVICE_DISABLED" in reasons:
        code = "gcr.impersonation-api-disabled"
    elif "ACCESS_TOKEN_SCOPE_INSUFFICIENT" in reasons:
        code = "gcr.impersonation-scope"
    elif exchange.status == 404:
        code = "gcr.impersonation-no-account"
    elif kind == "external_account":
        code = "gcr.impersonation-by-workload-refused"
    else:
        code = "gcr.impersonation-refused"
    return Denied(
        code,
        account=impersonated_by(exchange.url),
        upstream=exchange.upstream,
        status=exchange.status,
        said=_code(error.get("status")) or "no reason",
    )


def _code(value: object) -> str:
    """An error code: short, and of letters, digits and a few marks; else ``""``."""
    if not isinstance(value, str) or not value.isascii() or len(value) > _MAX_CODE_CHARACTERS:
        return ""
    return value if value.replace("_", "").replace("-", "").isalnum() else ""
