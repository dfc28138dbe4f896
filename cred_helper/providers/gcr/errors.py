"""Why Google gave no token: the last request to a server, as an error of the catalogue.

Codes of a server are passed on, and its descriptions without what was sent and without words that
could be a token.

Sources:
  https://www.rfc-editor.org/rfc/rfc6749#section-5.2 (errors of token endpoints)
  https://google.aip.dev/193 (errors of Google's APIs)
  https://cloud.google.com/kubernetes-engine/docs/troubleshooting/authentication (GKE's metadata)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cred_helper.errors import BadReply, CredentialError, Denied, NotFound
from cred_helper.files.json_file import parse_object
from cred_helper.providers.common.network_errors import status_error
from cred_helper.providers.common.quoted import quoted
from cred_helper.providers.common.wire import RoundTrip
from cred_helper.providers.gcr.credential_file import impersonated_by

_METADATA_PATH = "/computeMetadata/"
# Longer than every error code.
_MAX_CODE_CHARACTERS = 40
_USER_TYPES = ("authorized_user", "external_account_authorized_user")
# What a token endpoint says when only a person at a browser can sign in again.
_REAUTHENTICATION = ("invalid_rapt", "rapt_required")
# A pattern of what a service says → the code of the error, first match first.
_METADATA_REFUSALS = (
    ("API has not been used", "gcr.metadata-api-disabled"),
    ("getAccessToken", "gcr.metadata-no-binding"),
    ("No service account scopes", "gcr.metadata-no-scopes"),
    ("Gaia id not found|Invalid form of account ID", "gcr.metadata-wrong-account"),
)
_SUBJECT_REFUSALS = (
    ("stale|expired", "gcr.subject-token-stale"),
    ("^invalid_target", "gcr.provider-unknown"),
    ("attribute condition", "gcr.attribute-condition"),
    ("Error connecting to", "gcr.issuer-unreachable"),
    ("127", "gcr.subject-too-long"),
    ("^invalid_grant: .*udience", "gcr.audience-not-allowed"),
    ("^invalid_scope", "gcr.scope-refused"),
)
_IMPERSONATION_REFUSALS = (
    ("SERVICE_DISABLED", "gcr.impersonation-api-disabled"),
    ("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "gcr.impersonation-scope"),
)


def explain(trip: RoundTrip | None, error: Exception, kind: str) -> CredentialError:
    """The error for a token that was not made.

    ``trip`` is the last request, ``error`` what the SDK raised, ``kind`` the credential's type.
    """
    if trip is None:
        return BadReply("gcr.no-token-made", type=kind, error=type(error).__name__)
    if error_of_status := status_error(trip):
        return error_of_status
    if is_metadata(trip.url):
        return _metadata_refusal(trip)
    upstream, status = trip.upstream, trip.status
    is_for_subject = trip.method != "POST"
    if status == 200:
        code = "gcr.not-a-subject-token" if is_for_subject else "gcr.not-a-token"
        return BadReply(code, upstream=upstream)
    if is_for_subject:
        return Denied("gcr.subject-token-refused", upstream=upstream, status=status)
    document = parse_object(trip.body)
    if not document:
        return BadReply("gcr.refused-without-reason", upstream=upstream, status=status)
    if ":generateAccessToken" in trip.url:
        return _impersonation_refusal(trip, document, kind)
    return _token_refusal(trip, document, kind)


def is_metadata(url: str) -> bool:
    return _METADATA_PATH in url


# --- The metadata service -------------------------------------------------------------------------


def _metadata_refusal(trip: RoundTrip) -> CredentialError:
    if trip.status == 404 and "/token" not in trip.url:
        return NotFound("gcr.no-service-account")
    if trip.status == 200:
        return BadReply("gcr.not-a-token", upstream="the metadata service")
    said = quoted(trip.body.decode("utf-8", "replace"), trip.secrets)
    if not said or said.startswith(("<", "{")):
        return Denied("gcr.metadata-refused-silently", status=trip.status)
    code = _first_match(_METADATA_REFUSALS, said) or "gcr.metadata-refused"
    return Denied(code, status=trip.status, said=said)


def _first_match(refusals: tuple[tuple[str, str], ...], said: str) -> str:
    return next((code for pattern, code in refusals if re.search(pattern, said)), "")


# --- Token endpoints ------------------------------------------------------------------------------


def _token_refusal(trip: RoundTrip, document: Mapping[str, Any], kind: str) -> CredentialError:
    code, subtype = _code(document.get("error")), _code(document.get("error_subtype"))
    description = quoted(document.get("error_description"), trip.secrets)
    if subtype in _REAUTHENTICATION or code in _REAUTHENTICATION:
        is_user = kind in _USER_TYPES
        known_by = "gcr.sign-in-required" if is_user else "gcr.account-sign-in-required"
        return Denied(known_by, reason=subtype or code)
    said = ": ".join(filter(None, [code, description])) or "no reason"
    refusal = _refusal_code(said, kind)
    return Denied(refusal, upstream=trip.upstream, status=trip.status, said=said)


def _refusal_code(said: str, kind: str) -> str:
    if kind in _USER_TYPES:
        return "gcr.sign-in-refused"
    if kind == "service_account":
        return "gcr.wrong-clock" if "short-lived" in said else "gcr.key-refused"
    if kind == "external_account":
        return _first_match(_SUBJECT_REFUSALS, said) or "gcr.subject-token-not-accepted"
    return "gcr.token-refused"


def _impersonation_refusal(
    trip: RoundTrip, document: Mapping[str, Any], kind: str
) -> CredentialError:
    error = document.get("error")
    error = error if isinstance(error, dict) else {}
    code = _first_match(_IMPERSONATION_REFUSALS, str(error.get("details")))
    if not code and trip.status == 404:
        code = "gcr.impersonation-no-account"
    by_workload = "gcr.impersonation-by-workload-refused"
    return Denied(
        code or (by_workload if kind == "external_account" else "gcr.impersonation-refused"),
        account=impersonated_by(trip.url),
        upstream=trip.upstream,
        status=trip.status,
        said=_code(error.get("status")) or "no reason",
    )


def _code(value: object) -> str:
    """An error code: short, and of letters, digits and a few marks; else ``""``."""
    if not isinstance(value, str) or not value.isascii() or len(value) > _MAX_CODE_CHARACTERS:
        return ""
    return value if value.replace("_", "").replace("-", "").isalnum() else ""
