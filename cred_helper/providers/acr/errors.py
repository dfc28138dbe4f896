"""The errors of signing in and of the exchange: what Entra, a metadata service, az or ACR refuses.

The texts of the SDK's exceptions are not passed on, because they may quote what was sent or read.
Codes are, and what az and a registry say as far as it can be quoted.

Source: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

import re
from typing import Any

from cred_helper.errors import (
    BadReply,
    CredentialError,
    Denied,
    Misconfigured,
    NotFound,
    ProviderError,
    Unreachable,
)
from cred_helper.files.json_file import parse_object
from cred_helper.programs.running import ProgramResult
from cred_helper.providers.acr import sources
from cred_helper.providers.acr.ids import shown_id
from cred_helper.providers.acr.messages import ENTRA_CODES
from cred_helper.providers.acr.program_login import LOGIN_COMMANDS
from cred_helper.providers.acr.sources import AzureSettings, Candidate
from cred_helper.providers.common.interface import is_guid
from cred_helper.providers.common.network_errors import no_reply_error, status_error
from cred_helper.providers.common.quoted import last_line, quoted
from cred_helper.providers.common.token_identity import claims
from cred_helper.providers.common.wire import RoundTrip, Wire

# The refusals of Entra that a stray line end in a variable causes.
_WRONG_SECRETS = {"acr.wrong-secret": "AZURE_CLIENT_SECRET", "acr.wrong-password": "AZURE_PASSWORD"}
# Variables that a program may quote.
_SECRET_VARIABLES = (
    *("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD"),
    *("AZURE_FEDERATED_TOKEN", "IDENTITY_HEADER"),
)
# The status of Azure's metadata services where they have no identity.
_NO_IDENTITY = 400


def _word(value: object) -> str:
    """A code such as ``invalid_client``; ``""`` for anything else, which could be a secret."""
    return value if isinstance(value, str) and re.fullmatch(r"\w{1,40}", value, re.ASCII) else ""


# --- Signing in -----------------------------------------------------------------------------------


def sign_in_error(
    settings: AzureSettings, candidate: Candidate, wire: Wire, error: Exception
) -> CredentialError:
    """The error for an SDK's exception, from the last request and its reply."""
    reply = wire.last
    if reply is None:
        return Misconfigured("acr.sdk-refuses", source=candidate.source)
    if isinstance(reply.failure, CredentialError):
        return reply.failure
    if candidate.source == sources.MANAGED_IDENTITY:
        return no_reply_error(wire, error) or _metadata_error(candidate, reply)
    # The SDK's text first: after a refusal MSAL may have asked something else.
    return (
        entra_refusal(settings, str(error))
        or no_reply_error(wire, error)
        or status_error(reply)
        or _entra_reply(settings, reply)
    )


def _entra_reply(settings: AzureSettings, reply: RoundTrip) -> CredentialError:
    document = parse_object(reply.body)
    if refusal := entra_refusal(settings, str(document.get("error_description", ""))):
        return refusal
    if code := _word(document.get("error")):
        return Denied("acr.entra-refuses", upstream=reply.upstream, word=code)
    return BadReply("acr.no-token", upstream=reply.upstream, status=reply.status)


def entra_refusal(settings: AzureSettings, text: str) -> Denied | None:
    """The error for a code of Entra's. The rest of its text has ids for a log, and user names."""
    number = _entra_number(text)
    if not number:
        return None
    code = ENTRA_CODES.get(number, "acr.entra-code")
    if variable := _WRONG_SECRETS.get(code):
        value = settings.variable(variable)
        if value != value.strip():
            return Denied("acr.secret-with-blanks", number=number, variable=variable)
    client = settings.client_id
    return Denied(code, number=number, client=client if is_guid(client) else "CLIENT_ID")


def _entra_number(text: str) -> str:
    found = re.search(r"AADSTS(\d{1,9})", text)
    return found[1] if found else ""


