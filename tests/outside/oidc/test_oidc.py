"""Another project's authorization server is Entra, Google's token endpoints and a job's issuer.

oidc-provider judges what a get sends to Entra: the client's secret, or the assertion that a
certificate's key or a workload signs (signature, algorithm, issuer, subject, audience, end, first
use). It judges a Google user's refresh token and client. jose judges a service account's assertion
and the subject token of a federation (signature, algorithm, issuer, audience, age, end). A secret
that a get gives has to be a live token of the server's for that client.

Not judged: a certificate's thumbprint, the resource that a scope of Entra's stands for, workloads
whose issuer is not the application, impersonation, metadata services, and the exchange of Azure's
registries, which only ours does here. The server has no error codes of Entra's.

Source: https://github.com/panva/node-oidc-provider
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.clouds import azure, google
from tests.clouds.authority import Authority, key_pem
from tests.clouds.fixtures import authority, proxy
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.server import LoopbackServer, Received, Reply, json_reply
from tests.support.executable import CLOSED_PORT, ROOT
from tests.support.machine import Machine, wait_until

__all__ = ["authority", "proxy"]

_NODE = shutil.which("node", path=os.environ.get("PATH"))
_PROGRAM = ROOT / "build/oidc/judge.mjs"

pytestmark = [
    pytest.mark.skipif(not _NODE, reason="node is not installed"),
    pytest.mark.skipif(
        not (_PROGRAM.parent / "node_modules").exists(),
        reason="oidc-provider is not in build/oidc: see .ci/run",
    ),
]

_TENANT = azure.TENANT_ID
_ENTRA = azure.PUBLIC.authority
_ISSUER = f"https://{_ENTRA}/{_TENANT}/v2.0"
_ENDPOINT = f"https://{_ENTRA}/{_TENANT}/oauth2/v2.0/token"
_WITH_SECRET, _WITH_KEY = azure.CLIENT_ID, azure.MANAGED_CLIENT_ID
_OAUTH = "oauth2.googleapis.com"
_USER, _USER_SECRET = "user.apps.example", "secret of a desktop application"
_CI = "ci.example"
_JOB_SECRET = "secret of a job"
_OTHER = "https://elsewhere.example"
_SCOPE = f"{azure.AUDIENCE}/.default"


class Judge:
    """The server's port, the refresh tokens that it has given, and its log."""

    def __init__(self, log: Path) -> None:
        self._log = log
        wait_until(self._lines)
        first = json.loads(self._lines()[0])
        self.port: int = first["port"]
        self.refresh_tokens: dict[str, str] = first["refreshTokens"]

    def verdict(self) -> dict[str, str]:
        """The outcome of the last request for a token."""
        verdict: dict[str, str] = json.loads(self._lines()[-1])
        return verdict

    def introspect(self, host: str, token: str, **client: str) -> dict[str, Any]:
        """What the server knows of a token of this client."""
        return self._post(host, "/token/introspection", {"token": token, **client})

    def job_token(self, audience: str = google.POOL) -> str:
        """A new identity token of a job."""
        form = {"grant_type": "refresh_token", "refresh_token": self.refresh_tokens[audience]}
        client = {"client_id": audience, "client_secret": _JOB_SECRET}
        return str(self._post(_CI, "/token", {**form, **client})["id_token"])

    def _post(self, host: str, path: str, form: dict[str, str]) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.port}{path}"
        reply = requests.post(url, form, headers={"Host": host}, timeout=30)
        assert reply.ok, reply.text
        document: dict[str, Any] = reply.json()
        return document

    def _lines(self) -> list[str]:
        """The lines of JSON; notices of the server stand between them."""
        return [line for line in self._log.read_text().splitlines() if line.startswith("{")]


class Registry(LoopbackServer):
    """The exchange of a registry of Azure's, which keeps the token that it was shown."""

    def __init__(self, authority: Authority) -> None:
        super().__init__()
        self._authority = authority
        self.shown = ""
        self.on("POST", "/oauth2/exchange", self._exchange)

    def _exchange(self, request: Received) -> Reply:
        self.shown = request.form["access_token"]
        return json_reply({"refresh_token": self._authority.token(3600)})


