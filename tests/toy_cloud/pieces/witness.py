"""The toy cloud as a witness: its tokens have the name of the identity that asked for them."""

from __future__ import annotations

from typing import ClassVar

from tests.clouds.server import Received, Reply, json_reply
from tests.differential.witness import Witness
from tests.support.identity import OPTION

from . import EXAMPLE_HOST, TOKEN_HOST


class WitnessToy(Witness):
    hosts = (TOKEN_HOST,)
    asked_for = (EXAMPLE_HOST, "other.registry.toy.example")
    settings: ClassVar = {f"{OPTION}TOYCLOUD_ACCOUNT": ["one", "two"]}
    renews = False

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.on("POST", "/v1/token", self._token)

    def _token(self, request: Received) -> Reply:
        account, registry = request.form["account"], request.form["registry"]
        token = f"{account}/{registry}/{request.bearer}"
        return json_reply({"access_token": token, "expires_in": 43200})


WITNESS = WitnessToy