def _metadata_error(candidate: Candidate, reply: RoundTrip) -> CredentialError:
    document = parse_object(reply.body)
    text = str(document.get("error_description") or document.get("message") or "")
    if failed := status_error(reply):
        return failed
    if number := _entra_number(text):
        return Denied("acr.entra-code", number=number, client="CLIENT_ID")
    if reply.status == _NO_IDENTITY:
        if candidate.named:
            kind, value = candidate.named
            return Denied("acr.identity-not-assigned", kind=kind, id=shown_id(value))
        if "Multiple user assigned identities" in text:
            return Denied("acr.several-identities")
        if not candidate.endpoint:
            # A platform that names an endpoint has an identity.
            return Denied("acr.no-system-identity", place=candidate.place)
        return NotFound("acr.machine-without-identity")
    if reply.status == 401 and "Arc" in candidate.place:
        # The agent asks for the content of a file that only members of its group can read.
        return Denied("acr.arc-key-unreadable")
    if not text and reply.body[:1] not in (b"<", b"{"):
        text = reply.body.decode("utf-8", "replace")
    words = f"{reply.status} {_word(document.get('error'))}".strip()
    said = ": ".join(filter(None, [words, quoted(text, reply.secrets)]))
    return BadReply("acr.no-metadata-token", upstream=reply.upstream, said=said)


def program_error(
    settings: AzureSettings, candidate: Candidate, done: ProgramResult
) -> CredentialError:
    if done.status == 0:
        return BadReply("acr.no-token-given", source=candidate.source)
    command = LOGIN_COMMANDS[candidate.source]
    text = done.errors.decode("utf-8", "replace")
    if refusal := entra_refusal(settings, text):
        return refusal.with_hint(command)
    if not candidate.settled:
        return NotFound("acr.tool-not-logged-in", source=candidate.source)
    if command in text:
        return Denied("acr.not-logged-in", source=candidate.source, command=command)
    line = last_line(done.errors, "ERROR:")
    line = line.removeprefix("ERROR:").partition("Trace ID")[0] if "ERROR:" in line else ""
    said = quoted(line, map(settings.variable, _SECRET_VARIABLES))
    code = "acr.program-failed" if said else "acr.program-failed-silently"
    return Denied(code, source=candidate.source, command=command, said=said)


# --- The exchange ---------------------------------------------------------------------------------


def unreachable_registry(settings: AzureSettings, wire: Wire, error: Exception) -> ProviderError:
    """The error for a registry that did not answer. A host without an address may not exist."""
    failed = no_reply_error(wire, error)
    assert failed is not None
    if failed.code == "network.unknown-host":
        registry = _registry(settings)
        return Unreachable("acr.no-such-registry", host=settings.host, registry=registry)
    return failed


def refused_exchange(settings: AzureSettings, token: str, reply: RoundTrip) -> ProviderError:
    """The error for a registry that does not exchange a token."""
    if failed := status_error(reply):
        return failed
    who, client = _who(token)
    values: dict[str, Any] = {"host": settings.host, "registry": _registry(settings)}
    values |= {"who": who, "client": client, "status": reply.status}
    if reply.status == 403:
        return _forbidden(reply, values)
    code = {401: "acr.not-let-in", 404: "acr.registry-not-found"}.get(reply.status)
    return Denied(code, **values) if code else BadReply("acr.not-exchanged", **values)


def _forbidden(reply: RoundTrip, values: dict[str, Any]) -> ProviderError:
    if address := re.search(rb"client with IP '([0-9a-fA-F.:]{2,45})'", reply.body):
        return Denied("acr.network-rules", address=address[1].decode(), **values)
    errors = parse_object(reply.body).get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return BadReply("acr.not-the-registry", **values)
    message = quoted(first.get("message"), reply.secrets)
    said = ": ".join(filter(None, [_word(first.get("code")), message])) or "no reason"
    return Denied("acr.exchange-denied", said=said, **values)


def _registry(settings: AzureSettings) -> str:
    """The registry's resource name: the host's first label, without a domain name label's hash."""
    return settings.host.partition(".")[0].partition("-")[0]


def _who(token: str) -> tuple[str, str]:
    """The identity of a token in words, and its id."""
    said = claims(token)
    for kind, name in (("application", "appid"), ("application", "azp"), ("object", "oid")):
        value = said.get(name)
        if isinstance(value, str) and is_guid(value):
            return f"{kind} {value}", value
    return "this identity", "CLIENT_ID"
