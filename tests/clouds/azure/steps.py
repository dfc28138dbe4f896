"""The requests of one ``get`` to Azure: the steps that can fail."""

from __future__ import annotations

import json
from datetime import datetime

from tests.clouds import azure
from tests.clouds.azure import identities
from tests.clouds.tokens import base64url
from tests.faults.step import (
    EXPIRES_IN,
    OAUTH,
    WITH_END,
    Step,
    json_ending,
    reply,
    seconds_left,
)
from tests.fuzz.target import SECRET

_NO = "400 Bad Request"
_OAUTH_ERROR = {"error": "invalid_grant", "error_description": f"AADSTS7000215: no {SECRET}"}


def _jwt_ending(text: str, ends_at: datetime | None) -> str:
    """The expiry of a registry's token, in the token: only the registry verifies its signature."""
    header, _, signature = json.loads(text)["refresh_token"].split(".")
    claims = {"aud": azure.EXAMPLE_HOST} | ({"exp": ends_at.timestamp()} if ends_at else {})
    payload = base64url(json.dumps(claims).encode())
    return json.dumps({"refresh_token": f"{header}.{payload}.{signature}"})


STEPS = (
    Step(
        "Entra discovery", azure.EXAMPLE_HOST, identities.a_client_secret, "*/openid-configuration",
        azure.PUBLIC.authority, first=True,
    ),
    Step(
        "Entra token", azure.EXAMPLE_HOST, identities.a_client_secret, "*/oauth2/v2.0/token",
        azure.PUBLIC.authority, ending=EXPIRES_IN, main=True,
        replies=(reply(OAUTH), reply(_OAUTH_ERROR, _NO)),
    ),
    Step(
        "ACR exchange", azure.EXAMPLE_HOST, identities.a_client_secret, "/oauth2/exchange",
        azure.EXAMPLE_HOST, at_most=1, ending=_jwt_ending, main=True,
        replies=(
            reply({"refresh_token": f"{WITH_END}.{SECRET}"}),
            reply({"errors": [{"code": "UNAUTHORIZED", "message": SECRET}]}, _NO),
        ),
    ),
    Step(
        "Azure instance metadata", azure.EXAMPLE_HOST,
        identities.a_managed_identity_by_its_client_id, "/metadata/identity/oauth2/token",
        ending=json_ending("expires_in", lambda moment: str(seconds_left(moment))),
    ),
)  # fmt: skip
