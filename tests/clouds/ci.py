"""A loopback CI system: the issuer of its jobs' identity tokens, and the ways to get one.

GitHub's and Azure Pipelines' endpoints give a token for a job's request token alone. A cloud whose
``ci`` is such a system verifies signature, issuer and audience, and looks at the subject.

Sources:
  https://docs.github.com/actions/reference/security/oidc
  https://learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create
  https://buildkite.com/docs/agent/v3/cli-oidc
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection
from functools import cache
from shlex import quote
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.clouds.server import LoopbackServer, Received, Reply, json_reply
from tests.support.programs import Programs

ISSUER = "https://ci.loopback.example"
GITHUB_PATH = "/github/token"
AZURE_PATH = "/azure-pipelines/oidctoken"
# The only audience of Azure Pipelines.
AZURE_AUDIENCE = "api://AzureADTokenExchange"
CONNECTION = "5ab1b1a6-0000-4000-8000-000000000001"


class CiSystem:
    """A CI system with its endpoints at a server; a subject identifies a job."""

    def __init__(self, server: LoopbackServer) -> None:
        self.server = server
        self.secrets: set[str] = set()
        """All tokens of jobs and for jobs: no message may show one."""
        self.lifetime_s = 600
        self.answers: str | None = None
        """What an endpoint gives in place of a token."""
        self._jobs: dict[str, str] = {}
        server.on("GET", GITHUB_PATH, self._github)
        server.on("POST", AZURE_PATH, self._azure_pipelines)

    def token(self, subject: str, audience: str | list[str], **claims: object) -> str:
        now = int(time.time())
        payload = {
            "iss": ISSUER, "sub": subject, "aud": audience, "iat": now,
            "exp": now + self.lifetime_s, "jti": secrets.token_hex(8), **claims,
        }  # fmt: skip
        text = jwt.encode(payload, _key(), algorithm="RS256")
        self.secrets.add(text)
        return text

    def claims(self, token: str, audiences: Collection[str]) -> dict[str, Any]:
        """The claims of a token of this system for one of these audiences.

        Raises: jwt.InvalidTokenError: the token is invalid.
        """
        return jwt.decode(
            token, _key().public_key(), algorithms=["RS256"], issuer=ISSUER, audience=audiences
        )

    def github(self, subject: str) -> dict[str, str]:
        """A job of GitHub Actions with the permission ``id-token: write``."""
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.server.url}{GITHUB_PATH}?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self._job(subject),
        }

    def azure_pipelines(self, subject: str) -> dict[str, str]:
        """A step of Azure Pipelines with its access token and a service connection."""
        return {
            "TF_BUILD": "True",
            "SYSTEM_OIDCREQUESTURI": f"{self.server.url}{AZURE_PATH}",
            "SYSTEM_ACCESSTOKEN": self._job(subject),
            "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": CONNECTION,
        }

    def buildkite(self, subject: str, audience: str, programs: Programs) -> dict[str, str]:
        """A job of Buildkite; its agent gives a token for this audience alone."""
        access_token = self._job(subject)
        programs.program(
            "buildkite-agent",
            '[ "$1 $2 $3" = "oidc request-token --audience" ] || exit 2\n'
            f'[ "$BUILDKITE_AGENT_ACCESS_TOKEN" = {access_token} ] || exit 3\n'
            f'[ "$4" = {quote(audience)} ] || {{ echo "fatal: $4: not allowed" >&2; exit 1; }}\n'
            f"echo {self.token(subject, audience)}",
        )
        return {
            "BUILDKITE": "true",
            "BUILDKITE_JOB_ID": secrets.token_hex(16),
            "BUILDKITE_AGENT_ACCESS_TOKEN": access_token,
        }

    def gitlab(self, subject: str, audience: str) -> dict[str, str]:
        """A job of GitLab with ``id_tokens`` of two audiences."""
        return {
            "GITLAB_CI": "true",
            "A_TOKEN": self.token(subject, "https://elsewhere.example"),
            "JOB_TOKEN": self.token(subject, audience),
        }

    def circleci(self, subject: str, programs: Programs | None = None) -> dict[str, str]:
        if programs:
            token = self.token(subject, "chosen")
            programs.program(
                "circleci",
                f'[ "$*" = \'run oidc get --claims {{"aud": "chosen"}}\' ] && echo {token}',
            )
        return {"CIRCLECI": "true", "CIRCLE_OIDC_TOKEN_V2": self.token(subject, "an organization")}

    def _job(self, subject: str) -> str:
        token = f"request-{secrets.token_hex(16)}"
        self._jobs[token] = subject
        self.secrets.add(token)
        return token

    def _github(self, request: Received) -> Reply:
        assert request.query["api-version"] == "2.0"
        subject = self._jobs.get(request.bearer or "")
        if subject is None:
            return json_reply({"message": "unauthorized"}, 401)
        audience = request.query["audience"]
        return json_reply({"count": 1, "value": self._given(subject, audience)})

    def _azure_pipelines(self, request: Received) -> Reply:
        assert request.query == {"api-version": "7.1", "serviceConnectionId": CONNECTION}
        assert request.headers["x-tfs-fedauthredirect"] == "Suppress"
        assert request.body == b""
        subject = self._jobs.get(request.bearer or "")
        if subject is None:
            return json_reply({"message": "unauthorized"}, 401)
        return json_reply({"oidcToken": self._given(subject, AZURE_AUDIENCE)})

    def _given(self, subject: str, audience: str) -> str:
        return self.token(subject, audience) if self.answers is None else self.answers


@cache
def _key() -> rsa.RSAPrivateKey:
    """The key of the issuer; making one takes a tenth of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)
