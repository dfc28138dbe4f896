"""A machine with secrets in every place, and checks that none of them leaves its place."""

from __future__ import annotations

import json
import stat
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self
from xml.sax.saxutils import escape

import pytest

from tests.clouds.authority import Authority
from tests.clouds.loopback import LoopbackCloud, loopbacks
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.server import LoopbackServer, Reply, RoundTrip
from tests.support.executable import Completed
from tests.support.identities import one_of_each
from tests.support.identity import Environment
from tests.support.machine import Machine

# The SDKs and Python print more than usual with these.
DEBUG = {
    "AZURE_LOG_LEVEL": "DEBUG",
    "AZURE_SDK_LOGGING": "1",
    "GOOGLE_SDK_PYTHON_LOGGING_SCOPE": "google",
    "PYTHONWARNINGS": "always",
    "DOCKER_CREDENTIAL_MULTI_LOG": "stderr",
}


class Leak(AssertionError):
    """A secret outside its place."""


class Hunt:
    """A machine, every cloud behind a proxy, and programs that record what they are given."""

    def __init__(self, folder: Path) -> None:
        self.machine = Machine(folder / "home")
        self.marks = self.machine.marks
        self.folder = folder
        self.dumps = folder / "dumps"
        self.log = folder / "log"
        for made in (self.dumps, self.machine.home / "tmp"):
            made.mkdir()
        record = f'cat /proc/$$/cmdline /proc/$$/environ >"{self.dumps}/${{0##*/}}.$$"\n'
        self.machine.scripts.prelude = record
        self.runs = 0
        self.scanned = 0
        self._lock = threading.Lock()
        self._planted: dict[Path, bytes] = {}
        self._foreign: set[str] = set()
        self._stack = ExitStack()
        self.authority = Authority(folder)
        for line in self.authority.rsa_key_pem().splitlines():
            if not line.startswith("-"):
                self.marks.add(line, "a private key")

    def __enter__(self) -> Self:
        self.proxy = self._stack.enter_context(TerminatingProxy(self.authority))
        self.clouds: dict[str, Any] = {}
        for name, loopback in loopbacks().items():
            cloud, _ = loopback.start(self.authority)
            self.clouds[name] = cloud.__enter__()
            self._stack.callback(cloud.close)  # the tests make it object
            cloud.register(self.proxy)
        self.elsewhere = self._stack.enter_context(LoopbackServer())
        self.proxy.route("*.example", self.elsewhere)
        self.elsewhere.on("*", "*", lambda _: Reply(401))
        self._plant()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _foreign_mark(self, place: str) -> str:
        """A secret that no cloud may receive."""
        self._foreign.add(place)
        return self.marks.new(place)

    def _plant(self) -> None:
        mark, machine = self._foreign_mark, self.machine
        machine.config(
            auths={
                "config.example": {"auth": _base64("user", mark("an auth in config.json"))},
                "plain.example": {"username": "u", "password": mark("a password in config.json")},
                "token.example": {"identitytoken": mark("an identitytoken in config.json")},
                "other.example": {"registrytoken": mark("a registrytoken in config.json")},
            },
            credHelpers={
                "helper.example": "answering",
                "failing.example": "failing",
                "dying.example": "dying",
            },
            HttpHeaders={"Authorization": mark("HttpHeaders in config.json")},
        ).chmod(0o600)
        kept = {"kept.example": {"username": "u", "secret": mark("our own store")}}
        store = str(machine.own_store.relative_to(machine.home))
        machine.write(store, {"version": 1, "credentials": kept}, 0o600).parent.chmod(0o700)
        answer = {"ServerURL": "x", "Username": "u", "Secret": mark("a helper's answer")}
        machine.helper("answering", f"echo '{json.dumps(answer)}'")
        said = mark("the error of a helper")
        machine.helper("failing", f"echo 'error: {said} is over'; exit 1")
        half = f'{{"Username":"u","Secret":"{mark("half an answer of a helper")}'
        machine.helper("dying", f"printf '%s' '{half}'; kill -9 $$")
        netrc = mark("~/.netrc")
        hosts = ("api.ecr.us-east-1.amazonaws.com", "oauth2.googleapis.com", "myreg.azurecr.io")
        lines = [f"machine {name} login u password {netrc}" for name in hosts]
        machine.write(".netrc", "\n".join([*lines, f"default login u password {netrc}", ""]), 0o600)

    def environment(self) -> Environment:
        """The variables of every run: a proxy with a password, and a CI system's tokens."""
        mark = self._foreign_mark
        proxied = self.proxy.environment()
        secret = mark("a proxy's password")
        url = proxied["HTTPS_PROXY"].replace("http://", f"http://user:{secret}@")
        return {
            **self.machine.environment, **proxied,
            **dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), url),
            "PATH": self.machine.scripts.path, "TMPDIR": str(self.machine.home / "tmp"),
            "GITHUB_ACTOR": "someone", "GITHUB_TOKEN": mark("GITHUB_TOKEN"),
            "CI_REGISTRY": "ci.example", "CI_REGISTRY_USER": "u",
            "CI_REGISTRY_PASSWORD": mark("CI_REGISTRY_PASSWORD"),
            "CI_JOB_TOKEN": mark("CI_JOB_TOKEN"), "DOCKER_named_example_USR": "u",
            "DOCKER_named_example_PSW": mark("DOCKER_…_PSW"),
            "NETRC": str(self.machine.home / ".netrc"),
            "DOCKER_CREDENTIAL_MULTI_LOG": str(self.log),
        }  # fmt: skip

    def with_every_cloud(self) -> Environment:
        return self.environment() | one_of_each(self.machine, self.clouds)

    def run(
        self, *arguments: str, stdin: str = "", environment: Environment, debug: bool = False
    ) -> Completed:
        """Run the executable, and check everything that it prints."""
        variables = environment | (DEBUG if debug else {})
        done = self.machine.executable.run(*arguments, stdin=stdin, environment=variables)
        with self._lock:
            self.runs += 1
            for name, cloud in self.clouds.items():
                for value in list(cloud.confidential()):
                    self.marks.add(value, f"a secret of {name}")
        what = f"{' '.join(arguments)} {stdin[:40]!r}"
        self.check(done.stderr.encode(), f"standard error of {what}")
        if done.status != 0 or arguments[0] not in ("get", "token"):
            self.check(done.stdout, f"standard output of {what}")
        assert "Traceback" not in done.stderr, f"{what}: {done.stderr}"
        return done

    def check(self, data: bytes, where: str) -> None:
        self.scanned += len(data)
        found = self.marks.found_in(data)
        if found:
            raise Leak(f"{where} has the secret of {', '.join(sorted(found))}: {data!r}")

    def plant(self) -> None:
        """Count every file that is in the home now as the test's own."""
        self._planted = dict(self._files())

    def check_files(self) -> None:
        """Check that only their owner can read the files with a secret that were written since."""
        for path, content in self._files():
            if self._planted.get(path) == content:
                continue
            self.scanned += len(content)
            found = self.marks.found_in(content)
            if found and stat.S_IMODE(path.stat().st_mode) != 0o600:
                raise Leak(f"{path} is open to others and has the secret of {found}")
        if self.log.exists():
            self.check(self.log.read_bytes(), "the log")

    def _files(self) -> Iterator[tuple[Path, bytes]]:
        for path in self.machine.home.rglob("*"):
            if path.is_file() and not path.is_symlink():
                yield path, path.read_bytes()

    def check_children(self, environment: Environment) -> int:
        """Check that programs received no secret but those of the user's own environment."""
        own = self.marks.found_in("\0".join(environment.values()).encode())
        dumps = list(self.dumps.iterdir())
        for path in dumps:
            content = path.read_bytes()
            command, _, variables = content.partition(b"\0LANG=")
            self.check(command, f"the arguments of {path.name}")
            found = self.marks.found_in(variables) - own
            if found:
                raise Leak(f"the environment of {path.name} has the secret of {found}")
            path.unlink()
        return len(dumps)

    def check_requests(self) -> None:
        """Check that no cloud received a secret of another."""
        for server in (*self.clouds.values(), self.elsewhere):
            for request in server.received:
                headers = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
                data = f"{request.target}\n{headers}\n".encode() + request.body
                found = self.marks.found_in(data) & self._foreign
                if found:
                    raise Leak(f"{request.host}{request.path} received the secret of {found}")

    @staticmethod
    def echo(cloud: LoopbackCloud, path: str, form: str, status: int = 403) -> None:
        """Make a cloud refuse requests with an error that quotes them."""

        def refuse(trip: RoundTrip) -> None:
            request = trip.request
            headers = " ".join(f"{name}: {value}" for name, value in request.headers.items())
            said = f"{request.target} {headers} {request.body.decode('utf-8', 'replace')}"
            body = _FORMS[form](said).encode()
            reply = Reply(status, {"Content-Type": "application/json", "X-Said": said[:2000]}, body)
            trip.send(reply.head() + reply.body)

        cloud.fail(path, refuse)