def _clients(authority: Authority) -> dict[str, Any]:
    keys = {"jwks": {"keys": [_jwk(authority.rsa_key.public_key())]}}
    issuer = {"jwks": {"keys": [_jwk(_issuer_key().public_key())]}}
    none = {"token_endpoint_auth_method": "none"}
    post = {"token_endpoint_auth_method": "client_secret_post"}
    credentials, refresh = ["client_credentials"], ["refresh_token", "authorization_code"]
    account = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    pool = "urn:ietf:params:oauth:grant-type:token-exchange"
    code = {"redirect_uris": ["https://localhost/"], "response_types": ["code"]}
    return {
        "entra": {
            "host": _ENTRA, "issuer": _ISSUER, "path": f"/{_TENANT}/oauth2/v2.0/token",
            "refresh": [], "scopes": [_SCOPE],
            "clients": [
                {"client_id": _WITH_SECRET, "client_secret": azure.CLIENT_SECRET, **post,
                 "grant_types": credentials},
                {"client_id": _WITH_KEY, "token_endpoint_auth_method": "private_key_jwt", **keys,
                 "grant_types": credentials},
            ],
        },
        "google": {
            "host": _OAUTH, "issuer": f"https://{_OAUTH}", "path": "/token", "refresh": [_USER],
            "clients": [
                {"client_id": _USER, "client_secret": _USER_SECRET, **post, **code,
                 "grant_types": refresh},
                {"client_id": google.PUSHER, **none, **keys, "grant_types": [account]},
                {"client_id": google.POOL, **none, **issuer, "grant_types": [pool]},
            ],
            "expected": {
                google.PUSHER: {"issuer": google.PUSHER, "audience": google.TOKEN_AUDIENCE},
                google.POOL: {"issuer": f"https://{_CI}", "audience": google.POOL},
            },
        },
        "ci": {
            "host": _CI, "issuer": f"https://{_CI}", "path": "/token",
            "refresh": [google.POOL, _OTHER], "jwks": {"keys": [_jwk(_issuer_key())]},
            "clients": [
                {"client_id": audience, "client_secret": _JOB_SECRET, **post, **code,
                 "grant_types": refresh}
                for audience in (google.POOL, _OTHER)
            ],
        },
    }  # fmt: skip


@cache
def _issuer_key() -> rsa.RSAPrivateKey:
    return _new_key()


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _jwk(key: rsa.RSAPrivateKey | rsa.RSAPublicKey) -> dict[str, Any]:
    return {**jwt.algorithms.RSAAlgorithm.to_jwk(key, as_dict=True), "kid": "1", "use": "sig"}


@pytest.fixture(scope="module")
def judge(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    folder = tmp_path_factory.mktemp("judge")
    log, questions = folder / "log", folder / "clients.json"
    questions.write_text(json.dumps(_clients(authority)))
    assert _NODE
    # Links are not followed: the libraries are beside the link.
    command = [_NODE, "--preserve-symlinks", "--preserve-symlinks-main", str(_PROGRAM)]
    with (
        questions.open() as stdin,
        log.open("w") as stdout,
        (folder / "errors").open("w") as stderr,
        subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr, env={}) as process,
    ):
        try:
            yield Judge(log)
        finally:
            process.kill()


@pytest.fixture
def registry(authority: Authority) -> Iterator[Registry]:
    with Registry(authority) as running:
        yield running


@pytest.fixture
def machine(judge: Judge, registry: Registry, proxy: TerminatingProxy, home: Path) -> Machine:
    for host in (_ENTRA, _OAUTH, "sts.googleapis.com"):
        proxy.tunnel(host, judge.port)
    proxy.route(azure.EXAMPLE_HOST, registry)
    return Machine(home, **proxy.environment(), AZURE_POD_IDENTITY_AUTHORITY_HOST=CLOSED_PORT)


def _refused(machine: Machine, host: str, **variables: str) -> str:
    """The code of the error that a get fails with."""
    found = re.search(r"\[(\S+)\]$", machine.fail(host, **variables).stderr, re.MULTILINE)
    assert found
    return found[1]


# --- Entra ----------------------------------------------------------------------------------------


def _application(client_id: str, **variables: str) -> dict[str, str]:
    return {"AZURE_TENANT_ID": _TENANT, "AZURE_CLIENT_ID": client_id, **variables}


