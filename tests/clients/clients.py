"""The command line clients that pull without an engine: the path and the arguments of each."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from tests.support.machine import Machine
from tests.support.programs import ran


class PullFailed(Exception):
    """An image could not be pulled; the text is what the client said."""


@dataclass(frozen=True)
class Client:
    """One client: its arguments for pulling, logging in and logging out."""

    name: str
    program: str
    """Its path; empty where it is not installed."""
    pull_words: tuple[str, ...]
    digest_of: Callable[[str], str]
    """Finds the manifest's digest in what the client prints of an image."""
    named_in: tuple[str, ...]
    """Where it looks for a credential helper, the usual place first."""
    transport: str = ""
    login_words: tuple[str, ...] = ("login",)
    logout_words: tuple[str, ...] = ("logout",)

    def shown(self, image: str) -> str:
        return " ".join([self.name, *self.pull_words, f"{self.transport}{image}"])

    def pull(self, machine: Machine, image: str) -> str:
        """The digest of the image's manifest. Raises PullFailed."""
        done = machine.call(self.program, *self.pull_words, f"{self.transport}{image}")
        if done.returncode != 0:
            raise PullFailed(done.stderr.strip())
        return self.digest_of(done.stdout)

    def log_in(self, machine: Machine, host: str, username: str, secret: str) -> None:
        words = (*self.login_words, "--username", username, "--password-stdin", host)
        machine.succeed(self.program, *words, stdin=secret)

    def log_out(self, machine: Machine, host: str) -> None:
        machine.succeed(self.program, *self.logout_words, host)


def _member(*path: str) -> Callable[[str], str]:
    def read(printed: str) -> str:
        found = json.loads(printed)
        for name in path:
            found = found[name]
        assert isinstance(found, str)
        return found

    return read


# Found now: tests run with another PATH.
DOCKER = Client(
    "docker", shutil.which("docker") or "", ("manifest", "inspect", "--verbose"),
    _member("Descriptor", "digest"), ("credsStore", "credHelpers"),
)  # fmt: skip


@cache
def docker_is_todays() -> bool:
    """Whether this docker is of the releases since 23.0; Debian 12 still has 20.10."""
    done = ran(DOCKER.program, "--version", check=True)
    return int(done.stdout.removeprefix("Docker version ").partition(".")[0]) >= 23


# And with it the library of podman, buildah and CRI-O.
SKOPEO = Client(
    "skopeo", shutil.which("skopeo") or "", ("inspect",), _member("Digest"),
    ("credHelpers", "registries.conf"), transport="docker://",
)  # fmt: skip
# And with it the library of ko, kaniko and cosign: it asks for the repository before the host.
CRANE = Client(
    "crane", shutil.which("crane") or "", ("digest",), str.strip, ("credsStore", "credHelpers"),
    login_words=("auth", "login"), logout_words=("auth", "logout"),
)  # fmt: skip
# And with it the library of helm.
ORAS = Client(
    "oras", shutil.which("oras") or "", ("manifest", "fetch", "--descriptor"), _member("digest"),
    ("credsStore", "credHelpers"),
)  # fmt: skip
CLIENTS = (DOCKER, SKOPEO, CRANE, ORAS)
