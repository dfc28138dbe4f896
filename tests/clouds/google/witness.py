"""Google as a witness: its tokens have the name of the identity that asked for them."""

from __future__ import annotations

import base64
import json
from typing import ClassVar
from urllib.parse import unquote

from tests.clouds import google
from tests.clouds.server import Received, Reply, json_reply
from tests.clouds.tokens import from_base64url
from tests.differential.witness import ENDS_AT_ISO, Witness, bearer
from tests.support.identity import OPTION
from tests.support.requests import jwt

_ACCOUNTS = [f"{name}@p.iam.gserviceaccount.com" for name in ("one", "two")]


class WitnessGoogle(Witness):
    hosts = ("*.googleapis.com",)
    asked_for = (google.EXAMPLE_HOST, "gcr.io", "eu.gcr.io")
    settings: ClassVar = {
        f"{OPTION}GCR_IMPERSONATE": _ACCOUNTS,
        "CLOUDSDK_CORE_ACCOUNT": ["one@example.com", "two@example.com"],
        "CLOUDSDK_ACTIVE_CONFIG_NAME": ["other"],
        "CLOUDSDK_AUTH_ACCESS_TOKEN": ["ya29.one"],
        "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT": _ACCOUNTS,
    }
    logins: ClassVar = {"gcloud": "${CLOUDSDK_CONFIG:-$HOME/.config/gcloud}"}

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
        return json_reply({"accessToken": token, "expireTime": ENDS_AT_ISO})

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


WITNESS = WitnessGoogle
