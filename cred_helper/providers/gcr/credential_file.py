"""Google's credential files: what is in one, and the google-auth class that its ``type`` asks for.

Nothing here makes a request, and nothing of a file is quoted but names that are not secret. The
class is chosen here because ``google.auth.load_credentials_from_file()`` exchanges a federated
token just to find a project, and its errors quote the file.

Source: https://google.aip.dev/auth/4110 and the pages it links, one for each type
"""

from __future__ import annotations

import os

from cred_helper.errors import Misconfigured
from cred_helper.files.json_file import Document, trouble
from cred_helper.hosts import GOOGLE_UNIVERSE
from cred_helper.providers.gcr import file_content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# The least that pushes and pulls, from Container Registry and Artifact Registry alike.
# Source: https://cloud.google.com/artifact-registry/docs/integrate-compute
SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"

LOGIN_HINT = "run gcloud auth application-default login"

# Each type, and what it cannot do without.
_REQUIRED = {
    "authorized_user": ("client_id", "client_secret", "refresh_token"),
    "external_account": ("audience", "subject_token_type", "token_url", "credential_source"),
    "external_account_authorized_user": (
        "client_id",
        "client_secret",
        "refresh_token",
        "token_url",
    ),
    "impersonated_service_account": ("service_account_impersonation_url", "source_credentials"),
    "service_account": ("client_email", "private_key", "token_uri"),
}
_OBJECTS = ("credential_source", "source_credentials")
_AWS_TOKEN_TYPE = "urn:ietf:params:aws:token-type:aws4_request"  # noqa: S105 - a type, no token


def read(path: str) -> dict[str, Any]:
    """Read a credential file of a type that can be used here.

    Raises:
        Misconfigured: it is not one.
    """
    try:
        info = Document(file_content(path)).value
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {trouble(error)}") from None
    except Misconfigured as error:
        raise Misconfigured(f"{path}, {error.reason}", hint=error.hint) from None
    return _checked(info, path)


def _checked(document: Any, path: str) -> dict[str, Any]:
    info: dict[str, Any] = document if isinstance(document, dict) else {}
    kind = info.get("type")
    if kind == "gdch_service_account":
        raise Misconfigured(
            f"{path} is of type gdch_service_account, whose tokens open nothing outside "
            "Google Distributed Cloud"
        )
    if not isinstance(kind, str) or kind not in _REQUIRED:
        hint = f"its type has to be one of {', '.join(_REQUIRED)}"
        if "installed" in info or "web" in info:
            hint = f"it is the secret of an OAuth client, not of an identity; {LOGIN_HINT}"
        raise Misconfigured(f"{path} is no Google credential file", hint=hint)
    for field in _REQUIRED[kind]:
        value = info.get(field)
        if not value or not isinstance(value, dict if field in _OBJECTS else str):
            raise Misconfigured(f"{path} is of type {kind} and has no {field}")
    if kind == "impersonated_service_account":
        _checked(info["source_credentials"], path)
    return info


def universe_domain(info: Mapping[str, Any]) -> str:
    """The universe of the identity that would ask."""
    source = info.get("source_credentials")
    if isinstance(source, dict):
        return universe_domain(source)
    return str(info.get("universe_domain") or GOOGLE_UNIVERSE)


def target(impersonation_url: object) -> str:
    """The service account that such a URL is about; ``""`` where it is about none."""
    before, colon, _ = str(impersonation_url or "").partition(":generateAccessToken")
    return before.rpartition("/")[2] if colon else ""


# --- In words -------------------------------------------------------------------------------------


def description(path: str) -> str:
    """Say whose credential a file holds, or what is wrong with it."""
    try:
        info = read(path)
    except Misconfigured as error:
        return error.reason
    told, universe = _described(info), universe_domain(info)
    return told if universe == GOOGLE_UNIVERSE else f"{told} in the universe {universe}"


