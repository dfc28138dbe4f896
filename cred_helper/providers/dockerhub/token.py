"""Exchanges a job's identity token for a Docker access token, at Docker's identity service.

One POST to identity.docker.com, which answers with the password for the organization's name. The
identity token goes nowhere else. Docker has no SDK for it.

Source: https://github.com/docker/login-action/blob/master/src/dockerhub.ts (request and replies)
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any

from cred_helper.credential import Credential, Secret
from cred_helper.errors import BadReply, Denied, ProviderError
from cred_helper.files.json_file import parse_object
from cred_helper.providers.common import id_token_check, id_token_issuer
from cred_helper.providers.common.http_client import HttpClient
from cred_helper.providers.common.interface import ID_TOKEN, TokenRequest
from cred_helper.providers.common.quoted import quoted
from cred_helper.providers.common.token_identity import ends_at_s, number
from cred_helper.providers.common.trust import CaFile
from cred_helper.providers.common.wire import RoundTrip, Wire, host_of
from cred_helper.providers.dockerhub.identity import AUDIENCE, LONGEST_S, HubIdentity

_URL = f"{AUDIENCE}/oauth/token"
# The largest part of the time left that a pause may take.
_PAUSE_SHARE = 0.3
_MOST_ATTEMPTS = 3
# Where a reply says what is wrong: Docker's own field, and OAuth's.
_REASONS = ("description", "error_description", "message", "error")


def get(request: TokenRequest, identity: HubIdentity) -> Credential:
    """Get an access token.

    Raises:
        ProviderError: the job has no identity token, or the service does not accept it.
    """
    assert identity.id_token is not None
    token = id_token_issuer.token(request, identity.id_token)
    reply = _exchange(request, identity, token)
    document = parse_object(reply.body)
    if reply.status != 200:
        refusal = _refusal(identity, token, reply, document)
        raise id_token_check.with_claims(refusal, identity.id_token)
    access_token = document.get("access_token")
    if not isinstance(access_token, str) or not _is_token(access_token):
        raise BadReply("dockerhub.no-token", upstream=reply.upstream)
    return Credential(
        identity.username,
        Secret(access_token),
        expires_at=_expiry(access_token, document, identity.expires_in_s, datetime.now(UTC)),
        source=ID_TOKEN,
    )


def _exchange(request: TokenRequest, identity: HubIdentity, token: str) -> RoundTrip:
    """Ask the service; again after the pause that it asks for, if there is time."""
    from cred_helper.providers.common.network_errors import status_error

    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "subject_token": token,
        "connection_id": identity.connection_id,
        "expires_in": str(identity.expires_in_s),
    }
    wire = Wire(
        request.deadline,
        ca_file=CaFile.of(request.environ),
        name_of=lambda url: f"Docker's identity service at {host_of(url)}",
    )
    client = HttpClient(wire)
    while True:
        reply = client.ask("POST", _URL, {"Accept": "application/json"}, form)
        pause_s = _pause_s(reply, request.deadline.remaining_s())
        if pause_s is None or wire.attempts(_URL) == _MOST_ATTEMPTS:
            break
        sleep(pause_s)
    if failure := status_error(reply):
        raise failure
    return reply


def _pause_s(reply: RoundTrip, left_s: float) -> float | None:
    """How long to wait before the next attempt; ``None`` for no next attempt."""
    text = reply.headers.get("Retry-After", "")
    if reply.status != 429 or not text.isdecimal() or len(text) > 3:
        return None
    return float(text) if float(text) < left_s * _PAUSE_SHARE else None


def _refusal(
    identity: HubIdentity, token: str, reply: RoundTrip, document: dict[str, Any]
) -> ProviderError:
    if not document:
        return BadReply("dockerhub.not-docker", upstream=reply.upstream, status=reply.status)
    texts = (document[name] for name in _REASONS if isinstance(document.get(name), str))
    said = quoted(next(texts, json.dumps(document)), (token, *reply.secrets)) or "no reason"
    return Denied(
        "dockerhub.refused",
        upstream=reply.upstream,
        status=reply.status,
        connection=identity.connection_id,
        said=said,
    )


def _is_token(text: str) -> bool:
    """Whether a text is of the characters that a password in a header can have."""
    return text.isascii() and text.isprintable() and len(text.split()) == 1


def _expiry(token: str, document: dict[str, Any], asked_s: int, now: datetime) -> datetime:
    """When an access token ends: as it says, or the reply, or as it was asked for."""
    end_s = ends_at_s(token)
    if end_s is None:
        end_s = now.timestamp() + (number(document.get("expires_in")) or asked_s)
    try:
        return min(datetime.fromtimestamp(end_s, UTC), now + timedelta(seconds=LONGEST_S))
    except (ValueError, OverflowError, OSError):
        return now + timedelta(seconds=asked_s)
