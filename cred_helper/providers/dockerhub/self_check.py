"""Docker's side of a loopback exchange: an identity token by a made-up connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cred_helper.providers.common import loopback
from cred_helper.providers.common.loopback import ReceivedRequest

_CONNECTION = "33333333-3333-4333-8333-333333333333"
_VARIABLE = "SELF_CHECK_ID_TOKEN"


class SelfCheck:
    options: Mapping[str, str] = {
        "connection_id": _CONNECTION,
        "username": "self-check",
        "id_token": f"env:{_VARIABLE}",
    }

    def __init__(self) -> None:
        self.secret = loopback.secret()
        self._id_token = loopback.token(iss="https://self-check", aud="self-check")

    def environ(self, _keep: Callable[[str, bytes], str]) -> dict[str, str]:
        return {_VARIABLE: self._id_token}

    def answer(self, asked: ReceivedRequest) -> object | None:
        given = (asked.form.get("subject_token"), asked.form.get("connection_id"))
        if asked.path != "/oauth/token" or given != (self._id_token, _CONNECTION):
            return None
        return {"access_token": self.secret, "expires_in": loopback.LIFETIME_S}
