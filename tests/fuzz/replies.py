"""Fuzzers of the clouds' replies: the real SDK asks, and a loopback server answers with the input.

The other requests get the right reply. The pauses of the SDKs between attempts take no time.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from contextlib import ExitStack
from functools import partial
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
from tests.faults.step import Step
from tests.faults.steps import STEPS
from tests.fuzz.target import Finding, Target, check_no_secret
from tests.support.executable import pinned_environment
from tests.support.machine import Machine

# Every reply comes at once: a run that takes this long hangs.
_HUNG_S = 20.0


class Replies(Target):
    words = (
        b"HTTP/1.1 ", b"\r\n\r\n", b"\r\n", b"200", b"401", b"503", b"Content-Length: ",
        b"Transfer-Encoding: chunked\r\n", b"Content-Encoding: gzip\r\n", b"Location: //x/\r\n",
        b"null", b'""', b"{}", b"[]", b"1e999", b"-1", b"\\ud800", b"<", b">", b'"',
    )  # fmt: skip

    def __init__(self, cloud: str, step: Step) -> None:
        self.name = name_of(step)
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
        return [*self._step.replies]

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


def name_of(step: Step) -> str:
    return step.name.lower().replace(",", "").replace(" ", "-")


# Each makes the fuzzer of one step, when the fuzzer is run.
REPLIES = {
    name_of(step): partial(Replies, cloud, step)
    for cloud, steps in STEPS.items()
    for step in steps
    if step.replies
}