def _assertion(key: rsa.RSAPrivateKey, **changes: object) -> str:
    now = int(time.time())
    who = {"iss": _WITH_KEY, "sub": _WITH_KEY, "aud": _ENDPOINT}
    claims = {**who, "jti": os.urandom(8).hex(), "iat": now, "exp": now + 300, **changes}
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": "1"})


def test_entra_takes_a_clients_secret_and_its_certificate(
    machine: Machine, judge: Judge, registry: Registry, authority: Authority
) -> None:
    """The certificate's key is also the one by which the server knows the second client."""
    secret = {"AZURE_CLIENT_SECRET": azure.CLIENT_SECRET}
    file = {"AZURE_CLIENT_CERTIFICATE_PATH": str(authority.client_identity_file())}
    chain = {**file, "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN": "true"}
    for client, variables in (_WITH_SECRET, secret), (_WITH_KEY, file), (_WITH_KEY, chain):
        done = machine.get(azure.EXAMPLE_HOST, **_application(client, **variables))
        assert done.status == 0, (done, judge.verdict())
        assert judge.verdict() == {"client": client}
        auth = {"client_id": client, "client_secret": azure.CLIENT_SECRET}
        if client == _WITH_KEY:
            auth = {
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": _assertion(authority.rsa_key, aud=_ISSUER),
            }
        known = judge.introspect(_ENTRA, registry.shown, **auth)
        assert (known["active"], known["client_id"], known["scope"]) == (True, client, _SCOPE)
        shutil.rmtree(machine.cache)


def test_entra_takes_a_workloads_assertion_once(
    machine: Machine, judge: Judge, authority: Authority
) -> None:
    file = machine.write("assertion", _assertion(authority.rsa_key))
    workload = _application(_WITH_KEY, AZURE_FEDERATED_TOKEN_FILE=str(file))
    first = machine.get(azure.EXAMPLE_HOST, **workload)
    assert first.status == 0, (first, judge.verdict())
    assert judge.verdict() == {"client": _WITH_KEY}
    assert machine.get(azure.EXAMPLE_HOST, **workload).credential == first.credential
    shutil.rmtree(machine.cache)
    assert _refused(machine, azure.EXAMPLE_HOST, **workload) == "acr.entra-refuses"
    assert judge.verdict()["detail"] == "client assertion tokens must only be used once"


def test_entras_refusals_are_denied(
    machine: Machine, judge: Judge, authority: Authority, tmp_path: Path
) -> None:
    """What a client shows, and what the server finds wrong with it."""
    key, other = authority.rsa_key, _new_key()
    another = str(Authority(tmp_path).client_identity_file())
    ended = _assertion(key, iat=1, exp=int(time.time()) - 20)
    elsewhere = _assertion(key, aud="https://elsewhere.example")
    cases = [
        (_WITH_SECRET, "SECRET", "wrong", "invalid secret provided"),
        (azure.MANAGED_OBJECT_ID, "SECRET", "wrong", "client not found"),
        (_WITH_KEY, "CERTIFICATE_PATH", another, "signature verification failed"),
        (_WITH_KEY, "TOKEN", _assertion(other), "signature verification failed"),
        (_WITH_KEY, "TOKEN", ended, "jwt expired"),
        (_WITH_KEY, "TOKEN", elsewhere, "audience (aud) must equal the endpoint url"),
        (_WITH_KEY, "TOKEN", _assertion(key, iss="https://ci.example"), "iss (JWT issuer) must be"),
    ]
    for client, shown, value, detail in cases:
        name = "AZURE_FEDERATED_TOKEN" if shown == "TOKEN" else f"AZURE_CLIENT_{shown}"
        code = _refused(machine, azure.EXAMPLE_HOST, **_application(client, **{name: value}))
        verdict = judge.verdict()
        assert (code, verdict["error"]) == ("acr.entra-refuses", "invalid_client"), shown
        assert detail in verdict["detail"], (shown, verdict)


# --- Google ---------------------------------------------------------------------------------------


def _named(machine: Machine, **info: object) -> dict[str, str]:
    name = f"{os.urandom(4).hex()}.json"
    return {"GOOGLE_APPLICATION_CREDENTIALS": str(machine.write(name, info))}


def _user(machine: Machine, judge: Judge, **changes: str) -> dict[str, str]:
    info = {"client_id": _USER, "client_secret": _USER_SECRET}
    info |= {"refresh_token": judge.refresh_tokens[_USER], "type": "authorized_user"}
    return _named(machine, **{**info, **changes})


