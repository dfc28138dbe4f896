"""One row of the matrix: a step, a fault, and the outcome of a real process."""

from __future__ import annotations

import socket
import ssl
import sys
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
from tests.clouds.loopback import LoopbackCloud, loopbacks
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.server import LoopbackServer, Received, Reply
from tests.faults.step import Step
from tests.faults.steps import STEPS
from tests.faults.table import (
    CERTIFICATES,
    CLOCKS,
    ELSEWHERE,
    NO_LISTENER,
    NO_PROXY,
    NO_TLS,
    OBSTACLES,
    SLOW,
    UNKNOWN_CA,
    behaviour,
    faults_of,
)
from tests.support.executable import COMMAND, NOT_FOUND, Completed, Executable, pinned_environment
from tests.support.identity import Environment
from tests.support.machine import Machine

# For faults that only the clock ends. A busy machine takes a second or two to load an SDK.
SHORT_DEADLINE_S = 6.0
# For the others, which end by themselves.
LONG_DEADLINE_S = 30.0
# Time to start and end a process on a busy machine.
_SLACK_S = 15.0
# The rows wait more than they work.
_ROWS_AT_ONCE = 6
# An SDK takes 50 when all goes well. A reply may add little to that.
MAX_MEMORY_MIB = 80
_HINT = "docker-credential-multi: hint: "
# A process of its own between the test and the program: after a fork, the kernel counts the memory
# of the parent as the child's.
_MEASURED = """\
import os, resource, sys
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(pid, 0)
with open(sys.argv[1], "w") as file:
    file.write(str(used.ru_maxrss // 1024))
os._exit(os.waitstatus_to_exitcode(status) & 255)
"""
# The codes of a step that does not answer in time, from its own time limit or from the deadline.
LATE = {"network.timeout", "network.slow-reply", "network.no-time-left", "provider.no-answer"}


class Line(NamedTuple):
    """The part of an outcome that is the same on every machine: a line of the table."""

    cloud: str
    step: str
    fault: str
    outcome: str
    """The class of the error, or the fate of the token."""
    code: str
    hint: str


@dataclass(frozen=True)
class Outcome:
    """The outcome of a row. ``wrong`` lists the promises that it breaks, whatever the fault."""

    line: Line
    requests: int
    took_s: float
    memory_mib: int
    wrong: tuple[str, ...]


class Matrix:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.Lock()
        self.authority, self.stranger = (Authority(_made(folder / name)) for name in ("ca", "no"))
        self.closed_port = 0

    def run(self, *clouds: str, briefly: bool = False) -> list[Outcome]:
        rows = [
            Row(self, cloud, step, fault)
            for cloud in clouds
            for step in STEPS[cloud]
            for fault in faults_of(step, briefly=briefly)
        ]
        # A port that is bound, so that no other process gets it, without a listener.
        with socket.socket() as closed, ThreadPoolExecutor(_ROWS_AT_ONCE) as pool:
            closed.bind(("127.0.0.1", 0))
            self.closed_port = closed.getsockname()[1]
            return list(pool.map(Row.outcome, rows))


class ObstructedProxy(TerminatingProxy):
    """A proxy that refuses, delays or impersonates one host."""

    obstructed = ""
    status: int | None = None
    context: ssl.SSLContext | None = None
    speaks_tls = True
    connects = 0

    def _connect(self, connection: socket.socket, request: Received) -> None:
        host = request.host.partition(":")[0]
        if host != self.obstructed:
            super()._connect(connection, request)
            return
        self.connects += 1
        if self.context is not None:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with self.terminating(connection, self.context) as secured:
                assert not secured.read(), "a request was sent to a server with a wrong certificate"
        elif not self.speaks_tls:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            connection.recv(1 << 16)
            connection.sendall(Reply(400, body=b"this is the port for https\n").head())
        elif self.status is None:
            self._closing.wait()
        else:
            connection.sendall(Reply(self.status).head())


