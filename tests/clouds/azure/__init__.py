"""Azure on loopback: Entra, the services for managed identities, and the registries' exchange.

One server answers for all of them, by host and path: clients reach Entra and the registries by
their real names through a TerminatingProxy, and metadata services directly. It verifies a
certificate's signature, a federated token, the audience, and that it issued an access token itself,
for this cloud. `azure.exchange_at(registry)` adds the exchange to a registry that answers for the
same host.

Sources:
  https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
  https://learn.microsoft.com/entra/identity-platform/certificate-credentials
  https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
  https://learn.microsoft.com/azure/app-service/overview-managed-identity
  https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.clouds.authority import Authority
from tests.clouds.ci import CiSystem
from tests.clouds.loopback import Loopback
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.clouds.server import LoopbackServer, Received, Reply, json_reply
from tests.clouds.tokens import base64url

EXAMPLE_HOST = "myreg.azurecr.io"
AUDIENCE = "https://containerregistry.azure.net"
NULL_GUID = "00000000-0000-0000-0000-000000000000"
IDENTITY_TOKEN = "<token>"

TENANT_ID = "72f988bf-0000-4000-8000-2d7cd011db47"
CLIENT_ID = "11111111-2222-4333-8444-555555555555"
CLIENT_SECRET = "loopback~client.secret-of_the~application"
USERNAME, PASSWORD = "someone@contoso.example", "loopback password of someone"
# A user-assigned managed identity, by each of its names.
MANAGED_CLIENT_ID = "66666666-7777-4888-8999-000000000000"
MANAGED_OBJECT_ID = "99999999-aaaa-4bbb-8ccc-dddddddddddd"
MANAGED_RESOURCE_ID = (
    "/subscriptions/0/resourceGroups/g/providers/Microsoft.ManagedIdentity"
    "/userAssignedIdentities/loopback"
)
IDENTITY_HEADER = "loopback identity header"

# Longer than a test, so that no token is refreshed during one.
ACCESS_LIFE_S = 3600
REFRESH_LIFE_S = 3 * 3600


@dataclass(frozen=True)
class Cloud:
    """One Azure cloud: its authority, the issuer in its tokens, the domain of its registries."""

    authority: str
    issuer: str
    suffix: str


PUBLIC = Cloud("login.microsoftonline.com", "sts.windows.net", "azurecr.io")
CHINA = Cloud("login.chinacloudapi.cn", "sts.chinacloudapi.cn", "azurecr.cn")
GOVERNMENT = Cloud("login.microsoftonline.us", "login.microsoftonline.us", "azurecr.us")
BLEU = Cloud(
    "login.sovcloud-identity.fr", "login.sovcloud-identity.fr", "azurecr.sovcloud-azure.fr"
)
CLOUDS = (PUBLIC, CHINA, GOVERNMENT, BLEU)


@dataclass(frozen=True)
class Access:
    audience: str
    tenant_id: str
    cloud: Cloud


class Refusal(Exception):
    def __init__(self, code: int, error: str, description: str, status: int = 400) -> None:
        super().__init__(code)
        self._status = status
        self._document = {
            "error": error,
            "error_description": f"AADSTS{code}: {description} Trace ID: {uuid4()} "
            f"Correlation ID: {uuid4()} Timestamp: 2026-01-01 00:00:00Z",
            "error_codes": [code],
            "trace_id": str(uuid4()),
        }

    def reply(self) -> Reply:
        return json_reply(self._document, self._status)


class AzureCloud(LoopbackServer):
    """Every Azure service that a registry credential needs.

    Its keys are those of an authority, which tests may share: making keys takes a while.
    """

    asks_network = True
    expires = True
    runs_programs = True

    def __init__(
        self, authority: Authority | None = None, *, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(tls=tls)
        self._folder = TemporaryDirectory(prefix="azure-")
        authority = authority or Authority(Path(self._folder.name))
        self.exchanges = 0
        self.audience = AUDIENCE
        self.expects_chain = False
        self.system_assigned = True
        self.certificate_file = authority.client_identity_file()
        self.federated_token = authority.sign_jwt({"iss": "https://ci.example", "sub": "job"})
        self.ci: CiSystem | None = None
        """The issuer of the application's federated credentials, one for each of ``workloads``."""
        self.workloads: set[str] = set()
        self.federated_audience = "api://AzureADTokenExchange"
        self.authority = authority
        self._certificate = x509.load_pem_x509_certificate(self.certificate_file.read_bytes())
        self._proxy: TerminatingProxy | None = None
        self._access: dict[str, Access] = {}
        self._refresh: dict[str, str] = {}
        self.on("GET", "/*/v2.0/.well-known/openid-configuration", self._discovery)
        self.on("GET", "/common/discovery/instance", self._instance_discovery)
        self.on("POST", "/*/oauth2/v2.0/token", self._token)
        self.on("GET", "/common/userrealm/*", self._user_realm)
        self.on("GET", "/metadata/versions", self._metadata_versions)
        self.on("GET", "/metadata/identity/oauth2/token", self._imds)
        self.on("GET", "/app-service/token", self._app_service)
        self.on("GET", "/machine-learning/token", self._machine_learning)
        self.on("POST", "/cloud-shell/token", self._cloud_shell)
        self.on("GET", "/service-fabric/token", self._service_fabric)
        self.exchange_at(self)

    def close(self) -> None:
        super().close()
        self._folder.cleanup()

    # --- What tests ask for ---

    def confidential(self) -> set[str]:
        accepted = {CLIENT_SECRET, PASSWORD, IDENTITY_HEADER, self.federated_token}
        accepted |= self.ci.secrets if self.ci else set()
        return accepted | {*self.tokens(), *self._refresh}

    def register(self, proxy: TerminatingProxy) -> None:
        """Answer for every authority and every registry behind this proxy."""
        self._proxy = proxy
        for cloud in CLOUDS:
            proxy.route(cloud.authority, self)
            proxy.route(f"*.{cloud.suffix}", self)

    def exchange_at(self, server: LoopbackServer) -> None:
        """Have a server that is a registry itself answer the exchange as well."""
        server.on("POST", "/oauth2/exchange", self._exchange)

    def identity(self, folder: Path) -> dict[str, str]:
        return {**self.redirection(), **self.principal(), "AZURE_CLIENT_SECRET": CLIENT_SECRET}

    def redirection(self) -> dict[str, str]:
        """The variables that send clients of the real names here; they name no metadata service."""
        proxied = self._proxy.environment() if self._proxy else {}
        return {**proxied, "AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:9"}

    def principal(self) -> dict[str, str]:
        return {"AZURE_TENANT_ID": TENANT_ID, "AZURE_CLIENT_ID": CLIENT_ID}

    def az_answer(self, cloud: Cloud = PUBLIC) -> str:
        """The output of az for a new token."""
        token = {"accessToken": self.issue(AUDIENCE, cloud), "tokenType": "Bearer"}
        ends_at = {"expiresOn": "2099-01-01 00:00:00.000000", "expires_on": int(self._expires_on())}
        return json.dumps({**token, **ends_at, "tenant": TENANT_ID})

    def az_login(
        self, folder: Path, *, cloud: Cloud = PUBLIC, cloud_name: str = "AzureCloud"
    ) -> dict[str, str]:
        """An az on PATH with a login; it writes its arguments to a file."""
        program = self.program(folder, "az", f"cat <<'END'\n{self.az_answer(cloud)}\nEND")
        return program | self.az_profile(folder, cloud_name)

    def az_profile(self, folder: Path, cloud_name: str = "AzureCloud") -> dict[str, str]:
        """The files that az leaves in its folder after a login."""
        subscription = {"id": str(uuid4()), "name": "loopback", "isDefault": True}
        subscription |= {"tenantId": TENANT_ID, "environmentName": cloud_name}
        subscription["user"] = {"name": USERNAME, "type": "user"}
        config = folder / "azure"
        config.mkdir()
        profile = json.dumps({"installationId": str(uuid4()), "subscriptions": [subscription]})
        (config / "azureProfile.json").write_text(profile, encoding="utf-8-sig")
        (config / "config").write_text(f"[cloud]\nname = {cloud_name}\n")
        return {"AZURE_CONFIG_DIR": str(config)}

    def program(self, folder: Path, name: str, script: str) -> dict[str, str]:
        """Put a program on PATH that logs its arguments and then runs the shell script."""
        path = folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        log = folder / f"{name}.arguments"
        path.write_text(f'#!/bin/sh\necho "$@" >> "{log}"\n{script}\n')
        path.chmod(0o755)
        return {"PATH": f"{path.parent}:/usr/bin:/bin"}

    def issue(self, audience: str, cloud: Cloud, client_id: str = CLIENT_ID) -> str:
        """An access token that the registries of this cloud will know."""
        issuer, new = f"https://{cloud.issuer}/{TENANT_ID}/", self.authority.token
        token = new(ACCESS_LIFE_S, aud=audience, iss=issuer, tid=TENANT_ID, appid=client_id)
        self._access[token] = Access(audience, TENANT_ID, cloud)
        return token

    def issued(self, username: str, secret: str, host: str) -> bool:
        return username in (NULL_GUID, IDENTITY_TOKEN) and self._refresh.get(secret) == host

    def tokens(self) -> list[str]:
        return list(self._access)

    # --- Entra ---

    def _discovery(self, request: Received) -> Reply:
        try:
            tenant_id = self._tenant(request)
        except Refusal as refusal:
            return refusal.reply()
        base = f"https://{request.host}/{tenant_id}"
        paths = {"authorization_endpoint": "/oauth2/v2.0/authorize", "issuer": "/v2.0"}
        paths["token_endpoint"] = "/oauth2/v2.0/token"
        return json_reply({name: base + path for name, path in paths.items()})

    def _instance_discovery(self, request: Received) -> Reply:
        """Answer that Microsoft does not know an authority."""
        assert request.query["authorization_endpoint"].startswith("https://")
        return Refusal(50049, "invalid_instance", "Unknown or invalid instance.").reply()

    def _token(self, request: Received) -> Reply:
        assert request.scheme == "https"
        assert "authorization" not in request.headers, "nothing but the form says who asks"
        form = request.form
        try:
            self._tenant(request)
            self._authenticate(request, form)
            return self._grant(self._cloud(request.host), form)
        except Refusal as refusal:
            return refusal.reply()

    def _tenant(self, request: Received) -> str:
        tenant_id = request.path.split("/")[1]
        if tenant_id not in (TENANT_ID, "contoso.example", "organizations"):
            raise Refusal(90002, "invalid_tenant", f"Tenant '{tenant_id}' not found.")
        return tenant_id

    def _cloud(self, host: str) -> Cloud:
        # An authority on loopback stands for the public one.
        return next((cloud for cloud in CLOUDS if cloud.authority == host), PUBLIC)

    def _authenticate(self, request: Received, form: Mapping[str, str]) -> None:
        if form["client_id"] != CLIENT_ID:
            raise Refusal(700016, "unauthorized_client", "Application was not found.")
        if form["grant_type"] == "password":
            if (form["username"], form["password"]) != (USERNAME, PASSWORD):
                raise Refusal(50126, "invalid_grant", "Invalid username or password.")
            return
        assert form["grant_type"] == "client_credentials"
        if "client_secret" in form:
            if form["client_secret"] != CLIENT_SECRET:
                raise Refusal(7000215, "invalid_client", "Invalid client secret provided.", 401)
            return
        kind = form["client_assertion_type"].rpartition("urn:ietf:params:oauth:")[2]
        assert kind == "client-assertion-type:jwt-bearer"
        assertion = form["client_assertion"]
        if self.ci is not None:
            self._verify_workload(self.ci, assertion)
        elif assertion != self.federated_token:
            self._verify_certificate(assertion, f"https://{request.host}{request.path}")

    def _verify_workload(self, ci: CiSystem, assertion: str) -> None:
        """Accept the token of a workload that a federated credential names.

        Source: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
        """
        try:
            subject = ci.claims(assertion, [self.federated_audience])["sub"]
        except jwt.InvalidAudienceError:
            raise Refusal(700212, "invalid_client", "No match: audience.", 401) from None
        except jwt.ExpiredSignatureError:
            raise Refusal(700024, "invalid_client", "Not in its valid time.", 401) from None
        except jwt.InvalidTokenError:
            raise Refusal(700211, "invalid_client", "No match: issuer.", 401) from None
        if subject not in self.workloads:
            raise Refusal(700213, "invalid_client", "No match: subject.", 401)

    def _verify_certificate(self, assertion: str, token_endpoint: str) -> None:
        """Accept an assertion only if the registered certificate's key signed it for us."""
        try:
            header = jwt.get_unverified_header(assertion)
        except jwt.InvalidTokenError:
            text = "JWT token is invalid or malformed."
            raise Refusal(50027, "invalid_client", text, 401) from None
        thumbprint = self._certificate.fingerprint(hashes.SHA1())
        if header.get("x5t", "").rstrip("=") != base64url(thumbprint):
            raise Refusal(70021, "invalid_client", "No matching federated identity found.", 401)
        assert bool(header.get("x5c")) == self.expects_chain
        try:
            stated = jwt.decode(
                assertion,
                self.authority.rsa_key.public_key(),
                algorithms=["RS256"],
                audience=token_endpoint,
                options={"require": ["exp", "iss", "sub", "jti"]},
            )
        except jwt.InvalidTokenError:
            raise Refusal(700027, "invalid_client", "The signature is not valid.", 401) from None
        assert (stated["iss"], stated["sub"]) == (CLIENT_ID, CLIENT_ID)

    def _grant(self, cloud: Cloud, form: Mapping[str, str]) -> Reply:
        # MSAL adds the scopes that a user's login needs.
        scopes = set(form["scope"].split()) - {"openid", "profile", "offline_access"}
        assert scopes == {f"{self.audience}/.default"}
        document = {
            "token_type": "Bearer",
            "expires_in": ACCESS_LIFE_S,
            "access_token": self.issue(self.audience, cloud),
        }
        if form["grant_type"] == "password":
            ids = json.dumps({"uid": "someone", "utid": TENANT_ID}).encode()
            document["client_info"] = base64url(ids)
            document["id_token"] = self._id_token(cloud)
        return json_reply(document)

    def _id_token(self, cloud: Cloud) -> str:
        claims = {"iss": f"https://{cloud.authority}/{TENANT_ID}/v2.0", "aud": CLIENT_ID}
        claims |= {"tid": TENANT_ID, "sub": "someone", "preferred_username": USERNAME}
        return self.authority.token(ACCESS_LIFE_S, **claims)

    def _user_realm(self, request: Received) -> Reply:
        assert request.query == {"api-version": "1.0"}
        return json_reply({"ver": "1.0", "account_type": "Managed", "domain_name": "contoso"})

    # --- Managed identities ---

    def _metadata_versions(self, request: Received) -> Reply:
        assert request.headers.get("metadata") == "true"
        return json_reply({"apiVersions": ["2018-02-01", "2021-02-01"]})

    def _imds(self, request: Received) -> Reply:
        assert request.headers.get("metadata") == "true"
        asked = self._managed(request, "2018-02-01", resource_id="msi_res_id")
        if not asked:
            description = "Identity not found"
            return json_reply({"error": "invalid_request", "error_description": description}, 400)
        return json_reply({**self._managed_token(), "expires_in": str(ACCESS_LIFE_S)})

    def _app_service(self, request: Received) -> Reply:
        assert request.headers["x-identity-header"] == IDENTITY_HEADER
        if not self._managed(request, "2019-08-01", resource_id="mi_res_id"):
            return json_reply({"statusCode": 400, "message": "Unable to load the identity."}, 400)
        return json_reply({**self._managed_token(), "expires_on": self._expires_on()})

    def _machine_learning(self, request: Received) -> Reply:
        assert request.headers["secret"] == IDENTITY_HEADER
        assert request.query.pop("clientid", MANAGED_CLIENT_ID) == MANAGED_CLIENT_ID
        assert self._managed(request, "2017-09-01", resource_id="mi_res_id")
        return json_reply({**self._managed_token(), "expires_on": self._expires_on()})

    def _cloud_shell(self, request: Received) -> Reply:
        assert request.headers.get("metadata") == "true"
        assert request.form == {"resource": self.audience}
        return json_reply({**self._managed_token(), "expires_in": str(ACCESS_LIFE_S)})

    def _service_fabric(self, request: Received) -> Reply:
        assert request.scheme == "https"
        assert request.headers["secret"] == IDENTITY_HEADER
        assert self._managed(request, "2019-07-01-preview", resource_id="")
        return json_reply({**self._managed_token(), "expires_on": self._expires_on()})

    def _managed(self, request: Received, api_version: str, *, resource_id: str) -> bool:
        """Check a request for a managed identity; whether the machine has that identity."""
        assert request.target.startswith("/"), "a metadata service was asked through a proxy"
        asked = dict(request.query)
        assert asked.pop("api-version") == api_version
        assert asked.pop("resource") == self.audience
        if not asked:
            return self.system_assigned
        [(kind, value)] = asked.items()
        known = {
            "client_id": MANAGED_CLIENT_ID,
            "object_id": MANAGED_OBJECT_ID,
            resource_id: MANAGED_RESOURCE_ID,
        }
        assert kind in known
        return known[kind] == value

    def _managed_token(self) -> dict[str, object]:
        token = self.issue(self.audience, PUBLIC, MANAGED_CLIENT_ID)
        return {"access_token": token, "resource": self.audience, "token_type": "Bearer"}

    def _expires_on(self) -> str:
        return str(int(time.time()) + ACCESS_LIFE_S)

    # --- The registries ---

    def _exchange(self, request: Received) -> Reply:
        """Give a refresh token for an access token, which has to be in the form only."""
        assert request.scheme == "https"
        assert not {"authorization", "cookie"} & set(request.headers)
        form = request.form
        assert set(form) - {"tenant"} == {"grant_type", "service", "access_token"}
        assert form["grant_type"] == "access_token"
        assert form["service"] == request.host
        access = self._access.get(form["access_token"])
        assert access is not None, "a token was shown that this cloud did not issue"
        assert request.host.endswith(f".{access.cloud.suffix}"), "a token of another cloud"
        assert form.get("tenant", access.tenant_id) == access.tenant_id
        if access.audience != self.audience:
            errors = [{"code": "UNAUTHORIZED", "message": "authentication required"}]
            return json_reply({"errors": errors}, 401)
        return self._refresh_token(request.host, access)

    def _refresh_token(self, host: str, access: Access) -> Reply:
        claims = {"sub": CLIENT_ID, "aud": host, "iss": "Azure Container Registry"}
        claims |= {"tenant": access.tenant_id, "grant_type": "refresh_token"}
        token = self.authority.token(REFRESH_LIFE_S, **claims)
        self._refresh[token] = host
        self.exchanges += 1
        return json_reply({"refresh_token": token})


def _start(authority: Authority) -> tuple[AzureCloud, Registry]:
    cloud = AzureCloud(authority)
    registry = Registry(cloud.issued, auth="token", token_path="/oauth2/token")
    cloud.exchange_at(registry)
    return cloud, registry


_HOSTS = (
    r"(?!privatelink\.)(?=[^.]{1,63}\.)[a-z0-9]+(?:-[a-z0-9]+)?\.(?:[a-z0-9]{1,63}\.geo\.)?"
    r"azurecr\.(?:io|cn|us|de|sovcloud-azure\.(?:de|fr))"
)
LOOPBACK = Loopback("acr", EXAMPLE_HOST, NULL_GUID, _start, _HOSTS)
