"""Requests to a provider in this process, and identity tokens that are not signed."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from cred_helper.hosts import route
from cred_helper.providers.common.interface import Deadline, IdToken, TokenRequest
from cred_helper.server_url import ServerURL
from tests.clouds.tokens import base64url


def token_request(
    host: str,
    environ: Mapping[str, str],
    within_s: float = 30,
    options: Mapping[str, str] | None = None,
    id_token: IdToken | None = None,
) -> TokenRequest:
    found = route(ServerURL.parse(host))
    assert found is not None
    deadline = Deadline(within_s, time.monotonic)
    return TokenRequest(
        found, environ=environ, deadline=deadline, options=options or {}, id_token=id_token
    )


def jwt(**claims: object) -> str:
    """A JSON web token with these claims; its signature is a constant."""
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256"}, claims))
    return ".".join([*map(base64url, parts), "c2ln"])
