"""The toy cloud on loopback: one token endpoint, by its real name behind a TerminatingProxy."""

from __future__ import annotations

import secrets
from pathlib import Path

from tests.clouds.authority import Authority
from tests.clouds.loopback import LABEL, Loopback
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.clouds.server import LoopbackServer, Received, Reply, json_reply

EXAMPLE_HOST = "team.registry.toy.example"
TOKEN_HOST = "token.toy.example"
USERNAME = "toy"


class ToyCloud(LoopbackServer):
    asks_network = True
    expires = True
    runs_programs = False

    def __init__(self) -> None:
        super().__init__()
        self.key = secrets.token_urlsafe(32)
        self.exchanges = 0
        self._tokens: dict[str, tuple[str, str]] = {}
        self.on("POST", "/v1/token", self._token)

    def register(self, proxy: TerminatingProxy) -> None:
        proxy.route(TOKEN_HOST, self)

    def identity(self, _folder: Path) -> dict[str, str]:
        return {"TOY_KEY": self.key}

    def issued(self, username: str, secret: str, host: str) -> bool:
        registry, _ = self._tokens.get(secret, ("", ""))
        return (username, host) == (USERNAME, f"{registry}.registry.toy.example")

    def principal(self, secret: str) -> str:
        """The account that a token was given to."""
        return self._tokens[secret][1]

    def confidential(self) -> set[str]:
        return {self.key, *self._tokens}

    def _token(self, request: Received) -> Reply:
        assert (request.scheme, request.host) == ("https", TOKEN_HOST)
        assert request.form.keys() == {"account", "registry"}
        if request.bearer != self.key:
            return json_reply({"error": "no such key"}, 401)
        self.exchanges += 1
        token = secrets.token_urlsafe(32)
        self._tokens[token] = (request.form["registry"], request.form["account"])
        return json_reply({"access_token": token, "expires_in": 43200})


def _start(_: Authority) -> tuple[ToyCloud, Registry]:
    cloud = ToyCloud()
    return cloud, Registry(cloud.issued, auth="basic")


_HOSTS = rf"{LABEL}\.registry\.toy\.example"
LOOPBACK = Loopback("toycloud", EXAMPLE_HOST, USERNAME, _start, _HOSTS)
