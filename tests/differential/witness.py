"""Loopback clouds that put into each token the name of the identity that asked for it.

They check nothing (``tests.clouds`` does that). The same caller gets the same token each time, so
that two answers are equal exactly if the same identity got them.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from typing import ClassVar
from urllib.parse import unquote

from tests.clouds.server import LoopbackServer, Received, Reply, json_reply
from tests.clouds.tokens import base64url, from_base64url
from tests.support.requests import jwt

# The end of every token's life: the same in one run of the tests, hours away.
ENDS_AT = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=6)
_ISO = f"{ENDS_AT:%Y-%m-%dT%H:%M:%SZ}"


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


def azure_pipelines(request: Received) -> Reply:
    return json_reply({"oidcToken": jwt(iss=request.path, sub=request.bearer)})


class Witness(LoopbackServer):
    """A cloud with a ``name``, which distinguishes two; it refuses what it does not understand."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.on("GET", "/github/*", github)

    def handle(self, request: Received) -> Reply:
        try:
            return super().handle(request)
        except (AssertionError, LookupError, ValueError):
            return json_reply({"error": "invalid_request", "error_description": "no"}, 400)


class WitnessAws(Witness):
    """ECR, STS, SSO, container and instance metadata."""

    # Shared by both clouds: each names the owner of a key of the other, too.
    _keys: ClassVar[dict[str, str]] = {}

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.on("POST", "*", self._ecr)
        self.on("POST", "*", self._sts, host="sts*")
        self.on("POST", "/sts", self._sts)
        self.on("GET", "*/federation/credentials", self._sso)
        self.on("GET", "/container*", self._container)
        self.on("PUT", "/latest/api/token", lambda _: Reply(body=b"metadata"))
        self.on("GET", "/latest/meta-data/iam/security-credentials/*", self._metadata)

    def _who(self, request: Received) -> str:
        _, _, credential = request.headers["authorization"].partition("Credential=")
        key_id = credential.partition("/")[0]
        return self._keys.get(key_id, key_id)

    def _key(self, who: str) -> dict[str, str]:
        key_id = f"ASIA{sha1(who.encode()).hexdigest()[:16].upper()}"
        self._keys[key_id] = who
        return {"AccessKeyId": key_id, "SecretAccessKey": "secret", "Token": "token"}

    def _ecr(self, request: Received) -> Reply:
        _, _, credential = request.headers["authorization"].partition("Credential=")
        region, api = credential.split("/")[2:4]
        password = f"{self.name} {api} {region} {self._who(request)}"
        data = {
            "authorizationToken": base64.b64encode(f"AWS:{password}".encode()).decode(),
            "expiresAt": ENDS_AT.timestamp(),
            "proxyEndpoint": "https://registry.example",
        }
        public = "SpencerFrontend" in request.headers["x-amz-target"]
        return json_reply({"authorizationData": data if public else [data]})

    def _sts(self, request: Received) -> Reply:
        form = request.form
        action = form["Action"]
        web = action == "AssumeRoleWithWebIdentity"
        by = bearer(form["WebIdentityToken"]) if web else self._who(request)
        name = form["RoleSessionName"]
        session = "" if name.startswith(("botocore-session", "AWS-CLI")) else f" as {name}"
        key = self._key(f"{form['RoleArn']}{session} ({form.get('ExternalId', '')}) by {by}")
        text = (
            f"<{action}Response xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><{action}Result>"
            f"<Credentials><AccessKeyId>{key['AccessKeyId']}</AccessKeyId>"
            "<SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>"
            f"<Expiration>{_ISO}</Expiration></Credentials></{action}Result></{action}Response>"
        )
        return Reply(200, {"Content-Type": "text/xml"}, text.encode())

    def _sso(self, request: Received) -> Reply:
        # "user.renewal": what was renewed is the same user's.
        user = request.headers["x-amz-sso_bearer_token"].partition(".")[0]
        key = self._key(f"sso {request.query['account_id']} {request.query['role_name']} {user}")
        keys = {"accessKeyId": key["AccessKeyId"], "secretAccessKey": "secret"}
        life = {"sessionToken": "token", "expiration": int(ENDS_AT.timestamp() * 1000)}
        return json_reply({"roleCredentials": {**keys, **life}})

    def _container(self, request: Received) -> Reply:
        who = bearer(request.headers.get("authorization", ""))
        return json_reply({**self._key(f"container {request.path} {who}"), "Expiration": _ISO})

    def _metadata(self, request: Received) -> Reply:
        if request.path.endswith("/"):
            return Reply(body=b"node")
        answer = {"Code": "Success", "Expiration": _ISO}
        return json_reply({**self._key(f"instance of {self.name}"), **answer})


