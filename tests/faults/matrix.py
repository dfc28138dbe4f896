"""One row of the matrix: a step, a fault, a real process, and what came of it."""

from __future__ import annotations

import re
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cred_helper.cache.entry import FAILURE, TOKEN
from tests.clouds.authority import Authority
from tests.clouds.aws import AwsCloud
from tests.clouds.azure import CLIENT_SECRET, AzureCloud
from tests.clouds.google import GoogleCloud
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.server import LoopbackServer, Received, Reply
from tests.faults.steps import STEPS, Cloud, Environment, Step
from tests.faults.table import (
    CLOCKS,
    ELSEWHERE,
    NO_LISTENER,
    NO_PROXY,
    OBSTACLES,
    SLOW,
    UNKNOWN_CA,
    behaviour,
    faults_of,
)
from tests.support.executable import Completed, Executable, pinned_environment

# For faults that only the clock ends. A busy machine takes a second or two to load an SDK.
SHORT_DEADLINE_S = 6.0
# For the others, which end by themselves.
LONG_DEADLINE_S = 30.0
# What a busy machine may take besides, to start a process and to end it.
_SLACK_S = 15.0
# They wait more than they work.
_ROWS_AT_ONCE = 6
_PROVIDERS = {"aws": "ecr", "google": "gcr", "azure": "acr"}
_HINT = "docker-credential-multi: hint: "
# What is told where the deadline comes before the step's own patience ends.
BY_THE_CLOCK = "no answer within 5 s"


class Line(NamedTuple):
    """What came of a row, as far as it is the same on every machine: the table of outcomes."""

    cloud: str
    step: str
    fault: str
    outcome: str
    told: str
    hint: str


@dataclass(frozen=True)
class Outcome:
    """What came of a row. ``wrong`` is everything that must not be, whatever the fault."""

    line: Line
    requests: int
    took_s: float
    wrong: tuple[str, ...]


