"""A loopback Google: OAuth and STS token endpoints, IAM Credentials, metadata, and a gcloud.

Every assertion's signature is verified, this cloud has to have given every refresh and subject
token to an identity, and a token needs the scope for impersonation to impersonate. Identities are
the files and variables that google-auth reads; their addresses are on plain loopback where a file
can name them, and Google's own host names behind a proxy where the SDK leaves no choice.

Sources:
  https://developers.google.com/identity/protocols/oauth2/service-account#httprest
  https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
  https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
  https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.clouds.authority import Authority, key_pem
from tests.clouds.ci import CiSystem
from tests.clouds.loopback import LABEL, Loopback
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.clouds.server import LoopbackServer, Received, Reply, json_reply
from tests.clouds.tokens import from_base64url

EXAMPLE_HOST = "us-docker.pkg.dev"
USERNAME = "oauth2accesstoken"

# The scopes of tokens: for registries, for impersonation, for everything.
REGISTRY_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
PULL_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
IAM_SCOPE = "https://www.googleapis.com/auth/iam"
CLOUD_SCOPE = "https://www.googleapis.com/auth/cloud-platform"

# The hosts that no file and no variable can replace.
HOSTS = (
    "oauth2.googleapis.com",
    "sts.googleapis.com",
    "sts.mtls.googleapis.com",
    "iamcredentials.googleapis.com",
)
TOKEN_AUDIENCE = "https://oauth2.googleapis.com/token"
POOL = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/ci"

_MISMATCH = "The audience in ID Token [https://elsewhere] does not match the expected audience."
PUSHER = "pusher@loopback.iam.gserviceaccount.com"
TARGET = "target@loopback.iam.gserviceaccount.com"
NODE = "node@loopback.iam.gserviceaccount.com"
USER = "user@example.com"
WORKLOAD = "a workload"
MACHINE = "a workload with a certificate"


@dataclass(frozen=True)
class Token:
    """An access token that was issued: its identity, scopes and universe."""

    principal: str
    scopes: frozenset[str]
    universe_domain: str


def executable_answer(token: str, expires_at: int) -> dict[str, object]:
    """The output of a program that gives a subject token. Units: seconds since 1970."""
    return {
        "version": 1,
        "success": True,
        "token_type": "urn:ietf:params:oauth:token-type:jwt",
        "id_token": token,
        "expiration_time": expires_at,
    }


class GoogleCloud(LoopbackServer):
    asks_network = True
    expires = True
    runs_programs = True

    def __init__(self) -> None:
        super().__init__()
        self.secrets: set[str] = set()
        """All secrets that were issued; no message may show one."""
        self.universe_domain = "googleapis.com"
        self.service_account: str | None = NODE
        """The account attached to the machine."""
        self.lifetime_s: int | None = 3600
        """The lifetime of a token; ``None``: it is not stated."""
        self.impersonators = {(PUSHER, TARGET), (USER, TARGET), (WORKLOAD, TARGET), (NODE, TARGET)}
        """Pairs of an identity and a service account that it may impersonate."""
        self.ci: CiSystem | None = None
        """The issuer of the pool's provider, which accepts subjects of ``workloads``."""
        self.workloads = {WORKLOAD}
        self.web_audiences = [POOL, f"https:{POOL}"]
        """The allowed audiences of the provider."""
        self.audiences = {POOL}
        """What the token service calls the provider."""
        self.certificate = ""
        """A client certificate and its key, which the authority has signed."""
        self._key = _service_account_key()
        self._tokens: dict[str, Token] = {}
        self._refresh_tokens: dict[str, str] = {}
        self._subject_tokens: dict[str, str] = {}
        self._proxy: TerminatingProxy | None = None
        self._client_secret = self.secret("client")
        self._url_token = self.secret("header")
        self.on("POST", "/token", self._oauth)
        self.on("POST", "/v1/token", self._sts)
        self.on("POST", "/v1/oauthtoken", self._sts_refresh)
        self.on("POST", "/v1/projects/-/serviceAccounts/*:generateAccessToken", self._impersonate)
        self.on("GET", "/subject-token", self._subject_token)
        self.on("GET", "/", self._metadata_root)
        self.on("GET", "/computeMetadata/v1/*", self._metadata)

    # --- What tests and the demo set up ---------------------------------------------------------

    @property
    def exchanges(self) -> int:
        return len(self._tokens)

    def issued(self, username: str, secret: str, host: str) -> bool:
        token = self._tokens.get(secret)
        return (
            username == USERNAME
            and token is not None
            and not token.scopes.isdisjoint({REGISTRY_SCOPE, PULL_SCOPE, CLOUD_SCOPE})
            and token.universe_domain == "googleapis.com"
            and (host == "gcr.io" or host.endswith((".gcr.io", ".pkg.dev")))
        )

    def scopes(self, secret: str) -> frozenset[str]:
        return self._tokens[secret].scopes

    def principal(self, secret: str) -> str:
        return self._tokens[secret].principal

    def confidential(self) -> set[str]:
        return self.secrets | (self.ci.secrets if self.ci else set())

    def register(self, proxy: TerminatingProxy) -> None:
        self._proxy = proxy
        for host in HOSTS:
            proxy.route(host, self)

    def identity(self, folder: Path) -> dict[str, str]:
        """The simplest identity: a service account's key, and the proxy's variables."""
        if self._proxy is None:
            return self.service_account_key(folder)
        key = self.service_account_key(folder, token_uri="https://oauth2.googleapis.com/token")
        return {**self._proxy.environment(), **key}

    def secret(self, name: str) -> str:
        value = f"loopback-{name}-{secrets.token_urlsafe(12)}"
        self.secrets.add(value)
        return value

    def issue(self, principal: str, *scopes: str) -> str:
        """A new access token in the form of Google's."""
        token = f"ya29.{secrets.token_urlsafe(48)}"
        self.secrets.add(token)
        self._tokens[token] = Token(principal, frozenset(scopes), self.universe_domain)
        return token

    # --- Identities -----------------------------------------------------------------------------

    def service_account_info(self, **changes: object) -> dict[str, Any]:
        return {
            "type": "service_account", "project_id": "loopback", "private_key_id": "1",
            "private_key": self._key_pem(), "client_email": PUSHER,
            "token_uri": f"{self.url}/token", **changes,
        }  # fmt: skip

    def user_info(self, **changes: object) -> dict[str, Any]:
        """The file of a user's sign-in by gcloud; it cannot name a token endpoint."""
        refresh_token = self.secret("refresh-token")
        self._refresh_tokens[refresh_token] = USER
        return {
            "type": "authorized_user", "client_id": "loopback-client",
            "client_secret": self._client_secret, "refresh_token": refresh_token, "account": USER,
            **changes,
        }  # fmt: skip

    def federated_user_info(self, **changes: object) -> dict[str, Any]:
        return {
            **self.user_info(),
            "type": "external_account_authorized_user",
            "audience": "//iam.googleapis.com/locations/global/workforcePools/pool/providers/idp",
            "token_url": f"{self.url}/v1/oauthtoken",
            **changes,
        }

    def federated_info(self, source: Mapping[str, object], **changes: object) -> dict[str, Any]:
        """The configuration of a workload with a token of another issuer."""
        return {
            "type": "external_account", "audience": POOL,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": f"{self.url}/v1/token", "credential_source": dict(source), **changes,
        }  # fmt: skip

    def impersonated_info(self, source: Mapping[str, object], **changes: object) -> dict[str, Any]:
        return {
            "type": "impersonated_service_account",
            "service_account_impersonation_url": self.impersonation_url(TARGET, host="elsewhere"),
            "source_credentials": dict(source),
            **changes,
        }

    def impersonation_url(self, account: str, *, host: str = "") -> str:
        base = f"https://{host}" if host else self.url
        return f"{base}/v1/projects/-/serviceAccounts/{account}:generateAccessToken"

    def subject_token(self, principal: str = WORKLOAD) -> str:
        """A new token of another issuer, which STS accepts for that principal."""
        token = self.secret("subject-token")
        self._subject_tokens[token] = principal
        return token

    def url_source(self) -> dict[str, object]:
        """A credential source that is a URL, as on GitHub."""
        return {
            "url": f"{self.url}/subject-token?audience=loopback",
            "headers": {"Authorization": f"Bearer {self._url_token}"},
            "format": {"type": "json", "subject_token_field_name": "value"},
        }

    def named(self, folder: Path, info: object, name: str = "credential.json") -> dict[str, str]:
        """Write a credential file, and return the variable that names it."""
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(json.dumps(info))
        return {"GOOGLE_APPLICATION_CREDENTIALS": str(path)}

    def service_account_key(self, folder: Path, **changes: object) -> dict[str, str]:
        return self.named(folder, self.service_account_info(**changes))

    def machine(self) -> dict[str, str]:
        address = f"127.0.0.1:{self.port}"
        return {"NO_GCE_CHECK": "false", "GCE_METADATA_HOST": address, "GCE_METADATA_IP": address}

    def gcloud(self, folder: Path, script: str | None = None) -> dict[str, str]:
        configurations = folder / "gcloud-config" / "configurations"
        configurations.mkdir(parents=True, exist_ok=True)
        (configurations / "config_default").write_text(f"[core]\naccount = {USER}\n")
        (configurations.parent / "credentials.db").write_bytes(b"SQLite format 3\0")
        program = folder / "bin" / "gcloud"
        program.parent.mkdir(exist_ok=True)
        program.write_text("#!/bin/sh\n" + (script or f"echo {self.issue(USER, CLOUD_SCOPE)}\n"))
        program.chmod(0o755)
        return {
            "PATH": f"{program.parent}{os.pathsep}{os.defpath}",
            "CLOUDSDK_CONFIG": str(configurations.parent),
        }

    def _key_pem(self) -> str:
        pem = key_pem(self._key)
        self.secrets.update(line for line in pem.splitlines() if not line.startswith("-"))
        return pem

    # --- oauth2.googleapis.com ------------------------------------------------------------------

    def _oauth(self, request: Received) -> Reply:
        form = request.form
        if form["grant_type"] == "refresh_token":
            assert form["client_id"] == "loopback-client"
            assert form["client_secret"] == self._client_secret
            assert "scope" not in form, "a user's token has the scopes of the sign-in"
            return self._granted(self._refresh_tokens[form["refresh_token"]], CLOUD_SCOPE)
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        claims = self.verified(form["assertion"])
        assert claims["iss"] == PUSHER
        assert claims["aud"] == TOKEN_AUDIENCE
        assert abs(claims["iat"] - time.time()) < 60
        assert 0 < claims["exp"] - claims["iat"] <= 3600
        assert claims["scope"] in (REGISTRY_SCOPE, PULL_SCOPE, IAM_SCOPE)
        return self._granted(claims["iss"], claims["scope"])

    def verified(self, assertion: str) -> dict[str, Any]:
        """The claims of a JWT; its signature has to be the service account's."""
        signed, _, signature = assertion.rpartition(".")
        self._key.public_key().verify(
            from_base64url(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256()
        )
        header, claims = (json.loads(from_base64url(part)) for part in signed.split("."))
        assert header["alg"] == "RS256"
        assert isinstance(claims, dict)
        return claims

    def _granted(self, principal: str, *scopes: str) -> Reply:
        token = {"access_token": self.issue(principal, *scopes), "token_type": "Bearer"}
        life = {} if self.lifetime_s is None else {"expires_in": self.lifetime_s}
        return json_reply({**token, **life})

    # --- sts.googleapis.com ---------------------------------------------------------------------

    def _sts(self, request: Received) -> Reply:
        form = request.form
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:token-exchange"
        assert form["requested_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
        if form["audience"] not in self.audiences:
            text = 'The target service indicated by the "audience" parameters is invalid.'
            return _oauth_error("invalid_target", text)
        assert form["scope"] in (REGISTRY_SCOPE, PULL_SCOPE, IAM_SCOPE)
        match form["subject_token_type"].rpartition(":")[2]:
            case "jwt":
                token = form["subject_token"]
                if self.ci is not None and token not in self._subject_tokens:
                    return self._federated(self.ci, token, form["scope"])
                principal = self._subject_tokens[token]
            case "aws4_request":
                principal = self._of_aws(form["subject_token"])
            case kind:
                assert kind == "mtls"
                leaf = json.loads(form["subject_token"])[0]
                assert base64.b64decode(leaf, validate=True)
                principal = MACHINE
        return self._granted(principal, form["scope"])

    def _federated(self, ci: CiSystem, token: str, scope: str) -> Reply:
        """The answer of STS to a token of the provider's issuer.

        Source: https://cloud.google.com/iam/docs/troubleshooting-workload-identity-federation
        """
        try:
            principal = ci.claims(token, self.web_audiences)["sub"]
        except jwt.InvalidAudienceError:
            return _oauth_error("invalid_grant", _MISMATCH)
        except jwt.ExpiredSignatureError:
            text = "ID Token issued at 1 is stale to sign-in."
            return _oauth_error("invalid_grant", text)
        except jwt.InvalidTokenError:
            text = "The issuer in ID Token https://elsewhere does not match the expected ones"
            return _oauth_error("invalid_grant", text)
        if principal not in self.workloads:
            text = "The given credential is rejected by the attribute condition."
            return _oauth_error("unauthorized_client", text)
        return self._granted(principal, scope)

    def _of_aws(self, subject_token: str) -> str:
        """The principal of a GetCallerIdentity request that was signed and not sent."""
        call = json.loads(unquote(subject_token))
        headers = {field["key"].lower(): field["value"] for field in call["headers"]}
        assert call["method"] == "POST"
        assert headers["x-goog-cloud-target-resource"] == POOL
        assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=")
        return WORKLOAD

    def _sts_refresh(self, request: Received) -> Reply:
        assert request.basic == ("loopback-client", self._client_secret)
        assert request.form["grant_type"] == "refresh_token"
        return self._granted(self._refresh_tokens[request.form["refresh_token"]], CLOUD_SCOPE)

    def _subject_token(self, request: Received) -> Reply:
        assert request.bearer == self._url_token
        assert request.query == {"audience": "loopback"}
        return json_reply({"value": self.subject_token()})

    # --- iamcredentials.googleapis.com ----------------------------------------------------------

    def _impersonate(self, request: Received) -> Reply:
        assert request.bearer is not None
        source = self._tokens[request.bearer]
        account = request.path.rpartition("/")[2].partition(":")[0]
        [scope] = request.json["scope"]
        assert scope in (REGISTRY_SCOPE, PULL_SCOPE)
        assert not source.scopes.isdisjoint({IAM_SCOPE, CLOUD_SCOPE})
        chain = [*(request.json["delegates"] or []), account]
        for creator, impersonated in zip([source.principal, *chain], chain, strict=False):
            if (creator, impersonated) not in self.impersonators:
                return self.refusal(403, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED")
        seconds = timedelta(seconds=int(request.json["lifetime"].removesuffix("s")))
        expires = datetime.now(UTC) + seconds
        token = self.issue(account, scope)
        return json_reply({"accessToken": token, "expireTime": f"{expires:%Y-%m-%dT%H:%M:%SZ}"})

    @staticmethod
    def refusal(status: int, code: str, reason: str) -> Reply:
        """An error of Google's APIs. Source: https://google.aip.dev/193"""
        detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}
        error = {"code": status, "message": "no", "status": code, "details": [detail]}
        return json_reply({"error": error}, status)

    # --- metadata.google.internal ---------------------------------------------------------------

    def _metadata_root(self, request: Received) -> Reply:
        return _metadata_reply("computeMetadata/\n")

    def _metadata(self, request: Received) -> Reply:
        assert request.headers["metadata-flavor"] == "Google"
        assert "x-forwarded-for" not in request.headers, "Google's refuses forwarded requests"
        path = request.path.removeprefix("/computeMetadata/v1/")
        if path == "universe/universe-domain":
            return _metadata_reply(self.universe_domain)
        if self.service_account is None:
            return _metadata_reply("not found", 404)
        match path.removeprefix("instance/service-accounts/"):
            case "default/":
                assert request.query == {"recursive": "true"}
                names = {"aliases": ["default"], "email": self.service_account}
                return _metadata_reply({**names, "scopes": [CLOUD_SCOPE]})
            case "default/email":
                return _metadata_reply(self.service_account)
            case "default/token":
                scope = request.query["scopes"]
                assert scope in (REGISTRY_SCOPE, PULL_SCOPE, IAM_SCOPE)
                token = {"access_token": self.issue(self.service_account, scope)}
                life = {"expires_in": self.lifetime_s, "token_type": "Bearer"}
                return _metadata_reply({**token, **life})
        raise AssertionError(f"no identity needs the metadata {path}")


@cache
def _service_account_key() -> rsa.RSAPrivateKey:
    """The service account's key; making one takes a tenth of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _oauth_error(code: str, description: str) -> Reply:
    return json_reply({"error": code, "error_description": description}, 400)


def _metadata_reply(value: object, status: int = 200) -> Reply:
    """A reply of the metadata service: text as it is, everything else as JSON."""
    headers = {"Metadata-Flavor": "Google", "Server": "Metadata Server for VM"}
    if isinstance(value, str):
        return Reply(status, {**headers, "Content-Type": "application/text"}, value.encode())
    return json_reply(value, status, headers)


def _start(authority: Authority) -> tuple[GoogleCloud, Registry]:
    cloud = GoogleCloud()
    cloud.certificate = authority.client_identity_file().read_text()
    return cloud, Registry(cloud.issued, auth="token", token_path="/v2/token")


_HOSTS = (
    rf"(?:{LABEL}\.)?gcr\.io|(?:{LABEL}\.)+pkg\.dev"
    rf"|(?=docker\.|{LABEL}-docker\.){LABEL}\."
    r"(?:q?s3nsregistry\.fr|pkg-(?:berlin-build0|tpczero|tpcone)\.goog)"
)
LOOPBACK = Loopback("gcr", EXAMPLE_HOST, USERNAME, _start, _HOSTS)
