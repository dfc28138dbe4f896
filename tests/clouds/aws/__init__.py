"""A loopback AWS: ECR and ECR Public, STS, SSO and sign-in, container and instance metadata.

Every signature is verified, every session token has to belong to its key, and the region and
service in the signature's scope have to be those of the host. The SDK is sent here by
`AWS_ENDPOINT_URL_*`, or by the proxy under AWS's own host names; `calls` says which API was asked,
where and by whom.

Sources:
  https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
  https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html
  https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
  https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from xml.sax.saxutils import escape

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.clouds.authority import Authority
from tests.clouds.ci import CiSystem
from tests.clouds.loopback import LABEL, Loopback
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.clouds.server import LoopbackServer, Received, Reply, json_reply
from tests.clouds.sigv4 import Key, Refused, signer
from tests.clouds.tokens import from_base64url

ACCOUNT = "123456789012"
EXAMPLE_HOST = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"
PUBLIC_HOST = "public.ecr.aws"
USERNAME = "AWS"

# Where AWS's APIs live, partition by partition: IPv4 only, then dual-stack.
ZONES = (
    *("amazonaws.com", "amazonaws.com.cn", "amazonaws.eu", "c2s.ic.gov", "sc2s.sgov.gov"),
    *("cloud.adc-e.uk", "csp.hci.ic.gov"),
    *("api.aws", "api.amazonwebservices.com.cn", "api.amazonwebservices.eu", "api.aws.ic.gov"),
    *("api.aws.scloud", "api.cloud-aws.adc-e.uk", "api.aws.hci.ic.gov"),
)

PRIVATE_TARGET = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
PUBLIC_TARGET = "SpencerFrontendService.GetAuthorizationToken"
STS_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"

INSTANCE_ROLE = "instance-role"
REGISTRATION = {"clientId": "loopback client", "clientSecret": "loopback-secret-of-the-client"}
START_URL = "https://loopback.awsapps.com/start"


@dataclass(frozen=True)
class Call:
    api: str
    host: str
    region: str
    principal: str


@dataclass
class Role:
    """A role and what it trusts: the ARNs of principals, and web identity tokens."""

    trusts: set[str] = field(default_factory=set)
    external_id: str | None = None
    mfa_code: str | None = None
    sessions: list[str] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)


class AwsCloud(LoopbackServer):
    asks_network = True
    expires = True
    runs_programs = True

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.keys: dict[str, Key] = {}
        self.roles: dict[str, Role] = {}
        self.forbidden: set[str] = set()
        """Principals whose policy does not allow a token."""
        self.expired_web_tokens: set[str] = set()
        self.ci: CiSystem | None = None
        """The identity provider of the account; roles trust subjects of its tokens."""
        self.web_audience = "sts.amazonaws.com"
        self.clock_ahead = timedelta()
        """How far this cloud's clock is ahead of the machine's."""
        self.secrets: set[str] = set()
        """Everything that only the caller it was issued to may see."""
        self.sso_assignments = {(ACCOUNT, "Puller")}
        self.container_token = self.secret("container token")
        self._issued: dict[str, tuple[str, str]] = {}
        self._principals: dict[str, str] = {}
        self._sso_tokens: set[str] = set()
        self._refresh_tokens: set[str] = set()
        self._sign_ins: dict[str, ec.EllipticCurvePublicKey] = {}
        self._metadata_tokens: set[str] = set()
        self.on("POST", "/", self._ecr)
        self.on("POST", "/", self._sts, host="sts*")
        self.on("POST", "/sts", self._sts)
        self.on("GET", "*/federation/credentials", self._sso)
        self.on("POST", "/token", self._oidc)
        self.on("POST", "/oidc/token", self._oidc)
        self.on("POST", "*/v1/token", self._sign_in)
        self.on("GET", "/container", self._container)
        self.on("PUT", "/latest/api/token", self._metadata_token)
        self.on("GET", "/latest/meta-data/iam/security-credentials/*", self._metadata)

    # --- What tests and the demo set up ---------------------------------------------------------

    @property
    def exchanges(self) -> int:
        return len(self.calls)

    def issued(self, username: str, secret: str, host: str) -> bool:
        return username == USERNAME and self._issued.get(secret) == _api_and_region(host)

    def principal(self, secret: str) -> str:
        return self._principals[secret]

    def confidential(self) -> set[str]:
        return self.secrets | (self.ci.secrets if self.ci else set())

    def register(self, proxy: TerminatingProxy) -> None:
        for zone in ZONES:
            proxy.route(f"*.{zone}", self)

    def redirection(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL_ECR": self.url,
            "AWS_ENDPOINT_URL_ECR_PUBLIC": self.url,
            "AWS_ENDPOINT_URL_STS": f"{self.url}/sts",
            "AWS_ENDPOINT_URL_SSO": f"{self.url}/sso",
            "AWS_ENDPOINT_URL_SSO_OIDC": f"{self.url}/oidc",
            "AWS_ENDPOINT_URL_SIGNIN": f"{self.url}/signin",
        }

    def identity(self, folder: Path) -> dict[str, str]:
        """The simplest identity that works: a key in the environment. The folder stays empty."""
        del folder
        return {**self.user("someone").environment(), **self.redirection()}

    def secret(self, of: str) -> str:
        value = f"loopback-{secrets.token_hex(8)}-{of.replace(' ', '-')}"
        self.secrets.add(value)
        return value

    def user(self, name: str) -> Key:
        return self._new_key(f"arn:aws:iam::{ACCOUNT}:user/{name}", None)

    def session(self, principal: str, lifetime: timedelta = timedelta(hours=1)) -> Key:
        return self._new_key(principal, self.now() + lifetime)

    def role(self, name: str, *trusts: Key | str) -> str:
        """A role that trusts these keys' principals and these tokens; its ARN."""
        arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        names = {who.principal if isinstance(who, Key) else who for who in trusts}
        self.roles[arn] = Role(names)
        return arn

    def start_sso(
        self, home: Path, session_name: str | None = None, *, expired: bool = False, **more: object
    ) -> Path:
        """Write the file of `aws sso login`, with the session's token."""
        token = self.secret("sso token")
        self._sso_tokens.add(token)
        document = {
            "startUrl": START_URL, "region": "us-east-1", "accessToken": token,
            "expiresAt": _iso(self.now() + timedelta(hours=-1 if expired else 8)), **more,
        }  # fmt: skip
        name = hashlib.sha1((session_name or START_URL).encode()).hexdigest()
        return _leave(home / ".aws" / "sso" / "cache" / f"{name}.json", document)

    def sso_renewal(self) -> dict[str, object]:
        token = self.secret("sso refresh token")
        self._refresh_tokens.add(token)
        until = _iso(self.now() + timedelta(days=30))
        return {**REGISTRATION, "refreshToken": token, "registrationExpiresAt": until}

    def sign_in(self, home: Path, session_name: str, lifetime: timedelta) -> Path:
        """Write the file of `aws login`: a key, and the refresh token that renews it."""
        key, ends_at = self.session(session_name, lifetime), _iso(self.now() + lifetime)
        private = ec.generate_private_key(ec.SECP256R1())
        refresh_token = self.secret("sign-in refresh token")
        self._sign_ins[refresh_token] = private.public_key()
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ).decode()
        document = {
            "accessToken": {**key.fields(), "accountId": ACCOUNT, "expiresAt": ends_at},
            "tokenType": "aws_sigv4",
            "clientId": "arn:aws:signin:::devtools/same-device",
            "refreshToken": refresh_token,
            "dpopKey": pem,
        }
        name = hashlib.sha256(session_name.encode()).hexdigest()
        return _leave(home / ".aws" / "login" / "cache" / f"{name}.json", document)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.clock_ahead

    def _new_key(self, principal: str, expires_at: datetime | None) -> Key:
        key = Key(
            ("AKIA" if expires_at is None else "ASIA") + secrets.token_hex(8).upper(),
            self.secret("key"),
            None if expires_at is None else self.secret("session token"),
            principal,
            expires_at,
        )
        self.keys[key.id] = key
        return key

    # --- ECR ------------------------------------------------------------------------------------

    def _ecr(self, request: Received) -> Reply:
        target = request.headers["x-amz-target"]
        assert target in (PRIVATE_TARGET, PUBLIC_TARGET)
        assert request.headers["content-type"] == "application/x-amz-json-1.1"
        # registryIds is deprecated: the token is for the principal, not for one registry.
        assert request.json == {} or "aws-sdk-go" in request.headers["user-agent"]
        api = "ecr" if target == PRIVATE_TARGET else "ecr-public"
        try:
            key, region = self._signer(request, api)
            if key.principal in self.forbidden:
                action = f"{api}:GetAuthorizationToken"
                raise Refused(
                    "AccessDeniedException",
                    f"User: {key.principal} is not authorized to perform: {action} on resource: * "
                    f"because no identity-based policy allows the {action} action",
                )
        except Refused as refused:
            return self._json_error(refused)
        if api == "ecr-public":
            assert region == "us-east-1", "the only region of ECR Public's API"
        self.calls.append(Call(api, request.host, region, key.principal))
        return json_reply({"authorizationData": self._authorization(api, region, key.principal)})

    def _authorization(self, api: str, region: str, principal: str = "") -> object:
        # With colons, so that a split at the wrong one fails a test.
        password = self.secret(f"{api} password") + ":with:colons"
        self._issued[password] = (api, region)
        self._principals[password] = principal
        token = base64.b64encode(f"{USERNAME}:{password}".encode()).decode()
        ends_at = (self.now() + timedelta(hours=12)).timestamp()
        data = {"authorizationToken": token, "expiresAt": ends_at}
        if api == "ecr-public":
            return data
        return [{**data, "proxyEndpoint": f"https://{ACCOUNT}.dkr.ecr.{region}.amazonaws.com"}]

    def _signer(self, request: Received, service: str) -> tuple[Key, str]:
        """The key that signed a request, and the region; region and service must be the host's."""
        key, signature = signer(request, self.keys, self.now())
        assert signature.service == service
        expected = _api_region(request.host)
        assert expected in (None, signature.region), (request.host, signature.region)
        return key, signature.region

    def _json_error(self, refused: Refused) -> Reply:
        body = {"__type": f"com.amazon.coral.service#{refused.code}", "message": refused.message}
        date = {"Date": format_datetime(self.now(), usegmt=True)}
        return json_reply(body, refused.status, date)

    # --- STS ------------------------------------------------------------------------------------

    def _sts(self, request: Received) -> Reply:
        form = request.form
        assert form["Version"] == "2011-06-15"
        actions: dict[str, Callable[[Received, Role], str]] = {
            "AssumeRole": self._assume_role,
            "AssumeRoleWithWebIdentity": self._assume_role_with_web_identity,
        }
        action, arn = form["Action"], form["RoleArn"]
        try:
            role = self.roles.get(arn)
            if role is None:
                raise Refused("AccessDenied", f"no such role: {arn}", 403)
            region = actions[action](request, role)
        except Refused as refused:
            return self._xml_error(refused)
        role.sessions.append(form["RoleSessionName"])
        role.regions.append(region)
        return self._assumed(action, arn, form["RoleSessionName"])

    def _assume_role(self, request: Received, role: Role) -> str:
        key, region = self._signer(request, "sts")
        if key.principal not in role.trusts or request.form.get("ExternalId") != role.external_id:
            text = f"User: {key.principal} is not authorized to perform: sts:AssumeRole"
            raise Refused("AccessDenied", f"{text} on resource: {request.form['RoleArn']}", 403)
        assert request.form.get("TokenCode") == role.mfa_code
        return region

    def _assume_role_with_web_identity(self, request: Received, role: Role) -> str:
        assert "authorization" not in request.headers, "the token is all there is to show"
        token = request.form["WebIdentityToken"]
        if token in self.expired_web_tokens:
            raise Refused("ExpiredTokenException", "Token expired: current date/time ...", 400)
        if token not in role.trusts and self._subject(token) not in role.trusts:
            raise Refused(
                "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403
            )
        return _api_region(request.host) or ""

    def _subject(self, token: str) -> str:
        if self.ci is None:
            return ""
        try:
            return str(self.ci.claims(token, [self.web_audience])["sub"])
        except jwt.InvalidAudienceError:
            raise Refused("InvalidIdentityToken", "Incorrect token audience", 400) from None
        except jwt.ExpiredSignatureError:
            raise Refused("ExpiredTokenException", "Token expired", 400) from None
        except jwt.InvalidTokenError:
            text = "No OpenIDConnect provider found in your account for https://elsewhere"
            raise Refused("InvalidIdentityToken", text, 400) from None

    def _assumed(self, action: str, arn: str, session_name: str) -> Reply:
        _, _, role_name = arn.partition(":role/")
        principal = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role_name}/{session_name}"
        key = self.session(principal)
        assert key.token is not None
        return _xml(
            f"<{action}Response xmlns='{STS_NAMESPACE}'><{action}Result><Credentials>"
            f"<AccessKeyId>{key.id}</AccessKeyId><SecretAccessKey>{key.secret}</SecretAccessKey>"
            f"<SessionToken>{key.token}</SessionToken>"
            f"<Expiration>{_iso(self.now() + timedelta(hours=1))}</Expiration></Credentials>"
            f"<AssumedRoleUser><Arn>{principal}</Arn><AssumedRoleId>AROA</AssumedRoleId>"
            f"</AssumedRoleUser></{action}Result></{action}Response>"
        )

    def _xml_error(self, refused: Refused) -> Reply:
        # STS has other error codes than the JSON APIs.
        code = {
            "UnrecognizedClientException": "InvalidClientTokenId",
            "InvalidSignatureException": "SignatureDoesNotMatch",
        }.get(refused.code, refused.code)
        return sts_error(code, refused.message, refused.status)

    # --- SSO and sign-in ------------------------------------------------------------------------

    def _sso(self, request: Received) -> Reply:
        assert "authorization" not in request.headers
        if request.headers["x-amz-sso_bearer_token"] not in self._sso_tokens:
            return _rest_error("UnauthorizedException", "Session token not found or invalid", 401)
        account, role = request.query["account_id"], request.query["role_name"]
        if (account, role) not in self.sso_assignments:
            return _rest_error("ForbiddenException", "No access", 403)
        lifetime = timedelta(hours=1)
        key = self.session(f"arn:aws:sts::{account}:assumed-role/{role}/someone", lifetime)
        ends_at_ms = int((self.now() + lifetime).timestamp() * 1000)
        return json_reply({"roleCredentials": {**key.fields(), "expiration": ends_at_ms}})

    def _oidc(self, request: Received) -> Reply:
        assert "authorization" not in request.headers
        form = request.json
        assert form["grantType"] == "refresh_token"
        assert {name: form[name] for name in REGISTRATION} == REGISTRATION
        if form["refreshToken"] not in self._refresh_tokens:
            return _rest_error("InvalidGrantException", "Invalid grant provided", 400)
        self._refresh_tokens.remove(form["refreshToken"])
        token, refresh_token = self.secret("sso token"), self.secret("sso refresh token")
        self._sso_tokens.add(token)
        self._refresh_tokens.add(refresh_token)
        answer = {"accessToken": token, "tokenType": "Bearer", "expiresIn": 28800}
        return json_reply({**answer, "refreshToken": refresh_token})

    def _sign_in(self, request: Received) -> Reply:
        assert "authorization" not in request.headers
        form = request.json
        assert form["grantType"] == "refresh_token"
        public_key = self._sign_ins.pop(form["refreshToken"], None)
        if public_key is None:
            body = {"error": "TOKEN_EXPIRED", "message": "The refresh token has expired"}
            return json_reply(body, 403, {"x-amzn-ErrorType": "AccessDeniedException"})
        _verify_proof(request, public_key)
        refresh_token = self.secret("sign-in refresh token")
        self._sign_ins[refresh_token] = public_key
        key = self.session(f"arn:aws:iam::{ACCOUNT}:user/signed-in", timedelta(minutes=15))
        answer = {"accessToken": key.fields(), "tokenType": "aws_sigv4", "expiresIn": 900}
        return json_reply({**answer, "refreshToken": refresh_token})

    # --- The machine's own ----------------------------------------------------------------------

    def container(self) -> dict[str, str]:
        """The variables of a container with a role, its token in the environment."""
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.url}/container",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": self.container_token,
        }

    def instance(self) -> dict[str, str]:
        return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": self.url, "AWS_EC2_METADATA_DISABLED": "false"}

    def _container(self, request: Received) -> Reply:
        if request.headers.get("authorization") != self.container_token:
            return json_reply({"message": "token is wrong"}, 401)
        return self._machine_credentials("container-role")

    def _metadata_token(self, request: Received) -> Reply:
        assert request.headers["x-aws-ec2-metadata-token-ttl-seconds"] == "21600"
        token = self.secret("metadata token")
        self._metadata_tokens.add(token)
        return Reply(headers={"Server": "EC2ws"}, body=token.encode())

    def _metadata(self, request: Received) -> Reply:
        assert "authorization" not in request.headers
        if request.headers.get("x-aws-ec2-metadata-token") not in self._metadata_tokens:
            return Reply(401, {"Server": "EC2ws"})
        if request.path.endswith("/"):
            return Reply(headers={"Server": "EC2ws"}, body=INSTANCE_ROLE.encode())
        assert request.path.endswith(f"/{INSTANCE_ROLE}")
        return self._machine_credentials(INSTANCE_ROLE)

    def _machine_credentials(self, role: str) -> Reply:
        key = self.session(f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/i-0123456789abcdef0")
        keys = {"AccessKeyId": key.id, "SecretAccessKey": key.secret, "Token": key.token}
        ends_at = _iso(self.now() + timedelta(hours=6))
        return json_reply({**keys, "Code": "Success", "Expiration": ends_at})


def _api_and_region(registry_host: str) -> tuple[str, str]:
    """The API that issues tokens for a registry, and the region it has to be asked in."""
    if registry_host in (PUBLIC_HOST, "ecr-public.aws.com"):
        return "ecr-public", "us-east-1"
    labels = registry_host.split(".")
    assert labels[1] in ("dkr", "dkr-ecr", "dkr-ecr-fips"), registry_host
    return "ecr", labels[3] if labels[1] == "dkr" else labels[2]


def _api_region(host: str) -> str | None:
    """The region in an API's host name; None for this cloud's own address, which has none."""
    if host.startswith("127.0.0.1:"):
        return None
    if host == "sts.amazonaws.com":  # the global endpoint of STS
        return "us-east-1"
    labels = host.split(".")
    return labels[2] if labels[0] in ("api", "portal") else labels[1]


def _verify_proof(request: Received, public_key: ec.EllipticCurvePublicKey) -> None:
    """Check the proof that a renewal comes from the client that signed in.

    Source: https://www.rfc-editor.org/rfc/rfc9449#section-4.3
    """
    header, payload, signature = request.headers["dpop"].split(".")
    numbers = public_key.public_numbers()
    jwk = json.loads(from_base64url(header))["jwk"]
    assert int.from_bytes(from_base64url(jwk["x"])) == numbers.x
    assert int.from_bytes(from_base64url(jwk["y"])) == numbers.y
    claims = json.loads(from_base64url(payload))
    assert claims["htm"] == "POST"
    assert claims["htu"] == f"{request.scheme}://{request.host}{request.path}"
    halves = from_base64url(signature)
    assert len(halves) == 64
    der = encode_dss_signature(int.from_bytes(halves[:32]), int.from_bytes(halves[32:]))
    public_key.verify(der, f"{header}.{payload}".encode(), ec.ECDSA(hashes.SHA256()))


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _leave(path: Path, document: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    path.chmod(0o600)
    return path


def _xml(text: str, status: int = 200) -> Reply:
    return Reply(status, {"Content-Type": "text/xml"}, text.encode())


def sts_error(code: str, message: str, status: int = 400) -> Reply:
    return _xml(
        f"<ErrorResponse xmlns='{STS_NAMESPACE}'><Error><Type>Sender</Type><Code>{code}</Code>"
        f"<Message>{escape(message)}</Message></Error></ErrorResponse>",
        status,
    )


def _rest_error(code: str, message: str, status: int) -> Reply:
    return json_reply({"message": message}, status, {"x-amzn-ErrorType": code})


def _start(_: Authority) -> tuple[AwsCloud, Registry]:
    cloud = AwsCloud()
    return cloud, Registry(cloud.issued, auth="basic")


# region → (suffix, dual-stack suffix); the last row is the aws partition, which owns the rest.
_AWS = [
    (r"cn-", r"amazonaws\.com\.cn", r"on\.amazonwebservices\.com\.cn"),
    (r"us-gov-", r"amazonaws\.com", r"on\.aws"),
    (r"us-iso-", r"c2s\.ic\.gov", r"on\.aws\.ic\.gov"),
    (r"us-isob-", r"sc2s\.sgov\.gov", r"on\.aws\.scloud"),
    (r"eu-isoe-", r"cloud\.adc-e\.uk", r"on\.cloud-aws\.adc-e\.uk"),
    (r"us-isof-", r"csp\.hci\.ic\.gov", r"on\.aws\.hci\.ic\.gov"),
    (r"eusc-", r"amazonaws\.eu", r"on\.amazonwebservices\.eu"),
    (r"(?!cn-|us-gov-|us-iso-|us-isob-|eu-isoe-|us-isof-|eusc-)", r"amazonaws\.com", r"on\.aws"),
]
_HOSTS = "|".join(
    [r"public\.ecr\.aws", r"ecr-public\.aws\.com"]
    + [
        rf"[0-9]{{12}}\.(?:dkr\.ecr(?:-fips)?\.(?={prefix}){LABEL}\.{suffix}"
        rf"|dkr-ecr(?:-fips)?\.(?={prefix}){LABEL}\.{dual})"
        for prefix, suffix, dual in _AWS
    ]
)
LOOPBACK = Loopback("ecr", EXAMPLE_HOST, USERNAME, _start, _HOSTS)