@dataclass(frozen=True)
class Row:
    matrix: Matrix
    cloud: str
    step: Step
    fault: str

    @property
    def deadline_s(self) -> float:
        slow = self.fault in SLOW or (self.fault in OBSTACLES and OBSTACLES[self.fault] is None)
        return SHORT_DEADLINE_S if slow else LONG_DEADLINE_S

    def outcome(self) -> Outcome:
        with ExitStack() as stack:
            folder = tempfile.TemporaryDirectory(dir=self.matrix.folder)
            home = Path(stack.enter_context(folder))
            proxy = stack.enter_context(ObstructedProxy(self.matrix.authority))
            elsewhere = stack.enter_context(LoopbackServer())
            with self.matrix.lock:  # some write the authority's keys
                cloud = loopbacks()[self.cloud].start(self.matrix.authority)[0].__enter__()
            stack.callback(cloud.close)  # what it objects to is looked at below
            cloud.register(proxy)
            proxy.route(ELSEWHERE, elsewhere)
            machine = Machine(home)
            environment = {
                **pinned_environment(home),
                **proxy.environment(),
                **self.step.identity(machine, cloud),
                "DOCKER_CREDENTIAL_MULTI_DEADLINE_S": str(self.deadline_s),
            }
            self._misbehave(cloud, proxy, environment)
            begun_s = time.monotonic()
            done, memory_mib = _measured(environment, home, self.step.registry)
            took_s = time.monotonic() - begun_s
            requests = len(cloud.received_at(self.step.path))
            wrong = [*self._wrong(done, cloud, machine)]
            if memory_mib > MAX_MEMORY_MIB:
                wrong.append(f"it takes {memory_mib} MiB of memory")
            if took_s > self.deadline_s + _SLACK_S:
                wrong.append(f"it took {took_s:.0f} s")
            if elsewhere.received or proxy.refused:
                wrong.append(f"it asked another server: {elsewhere.received}, {proxy.refused}")
            if requests > self.step.at_most or proxy.connects > 3:
                wrong.append(f"it asked {requests} times and connected {proxy.connects} times")
            line = Line(self.cloud, self.step.name, self.fault, *self._result(done, home))
            return Outcome(line, requests, took_s, memory_mib, tuple(wrong))

    def _misbehave(
        self, cloud: LoopbackCloud, proxy: ObstructedProxy, environment: Environment
    ) -> None:
        closed = str(self.matrix.closed_port)
        if self.fault in OBSTACLES:
            proxy.obstructed, proxy.status = self.step.server, OBSTACLES[self.fault]
        elif self.fault == UNKNOWN_CA:
            proxy.obstructed = self.step.server
            proxy.context = self.matrix.stranger.server_context(self.step.server)
        elif self.fault in CERTIFICATES:
            proxy.obstructed = self.step.server
            certificate = CERTIFICATES[self.fault]
            proxy.context = certificate(self.matrix.authority, self.step.server)
        elif self.fault == NO_TLS:
            proxy.obstructed, proxy.speaks_tls = self.step.server, False
        elif self.fault == NO_PROXY:
            for name in ("HTTPS_PROXY", "https_proxy"):
                environment[name] = f"http://127.0.0.1:{closed}"
        elif self.fault == NO_LISTENER:
            for name, value in environment.items():
                environment[name] = value.replace(f":{cloud.port}", f":{closed}")
            for path in Path(environment["HOME"]).glob("adc/*.json"):
                path.write_text(path.read_text().replace(f":{cloud.port}", f":{closed}"))
        elif self.fault in CLOCKS:
            assert isinstance(cloud, AwsCloud)
            cloud.clock_ahead = CLOCKS[self.fault]
        else:
            cloud.fail(self.step.path, behaviour(self.step, self.fault))

    def _wrong(self, done: Completed, cloud: LoopbackCloud, machine: Machine) -> Iterator[str]:
        printed = done.stderr + (done.stdout.decode() if done.status else "")
        if "Traceback" in printed:
            yield "it prints a traceback"
        if any(secret in printed for secret in cloud.confidential()):
            yield "it prints a secret"
        if done.status not in (0, 1):
            yield f"its exit status is {done.status}"
        if done.stdout.count(b"\n") != 1:
            yield f"it answers with {done.stdout!r}"
        if done.status == 0 and self.step.name != "ACR exchange" and not self._issued(done, cloud):
            yield f"the cloud did not issue its answer: {done.stdout!r}"
        first, _, rest = done.stderr.partition("\n")
        if first and not first.startswith(self._beginnings()):
            yield f"it does not name host and provider: {first}"
        if rest and not (rest.startswith(_HINT) and rest.count("\n") == 1):
            yield f"it prints more than a hint: {rest}"
        if first and len(done.codes) != 1:
            yield f"its message has no code: {first}"
        try:
            cloud.check()
        except Exception as error:
            yield f"the cloud objects: {error!r}"

    def _issued(self, done: Completed, cloud: LoopbackCloud) -> bool:
        document = done.document
        return cloud.issued(document["Username"], document["Secret"], self.step.registry)

    def _beginnings(self) -> tuple[str, ...]:
        what = f"no credential for {self.step.registry} from {self.cloud}: "
        return tuple(f"docker-credential-multi: {word}: {what}" for word in ("error", "warning"))

    def _result(self, done: Completed, home: Path) -> tuple[str, str, str]:
        """The error's class or the token's fate, the code, and whether there is a hint."""
        cache = home / ".cache" / "docker-credential-multi"
        code = "".join(done.codes)
        hint = "hint" if _HINT in done.stderr else ""
        if done.status == 0:
            kept = list(cache.glob(f"*.{TOKEN}"))
            return "answers" if kept else "answers, keeps nothing", code, hint
        if done.stdout == NOT_FOUND:
            return "NotFound", code, hint
        return _class_of_failure(cache), code, hint


def _measured(environment: Environment, home: Path, registry: str) -> tuple[Completed, int]:
    """Run a ``get``; its result and the peak of its memory.

    Units: MiB.
    """
    forked = Executable(environment).fork("get", stdin=registry.encode(), environment=environment)
    if forked is not None:
        return Completed(forked.status, forked.stdout, forked.stderr), forked.memory_mib
    file = home / "peak"
    measured = [sys.executable, "-ISc", _MEASURED, str(file)]
    done = Executable(environment, [*measured, *COMMAND]).get(registry)
    return done, int(file.read_text())


def _class_of_failure(cache: Path) -> str:
    """The class of the error, from the cache entry for the processes that wait for this one."""
    lines = [line for path in cache.glob(f"*.{FAILURE}") for line in path.read_text().splitlines()]
    kinds = [line.removeprefix("error=") for line in lines if line.startswith("error=")]
    return ", ".join(dict.fromkeys(kinds)) or "not cached"


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
