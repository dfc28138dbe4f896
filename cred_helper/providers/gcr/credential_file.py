"""Google's credential files: reading one, checking it, and saying whose it is.

Makes no request. Shows only those names in a file that are not secret.

Source: https://google.aip.dev/auth/4110 and the pages it links, one for each type
"""

from __future__ import annotations

from cred_helper.errors import Misconfigured
from cred_helper.files.json_file import ParsedJson
from cred_helper.files.os_errors import os_reason
from cred_helper.files.path_values import holds_content, quotable
from cred_helper.hosts import GOOGLE_UNIVERSE
from cred_helper.providers.common import pipes
from cred_helper.providers.gcr.identity import FILE_VARIABLE, MAX_FILE_BYTES, is_account

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from cred_helper.providers.common.interface import TokenRequest

# The fields that a file of each type must have.
_OF_USER = ("client_id", "client_secret", "refresh_token")
_REQUIRED = {
    "authorized_user": _OF_USER,
    "external_account": ("audience", "subject_token_type", "token_url", "credential_source"),
    "external_account_authorized_user": (*_OF_USER, "token_url"),
    "impersonated_service_account": ("service_account_impersonation_url", "source_credentials"),
    "service_account": ("client_email", "private_key", "token_uri"),
}
_OBJECTS = ("certificate", "credential_source", "executable", "headers", "source_credentials")
# What the SDK takes for text without a check.
_TEXTS = (
    *(
        "certificate_config_location",
        "command",
        "environment_id",
        "file",
        "imdsv2_session_token_url",
    ),
    *("region_url", "regional_cred_verification_url", "service_account_impersonation_url"),
    *("subject_token_field_name", "url"),
)
_TYPES = {**dict.fromkeys(_OBJECTS, dict), **dict.fromkeys(_TEXTS, str)}


def content(path: str) -> bytes:
    """The content of a file with a credential, or the first mebibyte of a larger one.

    Waits for the writer of a pipe.

    Raises:
        OSError: it cannot be read.
    """
    return pipes.read(path, path if quotable(path) else "of the credential", MAX_FILE_BYTES)


def unreadable(
    request: TokenRequest, path: str, named_by: str, error: OSError | ValueError
) -> Misconfigured:
    """The error for a credential file that cannot be read. It quotes no content of a file."""
    if named_by and holds_content(path):
        return request.wrong(named_by, "gcr.content-for-path", variable=named_by)
    shown = path if quotable(path) else "the file"
    file = f"{shown}, named by {named_by}," if named_by else path
    if isinstance(error, FileNotFoundError):
        return request.wrong(named_by, _missing_code(path, named_by), file=file)
    reason = os_reason(error) if isinstance(error, OSError) else "the path is not valid"
    return request.wrong(named_by, "gcr.file-unreadable", file=file, reason=reason)


def _missing_code(path: str, named_by: str) -> str:
    if path[:1] in "\"'" or path[-1:] in "\"'":
        return "gcr.file-missing-quotes"
    if path.strip() != path:
        return "gcr.file-missing-blank"
    if path.startswith("~") and named_by == FILE_VARIABLE:
        return "gcr.file-missing-tilde"
    return "gcr.file-missing"


def read(path: str) -> dict[str, Any]:
    """Read a credential file of a supported type.

    Raises:
        Misconfigured: it is not such a file.
    """
    try:
        data = content(path)
    except OSError as error:
        raise Misconfigured("gcr.file-unreadable", file=path, reason=os_reason(error)) from None
    try:
        info = ParsedJson(data).value
    except Misconfigured as error:
        if _is_base64(data):
            raise Misconfigured("gcr.encoded-file", path=path) from None
        raise error.within("file.at", place=path) from None
    return _checked(info, path)


def _is_base64(data: bytes) -> bool:
    """Whether the content is a JSON object in base64, as CI systems keep one in a variable."""
    from binascii import Error, a2b_base64

    try:
        return a2b_base64(data[:8]).lstrip().startswith(b"{")
    except Error:
        return False


