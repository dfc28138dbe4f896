"""Fuzzers of the clouds' replies: the real SDK asks, and a loopback server answers with the input.

The other requests get the right reply. The pauses of the SDKs between attempts take no time.
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from cred_helper import clouds, providers
from cred_helper.credential import Credential
from cred_helper.errors import CredentialError
from cred_helper.hosts import OPTIONAL_ZONES, route
from cred_helper.protocols import docker
from cred_helper.providers.common.interface import Deadline, IdToken, TokenRequest
from cred_helper.providers.common.timeout import _prepare_for_sdk
from cred_helper.server_url import ServerURL
from cred_helper.settings.settings import Settings
from tests.clouds.authority import Authority
from tests.clouds.loopback import loopbacks
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.server import Received, RoundTrip
from tests.faults.steps import STEPS, Step
from tests.fuzz.target import SECRET, Finding, Target, check_no_secret
from tests.support.executable import pinned_environment
from tests.support.machine import Machine

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
_NO = b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n\r\n"
# Every reply comes at once: a run that takes this long hangs.
_HUNG_S = 20.0


def _json(value: object, head: bytes = _OK) -> bytes:
    return head + json.dumps(value).encode()


_BASIC = base64.b64encode(f"AWS:{SECRET}".encode()).decode()
_OAUTH = {"access_token": SECRET, "token_type": "Bearer", "expires_in": 3600}
_OAUTH_ERROR = {"error": "invalid_grant", "error_description": f"AADSTS7000215: no {SECRET}"}
_STS = (
    "<AssumeRoleResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><AssumeRoleResult>"
    f"<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>"
    f"<SessionToken>{SECRET}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
    "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
)
_KEYS = {
    "Code": "Success", "AccessKeyId": "ASIA", "SecretAccessKey": SECRET, "Token": SECRET,
    "Expiration": "2099-01-01T00:00:00Z",
}  # fmt: skip
_EXAMPLES: dict[str, list[bytes]] = {
    "ECR API": [
        _json({"authorizationData": [{"authorizationToken": _BASIC, "expiresAt": 1.9e9}]}),
        _json({"__type": "x#AccessDeniedException", "message": f"User: {SECRET}"}, _NO),
    ],
    "STS AssumeRole": [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n" + _STS.encode(),
        b"HTTP/1.1 403 Forbidden\r\n\r\n<ErrorResponse><Error><Code>AccessDenied</Code><Message>"
        + SECRET.encode()
        + b"</Message></Error></ErrorResponse>",
    ],
    "container credentials": [_json(_KEYS), _json({"message": SECRET}, _NO)],
    "token endpoint, assertion": [_json(_OAUTH), _json(_OAUTH_ERROR, _NO)],
    "IAM credentials": [
        _json({"accessToken": SECRET, "expireTime": "2099-01-01T00:00:00Z"}),
        _json({"error": {"status": "PERMISSION_DENIED", "message": SECRET, "details": []}}, _NO),
    ],
    "metadata token": [
        _OK.replace(b"OK\r\n", b"OK\r\nMetadata-Flavor: Google\r\n") + json.dumps(_OAUTH).encode()
    ],
    "Entra token": [_json(_OAUTH), _json(_OAUTH_ERROR, _NO)],
    "Docker identity service": [
        _json({"access_token": f"e30.eyJleHAiOjE5MDAwMDAwMDB9.{SECRET}", "expires_in": 900}),
        _json({"description": SECRET}, _NO),
    ],
    "ACR exchange": [
        _json({"refresh_token": f"e30.eyJleHAiOjE5MDAwMDAwMDB9.{SECRET}"}),
        _json({"errors": [{"code": "UNAUTHORIZED", "message": SECRET}]}, _NO),
    ],
}


class Replies(Target):
    words = (
        b"HTTP/1.1 ", b"\r\n\r\n", b"\r\n", b"200", b"401", b"503", b"Content-Length: ",
        b"Transfer-Encoding: chunked\r\n", b"Content-Encoding: gzip\r\n", b"Location: //x/\r\n",
        b"null", b'""', b"{}", b"[]", b"1e999", b"-1", b"\\ud800", b"<", b">", b'"',
    )  # fmt: skip

    def __init__(self, cloud: str, step: Step) -> None:
        self.name = step.name.lower().replace(",", "").replace(" ", "-")
        self._step = step
        self._reply = b""
        self.answered = 0
        self.requests: list[Received] = []
        self._stack = ExitStack()
        provider = providers.load(cloud)
        assert provider is not None
        self._provider = provider
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        authority = Authority(folder)
        proxy = self._stack.enter_context(TerminatingProxy(authority))
        running = loopbacks()[cloud].start(authority)[0].__enter__()
        # It need not like what comes after an answer like these.
        self._stack.callback(running.close)
        running.register(proxy)
        running.fail(step.path, self._answer)
        environment = {
            **pinned_environment(folder),
            **proxy.environment(),
            **step.identity(Machine(folder), running),
        }
        self._change_process(environment)
        self._proxy, self._running = proxy, running
        registry = ServerURL.parse(step.registry)
        found = route(registry) or route(registry, OPTIONAL_ZONES)
        assert found is not None
        self._route = found
        row = clouds.find(cloud)
        self._options = Settings.load(environment).options(row, None, environment)
        self._id_token = IdToken(IdToken.OF_CI_JOB) if row.ci_option in self._options else None
        _prepare_for_sdk()

    def _change_process(self, environment: dict[str, str]) -> None:
        from botocore.utils import ContainerMetadataFetcher

        before, sleep, pause = dict(os.environ), time.sleep, ContainerMetadataFetcher.SLEEP_TIME

        def restore() -> None:
            os.environ.clear()
            os.environ.update(before)
            time.sleep = sleep
            ContainerMetadataFetcher.SLEEP_TIME = pause

        self._stack.callback(restore)
        os.environ.clear()
        os.environ.update(environment)
        time.sleep = lambda _seconds: None
        ContainerMetadataFetcher.SLEEP_TIME = 0  # its function to sleep is from before

    def _answer(self, trip: RoundTrip) -> None:
        trip.send(self._reply)

    def examples(self) -> list[bytes]:
        return _EXAMPLES[self._step.name]

    def check(self, data: bytes) -> None:
        self._reply = data
        deadline = Deadline(_HUNG_S, time.monotonic)
        request = TokenRequest(
            self._route, environ=dict(os.environ), deadline=deadline, options=self._options,
            id_token=self._id_token,
        )  # fmt: skip
        try:
            credential = self._provider.get(request, self._provider.identify(request))
        except CredentialError as error:
            check_no_secret(error)
        else:
            self._use(credential)
        if deadline.remaining_s() <= 0:
            raise Finding(f"{data!r} is waited for")
        if self._proxy.refused:
            raise Finding(f"{data!r} leads to {self._proxy.refused}")
        self.requests = self._running.received
        self._running._received.clear()

    def _use(self, credential: Credential) -> None:
        self.answered += 1
        rendered = docker.render_credential(ServerURL.parse(self._step.registry), credential)
        fields = json.loads(rendered)
        if not fields["Username"] or not fields["Secret"] or rendered.count(b"\n") != 1:
            raise Finding(f"{self._reply!r} is taken for {rendered!r}")
        expires_at = credential.expires_at
        if expires_at is not None and expires_at.utcoffset() is None:
            raise Finding(f"{self._reply!r} has no valid end")

    def figures(self) -> str:
        return f"{self.answered} answered with a credential"

    def close(self) -> None:
        self._stack.close()


STEPS_BY_NAME = {step.name: (cloud, step) for cloud, steps in STEPS.items() for step in steps}


def replies_at(name: str) -> Callable[[], Replies]:
    """Makes the fuzzer of one step, when the fuzzer is run."""
    return lambda: Replies(*STEPS_BY_NAME[name])


REPLIES = {name.lower().replace(",", "").replace(" ", "-"): replies_at(name) for name in _EXAMPLES}
