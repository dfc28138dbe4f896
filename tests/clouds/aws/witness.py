"""AWS as a witness: its tokens have the name of the identity that asked for them."""

from __future__ import annotations

import base64
from hashlib import sha1
from typing import ClassVar

from tests.clouds import aws
from tests.clouds.server import Received, Reply, json_reply
from tests.differential.witness import ENDS_AT, ENDS_AT_ISO, Witness, bearer
from tests.support.identity import OPTION


class WitnessAws(Witness):
    """ECR, STS, SSO, container and instance metadata."""

    hosts = ("*.amazonaws.com", "*.api.aws")
    asked_for = (
        *(aws.EXAMPLE_HOST, aws.EXAMPLE_HOST.replace("us-east-1", "eu-west-1")),
        *(aws.EXAMPLE_HOST.replace(aws.ACCOUNT, "210987654321"), aws.PUBLIC_HOST),
    )
    settings: ClassVar = {
        f"{OPTION}ECR_ROLE_ARN": [f"arn:aws:iam::{aws.ACCOUNT}:role/{name}" for name in "ab"],
        f"{OPTION}ECR_PROFILE": ["dev", "base"],
        f"{OPTION}RULES": [
            f'[[rule]]\nmatch = "**.com"\nprofile = "{name}"' for name in ("dev", "base")
        ],
        "AWS_PROFILE": ["base", "default"],
        "AWS_DEFAULT_PROFILE": ["base", "dev"],
        "AWS_ROLE_SESSION_NAME": ["one", "two"],
        "AWS_SESSION_TOKEN": ["one", "two"],
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": ["true"],
    }

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
            f"<Expiration>{ENDS_AT_ISO}</Expiration></Credentials></{action}Result></{action}Response>"
        )
        return Reply(200, {"Content-Type": "text/xml"}, text.encode())

    def _sso(self, request: Received) -> Reply:
        user = request.headers["x-amz-sso_bearer_token"]
        key = self._key(f"sso {request.query['account_id']} {request.query['role_name']} {user}")
        keys = {"accessKeyId": key["AccessKeyId"], "secretAccessKey": "secret"}
        life = {"sessionToken": "token", "expiration": int(ENDS_AT.timestamp() * 1000)}
        return json_reply({"roleCredentials": {**keys, **life}})

    def _container(self, request: Received) -> Reply:
        who = bearer(request.headers.get("authorization", ""))
        return json_reply(
            {**self._key(f"container {request.path} {who}"), "Expiration": ENDS_AT_ISO}
        )

    def _metadata(self, request: Received) -> Reply:
        if request.path.endswith("/"):
            return Reply(body=b"node")
        answer = {"Code": "Success", "Expiration": ENDS_AT_ISO}
        return json_reply({**self._key(f"instance of {self.name}"), **answer})


WITNESS = WitnessAws