def _checked(document: Any, path: str) -> dict[str, Any]:
    info: dict[str, Any] = document if isinstance(document, dict) else {}
    kind = info.get("type")
    if kind == "gdch_service_account":
        raise Misconfigured("gcr.distributed-cloud-file", path=path)
    if not isinstance(kind, str) or kind not in _REQUIRED:
        if "installed" in info or "web" in info:
            raise Misconfigured("gcr.oauth-client-file", path=path)
        raise Misconfigured("gcr.not-a-credential-file", path=path, types=", ".join(_REQUIRED))
    for field in _REQUIRED[kind]:
        value = info.get(field)
        if not value or not isinstance(value, dict if field in _OBJECTS else str):
            raise Misconfigured("gcr.field-missing", path=path, type=kind, field=field)
    for field in _wrong_fields(info):
        raise Misconfigured("gcr.field-missing", path=path, type=kind, field=field)
    if kind == "impersonated_service_account":
        _checked(info["source_credentials"], path)
    return info


def _wrong_fields(info: dict[str, Any], usual: type = object) -> Iterator[str]:
    """The optional fields that have another type than the SDK expects."""
    for field, value in info.items():
        is_left_out = value is None and usual is object
        if not is_left_out and not isinstance(value, _TYPES.get(field, usual)):
            yield field
        elif isinstance(value, dict):
            yield from _wrong_fields(value, str if field == "headers" else object)


def parts(info: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The credential, then the one that it impersonates with, if it does."""
    yield info
    source = info.get("source_credentials")
    if isinstance(source, dict):
        yield from parts(source)


def universe_domain(info: dict[str, Any]) -> str:
    """The universe of the identity that requests the token."""
    *_, requesting = parts(info)
    return str(requesting.get("universe_domain") or GOOGLE_UNIVERSE)


def impersonated_by(url: object) -> str:
    """The service account in the URL of an impersonation, ``""`` if there is none."""
    before, colon, _ = str(url or "").partition(":generateAccessToken")
    return before.rpartition("/")[2] if colon else ""


# --- In words -------------------------------------------------------------------------------------


def description(path: str) -> str:
    """Whose credential a file holds. What is wrong with it is reported by the provider's checks."""
    try:
        info = read(path)
    except Misconfigured:
        return "a credential file that cannot be used"
    whose, universe = _description(info), universe_domain(info)
    return whose if universe == GOOGLE_UNIVERSE else f"{whose} in the universe {universe}"


def _description(info: Mapping[str, Any]) -> str:
    match info["type"]:
        case "service_account":
            return f"service account {_account(info['client_email'])}"
        case "external_account":
            whose = f"workload identity federation, subject token from {_subject(info)}"
        case "impersonated_service_account":
            whose = _description(info["source_credentials"])
        case _:
            account = str(info.get("account") or "")
            return f"the sign-in of {_account(account) if account else 'a user'}"
    account = impersonated_by(info.get("service_account_impersonation_url"))
    is_other = account or info["type"] == "impersonated_service_account"
    return f"{whose}, impersonating {_account(account)}" if is_other else whose


def _account(value: str) -> str:
    """An account's e-mail address; anything else in its place could be a secret."""
    return value if is_account(value) else "an account whose name is not an e-mail address"


def _subject(info: Mapping[str, Any]) -> str:
    match info["credential_source"]:
        case {"environment_id": _}:
            return "AWS"
        case {"executable": {"command": str(command)}}:
            program = command.partition(" ")[0]
            return f"the program {program}" if quotable(program) else "a program"
        case {"file": str(file)}:
            return f"the file {file}" if quotable(file) else "a file"
        case {"url": str(url)}:
            return _shown_url(url)
        case _:
            return "a client certificate"


def _shown_url(url: str) -> str:
    """Scheme and host of a URL; path, query and user information may hold a secret."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        host = parts.hostname or ""
    except ValueError:
        return "a URL"
    return f"{parts.scheme}://{host}{port}" if host and parts.scheme.isalpha() else "a URL"
