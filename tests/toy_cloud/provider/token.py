"""Asks the toy cloud for a token: one POST to token.toy.example."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cred_helper import clouds
from cred_helper.credential import Credential, Secret
from cred_helper.errors import BadReply, Denied, NotFound
from cred_helper.files.json_file import parse_object
from cred_helper.providers.common.http_client import HttpClient
from cred_helper.providers.common.network_errors import status_error
from cred_helper.providers.common.token_identity import number
from cred_helper.providers.common.trust import CaFile
from cred_helper.providers.common.wire import Wire, host_of

if TYPE_CHECKING:
    from cred_helper.providers.common.interface import TokenRequest

    from .identity import ToyIdentity

_URL = "https://token.toy.example/v1/token"
_LONGEST_S = 12 * 3600


def get(request: TokenRequest, identity: ToyIdentity) -> Credential:
    """Get a token.

    Raises:
        NotFound: the key is absent.
        ProviderError: the cloud does not answer, or does not accept the key.
    """
    if identity.source is None:
        raise NotFound("toycloud.no-key")
    wire = Wire(
        request.deadline,
        ca_file=CaFile.of(request.environ),
        name_of=lambda url: f"the toy cloud at {host_of(url)}",
    )
    headers = {"Authorization": f"Bearer {identity.key}"}
    form = {"account": identity.account, "registry": request.route.names["name"]}
    reply = HttpClient(wire).ask("POST", _URL, headers, form)
    if failure := status_error(reply):
        raise failure
    if reply.status in (401, 403):
        raise Denied("toycloud.refused", upstream=reply.upstream, status=reply.status)
    document = parse_object(reply.body)
    token = document.get("access_token")
    if reply.status != 200 or not isinstance(token, str) or not _is_secret(token):
        raise BadReply("toycloud.no-token", upstream=reply.upstream, status=reply.status)
    expires_at = _expiry(number(document.get("expires_in")))
    username = clouds.find("toycloud").username
    return Credential(username, Secret(token), expires_at=expires_at, source=identity.source)


def _is_secret(token: str) -> bool:
    return token.isascii() and token.isprintable() and len(token.split()) == 1


def _expiry(left_s: float | None) -> datetime | None:
    """When a token with so many seconds left ends; ``None`` where the reply does not say it."""
    if left_s is None:
        return None
    return datetime.now(UTC) + timedelta(seconds=max(0.0, min(left_s, _LONGEST_S)))