class Matrix:
    """Rows of some clouds, run side by side."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.Lock()
        self.authority, self.stranger = (Authority(_made(folder / name)) for name in ("ca", "no"))
        self.closed_port = 0

    def run(self, *clouds: str, briefly: bool = False) -> list[Outcome]:
        """Run every row of these clouds, or those that stand for the others."""
        rows = [
            Row(self, cloud, step, fault)
            for cloud in clouds
            for step in STEPS[cloud]
            for fault in faults_of(step, briefly=briefly)
        ]
        # A port that is taken, so that nobody else gets it, and at which nobody listens.
        with socket.socket() as closed, ThreadPoolExecutor(_ROWS_AT_ONCE) as pool:
            closed.bind(("127.0.0.1", 0))
            self.closed_port = closed.getsockname()[1]
            return list(pool.map(Row.outcome, rows))


class ObstructedProxy(TerminatingProxy):
    """A proxy that lets nobody through to one host: by a word, by silence, or as somebody else."""

    def __init__(self, authority: Authority) -> None:
        super().__init__(authority)
        self.obstructed = ""
        self.status: int | None = None
        self.stranger: Authority | None = None
        self.connects = 0

    def _connect(self, connection: socket.socket, request: Received) -> None:
        host = request.host.partition(":")[0]
        if host != self.obstructed:
            super()._connect(connection, request)
            return
        self.connects += 1
        if self.stranger is not None:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with self.terminating(connection, self.stranger.server_context(host)) as secured:
                assert not secured.read(), "somebody who cannot be trusted was told something"
        elif self.status is None:
            self._closing.wait()
        else:
            connection.sendall(Reply(self.status).head())


class Row:
    """One step with one fault."""

    def __init__(self, matrix: Matrix, cloud: str, step: Step, fault: str) -> None:
        self.matrix = matrix
        self.cloud = cloud
        self.step = step
        self.fault = fault

    @property
    def deadline_s(self) -> float:
        """How long the ``get`` may take."""
        slow = self.fault in SLOW or (self.fault in OBSTACLES and OBSTACLES[self.fault] is None)
        return SHORT_DEADLINE_S if slow else LONG_DEADLINE_S

    def outcome(self) -> Outcome:
        """Run it."""
        with ExitStack() as stack:
            folder = tempfile.TemporaryDirectory(dir=self.matrix.folder)
            home = Path(stack.enter_context(folder))
            proxy = stack.enter_context(ObstructedProxy(self.matrix.authority))
            elsewhere = stack.enter_context(LoopbackServer())
            cloud = self._cloud().__enter__()
            stack.callback(cloud.close)  # what it objects to is looked at below
            cloud.register(proxy)
            proxy.route(ELSEWHERE, elsewhere)
            environment = {
                **pinned_environment(home),
                **proxy.environment(),
                **self.step.identity(cloud, home),
                "DOCKER_CREDENTIAL_MULTI_DEADLINE_S": str(self.deadline_s),
            }
            self._misbehave(cloud, proxy, environment)
            begun_s = time.monotonic()
            done = Executable(environment).get(self.step.registry)
            took_s = time.monotonic() - begun_s
            requests = len(cloud.received_at(self.step.path))
            wrong = [*self._wrong(done, cloud)]
            if took_s > self.deadline_s + _SLACK_S:
                wrong.append(f"it took {took_s:.0f} s")
            if elsewhere.received or proxy.refused:
                wrong.append(f"it asked somebody else: {elsewhere.received}, {proxy.refused}")
            if requests > self.step.at_most or proxy.connects > 3:
                wrong.append(f"it asked {requests} times and connected {proxy.connects} times")
            line = Line(self.cloud, self.step.name, self.fault, *self._said(done, home))
            return Outcome(line, requests, took_s, tuple(wrong))

    def _cloud(self) -> Cloud:
        match self.cloud:
            case "aws":
                return AwsCloud()
            case "google":
                return GoogleCloud()
        with self.matrix.lock:  # each writes the authority's keys anew
            return AzureCloud(self.matrix.authority)

    def _misbehave(self, cloud: Cloud, proxy: ObstructedProxy, environment: Environment) -> None:
        closed = str(self.matrix.closed_port)
        if self.fault in OBSTACLES:
            proxy.obstructed, proxy.status = self.step.server, OBSTACLES[self.fault]
        elif self.fault == UNKNOWN_CA:
            proxy.obstructed, proxy.stranger = self.step.server, self.matrix.stranger
        elif self.fault == NO_PROXY:
            for name in ("HTTPS_PROXY", "https_proxy"):
                environment[name] = f"http://127.0.0.1:{closed}"
        elif self.fault == NO_LISTENER:
            for name, value in environment.items():
                environment[name] = value.replace(f":{cloud.port}", f":{closed}")
            for path in Path(environment["HOME"]).glob("credential.json"):
                path.write_text(path.read_text().replace(f":{cloud.port}", f":{closed}"))
        elif self.fault in CLOCKS:
            assert isinstance(cloud, AwsCloud)
            cloud.clock_ahead = CLOCKS[self.fault]
        else:
            cloud.fail(self.step.path, behaviour(self.step, self.fault))

    def _wrong(self, done: Completed, cloud: Cloud) -> Iterator[str]:
        told = done.stderr + (done.stdout.decode() if done.status else "")
        if "Traceback" in told:
            yield "there is a traceback"
        if any(secret in told for secret in _secrets_of(cloud)):
            yield "it tells a secret"
        if done.status not in (0, 1):
            yield f"its exit status is {done.status}"
        if done.stdout.count(b"\n") != 1:
            yield f"it answers with {done.stdout!r}"
        if done.status == 0 and self.step.name != "ACR exchange" and not self._issued(done, cloud):
            yield f"its answer is none: {done.stdout!r}"
        first, _, rest = done.stderr.partition("\n")
        if first and not first.startswith(self._beginnings()):
            yield f"it does not say who failed for which host: {first}"
        if rest and not (rest.startswith(_HINT) and rest.count("\n") == 1):
            yield f"it says too much: {rest}"
        try:
            cloud.check()
        except Exception as error:
            yield f"the cloud objects: {error!r}"

    def _issued(self, done: Completed, cloud: Cloud) -> bool:
        document = done.document
        return cloud.issued(document["Username"], document["Secret"], self.step.registry)

    def _beginnings(self) -> tuple[str, ...]:
        what = f"no credential for {self.step.registry} from {_PROVIDERS[self.cloud]}: "
        return tuple(f"docker-credential-multi: {word}: {what}" for word in ("error", "warning"))

    def _said(self, done: Completed, home: Path) -> tuple[str, str, str]:
        """Our error's name, its text and its hint; or what became of the answer."""
        cache = home / ".cache" / "docker-credential-multi"
        told, _, hint = done.stderr.partition("\n")
        for beginning in self._beginnings():
            told = told.removeprefix(beginning)
        told = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", told.replace(str(home), "HOME"))
        # How much of its time a busy machine has used up before it asks is its own business.
        told = re.sub(r"^no answer within \d+ s$", BY_THE_CLOCK, told)
        hint = hint.removeprefix(_HINT).rstrip("\n")
        if done.status == 0:
            kept = list(cache.glob(f"*.{TOKEN}"))
            return "answers" if kept else "answers, keeps nothing", told, hint
        return _kind_of_failure(cache), told, hint

    def __repr__(self) -> str:
        return f"{self.cloud}: {self.step.name}: {self.fault}"


def _secrets_of(cloud: Cloud) -> set[str]:
    return {CLIENT_SECRET, *cloud.tokens()} if isinstance(cloud, AzureCloud) else cloud.secrets


def _kind_of_failure(cache: Path) -> str:
    """The name of our error, which the process left for those that waited for it."""
    lines = [line for path in cache.glob(f"*.{FAILURE}") for line in path.read_text().splitlines()]
    kinds = [line.removeprefix("error=") for line in lines if line.startswith("error=")]
    return ", ".join(kinds)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
