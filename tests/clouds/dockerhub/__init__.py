"""Docker's identity service on loopback, and GitHub's endpoint for the identity tokens of jobs.

Both are asked by their real names through a TerminatingProxy. GitHub's endpoint gives a token to a
job that has its request token. Docker's service verifies the signature, issuer and audience of that
token, and that a rule of the connection matches its subject. With the organization's name, its
access tokens are accepted at docker.io and dhi.io.

Sources:
  https://docs.github.com/actions/reference/security/oidc
  https://docs.docker.com/enterprise/security/oidc-connections/
  https://github.com/docker/login-action/blob/master/src/dockerhub.ts
"""

from __future__ import annotations

import secrets
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt

from tests.clouds.authority import Authority
from tests.clouds.ci import CiSystem
from tests.clouds.loopback import Loopback
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.clouds.server import LoopbackServer, Received, Reply, json_reply

EXAMPLE_HOST = "dhi.io"
HOSTS = ("docker.io", "index.docker.io", "registry-1.docker.io", EXAMPLE_HOST)
ORGANIZATION = "acme"
CONNECTION_ID = "6f1c1c0e-4b7a-4a39-9d0e-2d7cd011db47"
SUBJECT = "repo:acme/app:ref:refs/heads/main"
AUDIENCE = "https://identity.docker.com"
ISSUER = "https://token.actions.githubusercontent.com"
IDENTITY_HOST = "identity.docker.com"
GITHUB_HOST = "run.actions.githubusercontent.com"
REQUEST_URL = f"https://{GITHUB_HOST}/oidc/token?api-version=2.0"
PREFIX = "DOCKER_CREDENTIAL_MULTI_DOCKERHUB"


class DockerHub(LoopbackServer):
    asks_network = True
    expires = True
    runs_programs = False

    def __init__(self, authority: Authority) -> None:
        super().__init__()
        self._authority = authority
        self._jobs: dict[str, str] = {}
        self._id_tokens: set[str] = set()
        self._access: dict[str, str] = {}
        self._proxy: TerminatingProxy | None = None
        self.ci: CiSystem | None = None
        """The issuer that it trusts in place of its own."""
        self.exchanges = 0
        self.rules = {CONNECTION_ID: ["repo:acme/*"]}
        """The subjects that each connection accepts."""
        self.says_expiry = True
        """Whether an access token is a JSON web token, which says itself when it ends."""
        self.on("GET", "/oidc/token", self._id_token)
        self.on("POST", "/oauth/token", self._exchange)

    def register(self, proxy: TerminatingProxy) -> None:
        self._proxy = proxy
        for host in (IDENTITY_HOST, GITHUB_HOST):
            proxy.route(host, self)

    def identity(self, _folder: Path) -> dict[str, str]:
        """A job with the permission to ask for its identity token, and the connection."""
        proxied = self._proxy.environment() if self._proxy else {}
        return proxied | self.job() | self.connection()

    def job(self, subject: str = SUBJECT) -> dict[str, str]:
        request_token = secrets.token_urlsafe(32)
        self._jobs[request_token] = subject
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": REQUEST_URL,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": request_token,
        }

    def connection(self) -> dict[str, str]:
        return {"DOCKERHUB_OIDC_CONNECTIONID": CONNECTION_ID, f"{PREFIX}_USERNAME": ORGANIZATION}

    def id_token(
        self, subject: str = SUBJECT, audience: str = AUDIENCE, lives_s: float = 300
    ) -> str:
        token = self._authority.token(lives_s, iss=ISSUER, sub=subject, aud=audience)
        self._id_tokens.add(token)
        return token

    def issued(self, username: str, secret: str, host: str) -> bool:
        return (username, host in HOSTS) == (ORGANIZATION, True) and secret in self._access

    def subject_of(self, secret: str) -> str:
        """The job that an access token was given to."""
        return self._access[secret]

    def confidential(self) -> set[str]:
        return {*self._jobs, *self._id_tokens, *self._access}

    def _id_token(self, request: Received) -> Reply:
        assert (request.scheme, request.host) == ("https", GITHUB_HOST)
        assert request.query["api-version"] == "2.0"
        subject = self._jobs.get(request.bearer or "")
        if subject is None:
            return json_reply({"message": "unauthorized"}, 401)
        return json_reply({"count": 1, "value": self.id_token(subject, request.query["audience"])})

    def _exchange(self, request: Received) -> Reply:
        assert (request.scheme, request.host) == ("https", IDENTITY_HOST)
        assert "authorization" not in request.headers, "nothing but the form says who asks"
        form = request.form
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:token-exchange"
        assert form["subject_token_type"] == "urn:ietf:params:oauth:token-type:id_token"
        assert str(UUID(form["connection_id"])) == form["connection_id"]
        lives_s = int(form["expires_in"])
        assert 300 <= lives_s <= 21600
        try:
            claims = self._claims(form["subject_token"])
        except jwt.InvalidTokenError:
            return json_reply({"description": "the subject token is not valid"}, 401)
        rules = self.rules.get(form["connection_id"])
        if rules is None:
            return json_reply({"description": "the connection does not exist"}, 404)
        if not any(fnmatchcase(claims["sub"], rule) for rule in rules):
            return json_reply({"description": "no ruleset has the subject of the token"}, 403)
        self.exchanges += 1
        token = self._access_token(claims["sub"], lives_s)
        return json_reply({"access_token": token, "expires_in": lives_s})

    def _claims(self, token: str) -> dict[str, Any]:
        if self.ci is not None:
            return self.ci.claims(token, [AUDIENCE])
        key = self._authority.rsa_key.public_key()
        return jwt.decode(token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER)

    def _access_token(self, subject: str, lives_s: int) -> str:
        token = f"dckr_oat_{secrets.token_urlsafe(24)}"
        if self.says_expiry:
            token = self._authority.token(lives_s, sub=ORGANIZATION)
        self._access[token] = subject
        return token


def _start(authority: Authority) -> tuple[DockerHub, Registry]:
    hub = DockerHub(authority)
    return hub, Registry(hub.issued, auth="token")


_HOSTS = r"(?:index\.|registry-1\.)?docker\.io|dhi\.io"
LOOPBACK = Loopback("dockerhub", EXAMPLE_HOST, ORGANIZATION, _start, _HOSTS)