def _base64(user: str, password: str) -> str:
    return b64encode(f"{user}:{password}".encode()).decode()


def _xml(said: str) -> str:
    return (
        f"<ErrorResponse><Error><Code>AccessDenied</Code><Message>{escape(said)}</Message></Error>"
        "</ErrorResponse>"
    )


_FORMS: dict[str, Callable[[str], str]] = {
    "aws": lambda said: json.dumps({"__type": "AccessDeniedException", "message": said}),
    "aws code": lambda said: json.dumps({"__type": said, "message": said}),
    "xml": _xml,
    "oauth": lambda said: json.dumps({"error": "invalid_grant", "error_description": said}),
    "oauth code": lambda said: json.dumps({"error": said, "error_subtype": said}),
    "entra": lambda said: json.dumps(
        {"error": "invalid_client", "error_description": f"AADSTS7000215: {said}"}
    ),
    "google": lambda said: json.dumps(
        {"error": {"status": "PERMISSION_DENIED", "message": said, "details": [{"reason": said}]}}
    ),
    "acr": lambda said: json.dumps({"errors": [{"code": said, "message": said, "detail": said}]}),
    "text": lambda said: said,
}
FORMS = tuple(_FORMS)


@pytest.fixture
def hunt(tmp_path: Path) -> Iterator[Hunt]:
    with Hunt(tmp_path) as running:
        yield running