class WitnessGoogle(Witness):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.on("POST", "/token", self._oauth)
        self.on("POST", "/v1/token", self._sts)
        self.on("POST", "/v1/oauthtoken", lambda r: self._grant(self._refreshed(r.form)))
        self.on("POST", "*:generateAccessToken", self._impersonate)
        self.on("GET", "/subject-token*", self._subject_token)
        self.on("GET", "/computeMetadata/v1/*", self._metadata)
        self.on("GET", "/", lambda _: self._metadata_reply("computeMetadata/"))

    def token(self, who: str) -> str:
        return "ya29." + base64.urlsafe_b64encode(f"{self.name} {who}".encode()).decode()

    def _grant(self, who: str) -> Reply:
        token = {"access_token": self.token(who), "token_type": "Bearer", "expires_in": 3600}
        return json_reply(token)

    def _oauth(self, request: Received) -> Reply:
        form = request.form
        if form["grant_type"] == "refresh_token":
            return self._grant(self._refreshed(form))
        header, claims = map(json.loads, map(from_base64url, form["assertion"].split(".")[:2]))
        return self._grant(f"{claims['iss']} key {header.get('kid')}")

    @staticmethod
    def _refreshed(form: dict[str, str]) -> str:
        return f"user {form['refresh_token'].partition('.')[0]}"

    def _sts(self, request: Received) -> Reply:
        form = request.form
        token = form["subject_token"]
        if "aws4_request" in form["subject_token_type"]:
            call = json.loads(unquote(token))
            fields = {field["key"].lower(): field["value"] for field in call["headers"]}
            token = fields["authorization"].partition("Credential=")[2].partition("/")[0]
        return self._grant(f"{bearer(token)} at {form['audience']}")

    def _subject_token(self, request: Received) -> Reply:
        return json_reply({"value": jwt(iss=request.target, sub=request.bearer)})

    def _impersonate(self, request: Received) -> Reply:
        account = request.path.rpartition("/")[2].partition(":")[0]
        by = base64.urlsafe_b64decode((request.bearer or "").removeprefix("ya29.")).decode()
        delegates = " ".join(request.json.get("delegates") or [])
        token = self.token(f"{account} via {delegates} by {by}")
        return json_reply({"accessToken": token, "expireTime": _ISO})

    def _metadata(self, request: Received) -> Reply:
        path = request.path.removeprefix("/computeMetadata/v1/")
        if path == "universe/universe-domain":
            return self._metadata_reply("googleapis.com")
        account = f"node@{self.name}.iam.gserviceaccount.com"
        if path.endswith("/token"):
            token = {"access_token": self.token(account), "expires_in": 3600}
            return self._metadata_reply({**token, "token_type": "Bearer"})
        scope = "https://www.googleapis.com/auth/cloud-platform"
        return self._metadata_reply({"aliases": ["default"], "email": account, "scopes": [scope]})

    @staticmethod
    def _metadata_reply(value: object) -> Reply:
        headers = {"Metadata-Flavor": "Google", "Server": "Metadata Server for VM"}
        if isinstance(value, str):
            return Reply(200, {**headers, "Content-Type": "application/text"}, value.encode())
        return json_reply(value, 200, headers)


class WitnessAzure(Witness):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.on("GET", "/*/.well-known/openid-configuration", self._discovery)
        self.on("GET", "/metadata/identity/oauth2/token", self._managed)
        self.on("GET", "/metadata/versions", lambda _: json_reply({"apiVersions": []}))
        self.on("*", "/*/token", self._managed)
        self.on("POST", "*/oauth2/v2.0/token", self._token)
        self.on("POST", "/azure-pipelines/oidctoken", azure_pipelines)
        self.on("POST", "/oauth2/exchange", self._exchange)
        realm = {"ver": "1.0", "account_type": "Managed", "domain_name": "example"}
        self.on("GET", "/common/userrealm/*", lambda _: json_reply(realm))
        self.on("GET", "/common/discovery/instance", self._instances)

    def access(self, who: str, tenant: str = "tenant") -> str:
        return jwt(tid=tenant, who=f"{self.name} {who}", exp=int(ENDS_AT.timestamp()))

    def _instances(self, request: Received) -> Reply:
        host = request.query["authorization_endpoint"].split("/")[2]
        aliases = [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}]
        tenant = f"https://{host}/tenant/.well-known/openid-configuration"
        return json_reply({"tenant_discovery_endpoint": tenant, "metadata": aliases})

    def _discovery(self, request: Received) -> Reply:
        base = f"https://{request.host}/{request.path.split('/')[1]}"
        paths = {"authorization_endpoint": "/oauth2/v2.0/authorize", "issuer": "/v2.0"}
        paths["token_endpoint"] = "/oauth2/v2.0/token"
        return json_reply({name: base + path for name, path in paths.items()})

    def _token(self, request: Received) -> Reply:
        form = request.form
        by = form.get("client_secret") or form.get("username")
        by = by or bearer(form.get("client_assertion", ""))
        tenant = request.path.split("/")[1]
        who = f"{request.host} {tenant} {form['client_id']} {by} {form['scope']}"
        granted = self._granted(self.access(who, tenant))
        if form["grant_type"] != "password":
            return granted
        document = json.loads(granted.body)
        ids = {"uid": form["username"], "utid": tenant}
        document["client_info"] = base64url(json.dumps(ids).encode())
        now = int(ENDS_AT.timestamp())
        issuer = f"https://{request.host}/{tenant}/v2.0"
        claims = {"iss": issuer, "aud": form["client_id"], "tid": tenant, "sub": form["username"]}
        document["id_token"] = jwt(**claims, iat=now - 30000, exp=now, preferred_username="u")
        return json_reply(document)

    def _managed(self, request: Received) -> Reply:
        asked = {**request.query, **request.form}
        asked |= {name: request.headers.get(name, "") for name in ("x-identity-header", "secret")}
        return self._granted(self.access(f"{request.path} {sorted(asked.items())}"))

    @staticmethod
    def _granted(token: str) -> Reply:
        times = {"expires_in": "3600", "expires_on": str(int(ENDS_AT.timestamp()))}
        return json_reply({"access_token": token, "token_type": "Bearer", "resource": "", **times})

    def _exchange(self, request: Received) -> Reply:
        token = request.form["access_token"]
        claims = {"who": token, **json.loads(from_base64url(token.split(".")[1]))}
        asked = {"aud": request.host, "tenant": request.form.get("tenant", "")}
        times = {"exp": int(ENDS_AT.timestamp())}
        return json_reply({"refresh_token": jwt(who=claims["who"], **asked, **times)})


class WitnessHub(Witness):
    """Docker's identity service, and GitHub's endpoint: a job's request token is its subject."""

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
