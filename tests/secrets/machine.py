"""A machine full of secrets, what is run on it, and what is found afterwards."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from tests.clouds.authority import Authority
from tests.clouds.aws import AwsCloud
from tests.clouds.azure import (
    CLIENT_SECRET,
    IDENTITY_HEADER,
    PASSWORD,
    AzureCloud,
)
from tests.clouds.google import GoogleCloud
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.server import LoopbackServer, Received, Reply
from tests.support.executable import Completed, Executable, pinned_environment
from tests.support.marks import Marks

Cloud = AwsCloud | GoogleCloud | AzureCloud
# What has the SDKs and Python itself say more than they do of themselves.
DEBUG = {
    "AZURE_LOG_LEVEL": "DEBUG",
    "AZURE_SDK_LOGGING": "1",
    "GOOGLE_SDK_PYTHON_LOGGING_SCOPE": "google",
    "PYTHONWARNINGS": "always",
    "DOCKER_CREDENTIAL_MULTI_LOG": "stderr",
}


class Leak(AssertionError):
    """A secret where it must not be."""


class Machine:
    """Three clouds, a home with everything in it, and programs that tell what they are given."""

    def __init__(self, folder: Path) -> None:
        self.marks = Marks()
        self.folder = folder
        self.home = folder / "home"
        self.dumps = folder / "dumps"
        self.programs = folder / "programs"
        self.log = folder / "log"
        for made in (self.home, self.dumps, self.programs, self.home / "tmp"):
            made.mkdir(exist_ok=True)
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
        for value, place in (
            (CLIENT_SECRET, "AZURE_CLIENT_SECRET"),
            (PASSWORD, "AZURE_PASSWORD"),
            (IDENTITY_HEADER, "IDENTITY_HEADER"),
        ):
            self.marks.add(value, place)

    def __enter__(self) -> Self:
        self.proxy = self._stack.enter_context(TerminatingProxy(self.authority))
        self.aws, self.google = AwsCloud(), GoogleCloud()
        self.azure = AzureCloud(self.authority)
        for cloud in self.clouds:
            cloud.__enter__()
            self._stack.callback(cloud.close)  # they are provoked to object
            cloud.register(self.proxy)
        self.elsewhere = self._stack.enter_context(LoopbackServer())
        self.proxy.route("*.example", self.elsewhere)
        self.elsewhere.on("*", "*", lambda _: Reply(401))
        self._plant()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def clouds(self) -> tuple[AwsCloud, GoogleCloud, AzureCloud]:
        return self.aws, self.google, self.azure

    # --- Planting -------------------------------------------------------------------------------

    def write(self, path: str, text: str, mode: int = 0o600) -> Path:
        """Put a file into the home."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def program(self, name: str, script: str) -> Path:
        """Put a program on PATH that tells its arguments and environment before anything else."""
        path = self.programs / name
        dump = f'cat /proc/$$/cmdline /proc/$$/environ > "{self.dumps}/{name}.$$"'
        path.write_text(f"#!/bin/sh\n{dump}\n{script}\n")
        path.chmod(0o755)
        return path

    def _foreign_mark(self, place: str) -> str:
        """A secret that no cloud is to be shown."""
        self._foreign.add(place)
        return self.marks.new(place)

    def _plant(self) -> None:
        mark = self._foreign_mark
        auths = {
            "config.example": {"auth": _base64("user", mark("an auth in config.json"))},
            "plain.example": {"username": "u", "password": mark("a password in config.json")},
            "token.example": {"identitytoken": mark("an identitytoken in config.json")},
            "other.example": {"registrytoken": mark("a registrytoken in config.json")},
        }
        helpers = {
            "helper.example": "answering",
            "failing.example": "failing",
            "dying.example": "dying",
        }
        config = {
            "auths": auths,
            "credHelpers": helpers,
            "HttpHeaders": {"Authorization": mark("HttpHeaders in config.json")},
        }
        self.write(".docker/config.json", json.dumps(config))
        kept = {"kept.example": {"username": "u", "secret": mark("our own store")}}
        store = {"version": 1, "credentials": kept}
        self.write(".local/share/docker-credential-multi/credentials.json", json.dumps(store))
        (self.home / ".local/share/docker-credential-multi").chmod(0o700)
        answer = {"ServerURL": "x", "Username": "u", "Secret": mark("a helper's answer")}
        self.program("docker-credential-answering", f"echo '{json.dumps(answer)}'")
        said = mark("what a failing helper says")
        self.program("docker-credential-failing", f"echo 'error: {said} is over'; exit 1")
        half = f'{{"Username":"u","Secret":"{mark("what a dying helper says")}'
        self.program("docker-credential-dying", f"printf '%s' '{half}'; kill -9 $$")
        netrc = mark("~/.netrc")
        machines = ("api.ecr.us-east-1.amazonaws.com", "oauth2.googleapis.com", "myreg.azurecr.io")
        lines = [f"machine {name} login u password {netrc}" for name in machines]
        self.write(".netrc", "\n".join([*lines, f"default login u password {netrc}", ""]))

    def environment(self) -> dict[str, str]:
        """What every run has: the clouds behind a proxy with a password; a CI system's tokens."""
        mark = self._foreign_mark
        proxied = self.proxy.environment()
        secret = mark("a proxy's password")
        url = proxied["HTTPS_PROXY"].replace("http://", f"http://user:{secret}@")
        return {
            **pinned_environment(self.home),
            **proxied,
            **dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), url),
            "PATH": f"{self.programs}{os.pathsep}{os.defpath}",
            "TMPDIR": str(self.home / "tmp"),
            "GITHUB_ACTOR": "someone",
            "GITHUB_TOKEN": mark("GITHUB_TOKEN"),
            "CI_REGISTRY": "ci.example",
            "CI_REGISTRY_USER": "u",
            "CI_REGISTRY_PASSWORD": mark("CI_REGISTRY_PASSWORD"),
            "CI_JOB_TOKEN": mark("CI_JOB_TOKEN"),
            "DOCKER_named_example_USR": "u",
            "DOCKER_named_example_PSW": mark("DOCKER_…_PSW"),
            "NETRC": str(self.home / ".netrc"),
        }

    # --- Running and looking --------------------------------------------------------------------

    def run(
        self, *arguments: str, stdin: str = "", environment: dict[str, str], debug: bool = False
    ) -> Completed:
        """Run the executable, and look through all that it says."""
        variables = {**environment, "DOCKER_CREDENTIAL_MULTI_LOG": str(self.log)}
        variables |= DEBUG if debug else {}
        done = Executable(variables).run(*arguments, stdin=stdin)
        with self._lock:
            self.runs += 1
            self._learn()
        what = f"{' '.join(arguments)} {stdin[:40]!r}"
        self._look(done.stderr.encode(), f"standard error of {what}")
        if done.status != 0 or arguments[0] not in ("get", "token"):
            self._look(done.stdout, f"standard output of {what}")
        if "Traceback" in done.stderr:
            raise AssertionError(f"{what}: {done.stderr}")
        return done

    def _learn(self) -> None:
        """Whatever the clouds gave out meanwhile is secret, too."""
        for cloud in (self.aws, self.google):
            for value in list(cloud.secrets):
                self.marks.add(value, f"what {type(cloud).__name__} gave out")
        for token in [*self.azure.tokens(), *list(self.azure._refresh)]:
            self.marks.add(token, "what AzureCloud gave out")

    def _look(self, data: bytes, where: str) -> None:
        self.scanned += len(data)
        found = self.marks.found_in(data)
        if found:
            raise Leak(f"{where} has the secret of {', '.join(sorted(found))}: {data!r}")

    def plant(self) -> None:
        """Everything that lies in the home now was put there by the test."""
        self._planted = dict(self._files())

    def look_at_files(self) -> None:
        """Whatever was written since: a secret lies in files of their owner's alone."""
        for path, content in self._files():
            if self._planted.get(path) == content:
                continue
            self.scanned += len(content)
            found = self.marks.found_in(content)
            if found and stat.S_IMODE(path.stat().st_mode) != 0o600:
                raise Leak(f"{path} is open to others and has the secret of {found}")
        if self.log.exists():
            self._look(self.log.read_bytes(), "the log")

    def _files(self) -> Iterator[tuple[Path, bytes]]:
        for path in self.home.rglob("*"):
            if path.is_file() and not path.is_symlink():
                yield path, path.read_bytes()

    def look_at_children(self, environment: dict[str, str]) -> int:
        """What programs were given: no secret that the user's own environment has not."""
        own = self.marks.found_in("\0".join(environment.values()).encode())
        dumps = list(self.dumps.iterdir())
        for path in dumps:
            content = path.read_bytes()
            command, _, variables = content.partition(b"\0LANG=")
            self._look(command, f"the arguments of {path.name}")
            found = self.marks.found_in(variables) - own
            if found:
                raise Leak(f"the environment of {path.name} has the secret of {found}")
            path.unlink()
        return len(dumps)

    def look_at_requests(self) -> None:
        """What the clouds were sent: nothing that somebody else is to be shown."""
        for server in (*self.clouds, self.elsewhere):
            for request in server.received:
                headers = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
                data = f"{request.target}\n{headers}\n".encode() + request.body
                found = self.marks.found_in(data) & self._foreign
                if found:
                    raise Leak(f"{request.host}{request.path} was sent the secret of {found}")

    def echoing(self, cloud: Cloud, path: str, form: str, status: int = 403) -> None:
        """Have a cloud refuse with words that quote all it was sent."""

        def echo(request: Received) -> str:
            headers = " ".join(f"{name}: {value}" for name, value in request.headers.items())
            return f"{request.target} {headers} {request.body.decode('utf-8', 'replace')}"

        def refuse(exchange: Any) -> None:
            said = echo(exchange.request)
            body = _FORMS[form](said).encode()
            reply = Reply(status, {"Content-Type": "application/json", "X-Said": said[:2000]}, body)
            exchange.send(reply.head() + reply.body)

        cloud.fail(path, refuse)

    @staticmethod
    def behave(cloud: Cloud) -> None:
        """Have a cloud do everything right again."""
        cloud._faults.clear()


def _base64(user: str, password: str) -> str:
    from base64 import b64encode

    return b64encode(f"{user}:{password}".encode()).decode()


def _xml(said: str) -> str:
    from xml.sax.saxutils import escape

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
