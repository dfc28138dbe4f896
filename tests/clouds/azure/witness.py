"""Azure as a witness: its tokens have the name of the identity that asked for them."""

from __future__ import annotations

import json
from typing import ClassVar

from tests.clouds import azure
from tests.clouds.server import Received, Reply, json_reply
from tests.clouds.tokens import base64url, from_base64url
from tests.differential.witness import ENDS_AT, Witness, bearer
from tests.support.identity import OPTION
from tests.support.requests import jwt

_OTHER_ID = "22222222-2222-2222-2222-222222222222"


def azure_pipelines(request: Received) -> Reply:
    return json_reply({"oidcToken": jwt(iss=request.path, sub=request.bearer)})


class WitnessAzure(Witness):
    hosts = ("*.microsoftonline.com", "*.microsoftonline.us", "*.windows.net", "*.azurecr.io")
    asked_for = (azure.EXAMPLE_HOST, "other.azurecr.io")
    settings: ClassVar = {
        f"{OPTION}ACR_TENANT_ID": [_OTHER_ID],
        f"{OPTION}ACR_CLIENT_ID": [_OTHER_ID],
        f"{OPTION}ACR_IDENTITY_TOKEN": ["true"],
        "AZURE_AUTHORITY_HOST": ["login.microsoftonline.us", "login.windows.net"],
        "AZURE_CLIENT_ID": [_OTHER_ID],
        "AZURE_TOKEN_CREDENTIALS": ["prod", "dev"],
    }
    logins: ClassVar = {
        "az": "${AZURE_CONFIG_DIR:-$HOME/.azure}",
        "azd": "${AZD_CONFIG_DIR:-$HOME/.azd}",
        "pwsh": "$HOME/.Azure",
    }

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


WITNESS = WitnessAzure