def _account(machine: Machine, key: rsa.RSAPrivateKey, email: str) -> dict[str, str]:
    address = f"https://{_OAUTH}/token"
    info = {"private_key": key_pem(key), "client_email": email, "token_uri": address}
    return _named(machine, type="service_account", project_id="p", private_key_id="1", **info)


def _federated(machine: Machine, token: str, audience: str = google.POOL) -> dict[str, str]:
    return _named(
        machine,
        type="external_account",
        audience=audience,
        subject_token_type="urn:ietf:params:oauth:token-type:jwt",
        token_url="https://sts.googleapis.com/v1/token",
        credential_source={"file": str(machine.write(f"token-{hash(token)}", token))},
    )


def _is_live(judge: Judge, secret: str, client: str, scope: str, **auth: str) -> None:
    known = judge.introspect(_OAUTH, secret, client_id=client, **auth)
    assert (known["active"], known["client_id"], known["scope"]) == (True, client, scope)


def test_google_takes_a_user_a_service_account_and_a_workload(
    machine: Machine, judge: Judge, authority: Authority
) -> None:
    username, secret = machine.get(google.EXAMPLE_HOST, **_user(machine, judge)).credential
    assert username == google.USERNAME
    _is_live(judge, secret, _USER, "openid", client_secret=_USER_SECRET)
    account = _account(machine, authority.rsa_key, google.PUSHER)
    _, secret = machine.get(google.EXAMPLE_HOST, **account).credential
    _is_live(judge, secret, google.PUSHER, google.REGISTRY_SCOPE)


def test_google_takes_the_identity_token_of_a_job_from_a_file(
    machine: Machine, judge: Judge
) -> None:
    """By the option and by a credential file; a renewed token is the same identity."""
    host = google.EXAMPLE_HOST
    file = machine.write("job-token", judge.job_token())
    machine.settings(
        f'[gcr]\nid_token = "file:{file}"\nworkload_identity_provider = "{google.POOL}"\n'
    )
    first = machine.get(host)
    assert first.status == 0, (first, judge.verdict())
    _is_live(judge, first.credential[1], google.POOL, google.REGISTRY_SCOPE)
    file.write_text(judge.job_token())
    assert machine.get(host).credential == first.credential
    machine.settings("")
    done = machine.get(host, **_federated(machine, judge.job_token()))
    assert done.status == 0, (done, judge.verdict())
    _is_live(judge, done.credential[1], google.POOL, google.REGISTRY_SCOPE)


def test_googles_refusals_are_denied(machine: Machine, judge: Judge, authority: Authority) -> None:
    """An identity, the code of its error, and what the server finds wrong with it."""
    key, other = authority.rsa_key, _new_key()
    head, claims, signature = judge.job_token().split(".")
    forged = f"{head}.{claims}.{signature[:8]}{'A' * 8}{signature[16:]}"
    for_another = judge.job_token(_OTHER)
    whose = {"iss": f"https://{_CI}", "sub": "someone", "aud": google.POOL}
    ended = _assertion(_issuer_key(), **whose, exp=int(time.time()) - 20)
    cases = [
        (_user(machine, judge, client_secret="wrong"), "gcr.sign-in-refused", "invalid secret"),
        (_user(machine, judge, client_id="wrong"), "gcr.sign-in-refused", "client not found"),
        (_user(machine, judge, refresh_token="wrong"), "gcr.sign-in-refused", "token not found"),
        (_account(machine, other, google.PUSHER), "gcr.key-refused", "signature verification"),
        (_account(machine, key, google.TARGET), "gcr.key-refused", "client not found"),
        (_federated(machine, forged), "gcr.subject-token-not-accepted", "signature verification"),
        (_federated(machine, for_another), "gcr.subject-token-not-accepted", '"aud" claim'),
        (_federated(machine, ended), "gcr.subject-token-not-accepted", '"exp" claim'),
        (_federated(machine, head), "gcr.subject-token-not-accepted", "Invalid Compact JWS"),
    ]
    for variables, code, detail in cases:
        assert _refused(machine, google.EXAMPLE_HOST, **variables) == code
        assert detail in judge.verdict()["detail"]
