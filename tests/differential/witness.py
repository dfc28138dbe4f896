"""Loopback clouds that put into each token the name of the identity that asked for it.

They check nothing (``tests.clouds`` does that). The same caller gets the same token each time, so
that two answers are equal exactly if the same identity got them.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from tests.clouds.server import LoopbackServer, Received, Reply, json_reply
from tests.clouds.tokens import from_base64url
from tests.support.requests import jwt

# The end of every token's life: the same in one run of the tests, hours away.
ENDS_AT = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=6)
ENDS_AT_ISO = f"{ENDS_AT:%Y-%m-%dT%H:%M:%SZ}"


def bearer(token: str) -> str:
    """The owner of a token: issuer and subject of a JWT, otherwise the token itself."""
    if token.count(".") != 2:
        return token
    claims = json.loads(from_base64url(token.split(".")[1]))
    return f"{claims.get('iss')}|{claims.get('sub')}"


def github(request: Received) -> Reply:
    """The endpoint of a GitHub server, which gives each job a token with its subject."""
    claims = {"iss": request.path, "sub": request.bearer, "aud": request.query["audience"]}
    return json_reply({"value": jwt(**claims)})


class Witness(LoopbackServer):
    """A cloud with a ``name``, which distinguishes two; it refuses what it does not understand.

    ``hosts`` lead to it. Its machines are ``asked_for`` these server URLs, with these ``settings``:
    a variable → values that it is set to. ``logins`` are programs that give tokens → the folder of
    their logins, in words of the shell. ``renews`` is whether a session or token can be renewed.
    """

    hosts: tuple[str, ...] = ()
    asked_for: tuple[str, ...]
    settings: ClassVar[dict[str, list[str]]] = {}
    logins: ClassVar[dict[str, str]] = {}
    renews = True

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.on("GET", "/github/*", github)

    def handle(self, request: Received) -> Reply:
        try:
            return super().handle(request)
        except (AssertionError, LookupError, ValueError):
            return json_reply({"error": "invalid_request", "error_description": "no"}, 400)
