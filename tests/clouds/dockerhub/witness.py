"""Docker Hub as a witness: its tokens have the name of the identity that asked for them."""

from __future__ import annotations

from typing import ClassVar

from tests.clouds import dockerhub
from tests.clouds.server import Received, Reply, json_reply
from tests.differential.witness import ENDS_AT, Witness, bearer
from tests.support.identity import OPTION
from tests.support.requests import jwt

_OTHER_ID = "22222222-2222-2222-2222-222222222222"


class WitnessDockerHub(Witness):
    """Docker's identity service, and GitHub's endpoint: a job's request token is its subject."""

    hosts = (dockerhub.IDENTITY_HOST, dockerhub.GITHUB_HOST)
    asked_for = (dockerhub.EXAMPLE_HOST, "docker.io", "https://index.docker.io/v1/")
    settings: ClassVar = {
        "DOCKERHUB_OIDC_EXPIREIN": ["600", "700"],
        f"{dockerhub.PREFIX}_CONNECTION_ID": [_OTHER_ID],
        f"{OPTION}RULES": [f'[[rule]]\nmatch = "*.io"\nconnection_id = "{_OTHER_ID}"'],
    }

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.on("GET", "/oidc/token", self._id_token)
        self.on("POST", "/oauth/token", self._exchange)

    @staticmethod
    def _id_token(request: Received) -> Reply:
        audience = request.query["audience"]
        return json_reply({"value": jwt(iss="github", sub=request.bearer, aud=audience)})

    def _exchange(self, request: Received) -> Reply:
        form = request.form
        who = f"{bearer(form['subject_token'])} by {form['connection_id']} for {form['expires_in']}"
        return json_reply({"access_token": jwt(who=who, exp=int(ENDS_AT.timestamp()))})


WITNESS = WitnessDockerHub