def _described(info: Mapping[str, Any]) -> str:
    match info["type"]:
        case "service_account":
            return f"service account {info['client_email']}"
        case "external_account":
            told = f"workload identity federation, subject token from {_subject(info)}"
            account = target(info.get("service_account_impersonation_url"))
            return f"{told}, impersonating {account}" if account else told
        case "impersonated_service_account":
            account = target(info["service_account_impersonation_url"])
            return f"{_described(info['source_credentials'])}, impersonating {account}"
        case _:
            return " ".join(["the sign-in of a user", *filter(None, [info.get("account")])])


def _subject(info: Mapping[str, Any]) -> str:
    """Where the subject token of an external account comes from."""
    source = info["credential_source"]
    match source:
        case {"environment_id": _}:
            return "AWS"
        case {"executable": {"command": str(command)}}:
            return f"the program {command.partition(' ')[0]}"
        case {"file": str(file)}:
            return f"the file {file}"
        case {"url": str(url)}:
            return url.partition("?")[0]
        case _:
            return "a client certificate"


# --- As google-auth has it ------------------------------------------------------------------------


def load(info: dict[str, Any], path: str, environ: Mapping[str, str]) -> Any:
    """Make google-auth's credentials of a file.

    Raises:
        Misconfigured: something in it, or something it names, is not as it has to be.
    """
    for part in (info, info.get("source_credentials") or {}):
        if part.get("type") == "external_account":
            _check_subject(part["credential_source"], path, environ)
    try:
        return _load(info)
    except Exception:  # noqa: BLE001 - the classes raise what they like, and quote the file
        kind = info["type"]
        reason = _UNUSABLE.get(kind, "google-auth does not take it")
        raise Misconfigured(f"{path} is not usable as {kind}: {reason}") from None


# What is wrong, if all fields that there have to be are there.
_UNUSABLE = {
    "external_account": "its credential_source is incomplete or ambiguous",
    "impersonated_service_account": "what it impersonates, or by what, is not plain",
    "service_account": "its private_key is not an RSA key in PEM",
}


def _load(info: dict[str, Any]) -> Any:
    make: Any
    match info["type"]:
        case "service_account":
            from google.oauth2 import service_account

            make = service_account.Credentials.from_service_account_info
            return make(info, scopes=[SCOPE])
        case "external_account":
            make = _external_account_class(info).from_info
            return make(info, scopes=[SCOPE])
        case "impersonated_service_account":
            account = target(info["service_account_impersonation_url"])
            if not account:
                raise ValueError
            source = _load(info["source_credentials"])
            return impersonated(source, [*(info.get("delegates") or ()), account])
        # A user's token covers what was consented to at the sign-in: no scope is asked for.
        case "external_account_authorized_user":
            from google.auth import external_account_authorized_user

            make = external_account_authorized_user.Credentials.from_info
            return make(info)
        case _:
            from google.oauth2 import credentials

            make = credentials.Credentials.from_authorized_user_info
            return make(info)


def _external_account_class(info: dict[str, Any]) -> Any:
    if info["subject_token_type"] == _AWS_TOKEN_TYPE:
        from google.auth import aws

        return aws.Credentials
    if "executable" in info["credential_source"]:
        from google.auth import pluggable

        return pluggable.Credentials
    from google.auth import identity_pool

    return identity_pool.Credentials


def impersonated(source: Any, accounts: list[str]) -> Any:
    """Credentials of the last account, which the source becomes by way of the others."""
    from google.auth.impersonated_credentials import Credentials

    *delegates, account = accounts
    make: Any = Credentials
    return make(source, account, [SCOPE], delegates=delegates or None)


def _check_subject(source: Mapping[str, Any], path: str, environ: Mapping[str, str]) -> None:
    """Tell apart what the SDK's class reports in one breath, or much later."""
    if "executable" in source and environ.get("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES") != "1":
        raise Misconfigured(
            f"{path} names a program, and programs may not be run",
            hint="if you trust that file, set GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES to 1",
        )
    file = source.get("file")
    if isinstance(file, str) and file and not os.path.exists(file):
        raise Misconfigured(f"the subject token file {file}, named in {path}, does not exist")
