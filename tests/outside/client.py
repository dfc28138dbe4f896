"""A client: the commands of each of its operations, and a run of all of them on one registry."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from cred_helper import docker_hub
from tests.clients.machine import stored
from tests.clouds.proxy import TerminatingProxy
from tests.outside.registries import HUB, Place
from tests.support.executable import ROOT
from tests.support.machine import Machine

FOLDER = ROOT / "build/outside"
PROGRAMS = FOLDER / "bin"
PATH = f"{PROGRAMS}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_HUNG_S = 180

WAYS: dict[str, tuple[str, ...]] = {"credsStore": (), "credHelpers": ("--registry", "{host}")}
"""The arguments of our ``configure`` for each way to name us; for podman and its relatives the
first is ``credential-helpers`` of registries.conf."""

Service = Callable[[Path, Mapping[str, str]], AbstractContextManager[Mapping[str, str]]]
"""Starts a daemon with its files in a folder; gives the variables by which clients find it."""


class Failed(Exception):
    """An operation failed; the text is the reason."""


@dataclass(frozen=True)
class Client:
    """One client.

    An operation is a list of commands or a function. In commands, ``{image}``, ``{base}``,
    ``{built}``, ``{server}``, ``{host}``, ``{key}`` (docker's), ``{username}``, ``{context}`` and
    ``{folder}`` are filled in. ``login`` is the one for a registry without an identity: it reads
    the password from standard input. Where no other is possible, the operation ``login`` is empty.
    An operation ``get`` prints its credential as a helper does, or ``{}``.
    """

    versions: Mapping[str, str]
    """The version of each part, or the command that prints it."""
    operations: Mapping[str, tuple[str, ...] | Callable[[Run], None]]
    login: tuple[str, ...] = ()
    variant: str = ""
    hub: str = HUB
    """The word for Docker Hub as the server of a login."""
    variables: Mapping[str, str] = field(default_factory=dict)
    service: Service = lambda _folder, _variables: nullcontext({})
    ways: tuple[str, ...] = tuple(WAYS)
    files: tuple[Path, ...] = ()
    """What it needs besides the programs that print a version."""

    @property
    def name(self) -> str:
        """The name for ``--only``."""
        return f"{next(iter(self.versions))} {self.variant}".strip()

    def missing(self) -> list[str]:
        """The names of the programs that are not installed."""
        programs = (
            command.partition(" ")[0]
            for command in self.versions.values()
            if not command[0].isdigit()
        )
        missing = [name for name in programs if not shutil.which(name, path=PATH)]
        return [*missing, *(str(path) for path in self.files if not path.exists())]

    def title(self) -> str:
        """The name and version of each program."""
        found = ", ".join(f"{name} {_version(words)}" for name, words in self.versions.items())
        return f"{found} ({self.variant})" if self.variant else found


def _version(command: str) -> str:
    """The first number in the program's output, or the module version of a Go program."""
    if command[0].isdigit():
        return command
    built = os.path.realpath(shutil.which(command.split(maxsplit=1)[0], path=PATH) or "")
    if os.path.dirname(built) == str(PROGRAMS):
        return built.rpartition("-v")[2].partition("+")[0]
    done = subprocess.run(
        shlex.split(command),
        env={"PATH": PATH, "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    words = (done.stdout + done.stderr).replace(",", " ").replace('"', " ").split()
    numbers = (word.removeprefix("v") for word in words)
    return next((word.partition("+")[0] for word in numbers if word[:1].isdigit()), "?")


class Run:
    """One client on one registry, with one way to name this program, and a home of its own."""

    def __init__(
        self,
        client: Client,
        place: Place,
        way: str,
        proxy: TerminatingProxy,
        folder: Path,
        variables: Mapping[str, str],
    ) -> None:
        self.client = client
        self.place = place
        self.way = way
        self.tag = way.lower()
        home = folder / f"{way}-{place.host}".replace(":", "-")
        runtime, self.context = home / "runtime", home / "context"
        for made in (runtime, self.context):
            made.mkdir(parents=True)
        self.machine = Machine(home, **proxy.environment(), XDG_RUNTIME_DIR=str(runtime))
        self.machine.environment |= {**place.identity, **client.variables, **variables}
        self.machine.environment["PATH"] = f"{self.machine.programs}:{PATH}"
        (self.context / "Dockerfile").write_text(
            f'FROM {place.base}\nRUN ["/bin/busybox", "touch", "/ran"]\n'
        )
        self._words = {
            "image": place.image,
            "base": place.base,
            "built": place.built(self.tag),
            "host": place.host,
            "key": docker_hub.KEY if place.host == HUB else place.host,
            "server": client.hub if place.host == HUB else place.host,
            "username": place.username,
            "context": str(self.context),
            "folder": str(home),
        }

    def _configure(self) -> None:
        """Configure the client by ``configure``, and log in for a client that cannot."""
        arguments = map(self.filled, WAYS[self.way])
        done = self.machine.run("configure", "--yes", *arguments)
        assert done.status == 0, done
        if self.place.password and not self.client.login:
            self.machine.store(self.place.host, self.place.username, self.place.password)

    def operations(self) -> Iterator[tuple[str, str]]:
        """Do all operations that apply to this registry; the name of each, and why it failed."""
        self._configure()
        # A registry without an identity needs a login first.
        first = ["login"] if self.place.password and "login" in self.client.operations else []
        for name in dict.fromkeys((*first, *self.client.operations)):
            how = self.client.operations[name]
            if not self.place.username and name in ("login", "push", "logout"):
                continue
            if name == "login" and not (how or self.place.password):
                continue
            try:
                if callable(how):
                    how(self)
                elif name == "get":
                    self._get(how)
                elif name == "login" and self.place.password:
                    self.call(*self.client.login, stdin=self.place.password)
                else:
                    self.call(*how)
                self._check(name)
            except Failed as failure:
                yield name, str(failure)[:400]
            else:
                yield name, ""

    def filled(self, text: str) -> str:
        """A text with this run's images, hosts and folders."""
        return text.format_map(self._words)

    def call(self, *commands: str, stdin: str = "") -> str:
        """Run commands of the client's; the output of the last one. Raises Failed."""
        output = ""
        for command in commands:
            words = [self.filled(word) for word in shlex.split(command)]
            try:
                done = self.machine.call(*filter(None, words), stdin=stdin)
            except subprocess.TimeoutExpired:
                raise Failed(f"{words[0]} did not end") from None
            if done.returncode != 0:
                said = _last_line(done.stderr) or _last_line(done.stdout)
                raise Failed(said or f"{words[0]}: exit {done.returncode}")
            output = done.stdout
        return output

    def _get(self, commands: tuple[str, ...]) -> None:
        """Have a library ask this program, and check that the registry accepts the credential."""
        output = self.call(*commands)
        try:
            found = json.loads(_last_line(output))
            login = found["Username"], found["Secret"]
        except (ValueError, KeyError):
            login = None
            if self.place.username or _last_line(output) != "{}":
                raise Failed("it has no credential") from None
        if login and not (self.place.username and self.place.accepts(*login)):
            raise Failed(f"it has another credential, of {login[0]}")

    def _check(self, name: str) -> None:
        """Check the result of an operation at the registry."""
        seen = self.place.registry.logins
        users = {login.username for login in seen}
        if any(not login.accepted for login in seen):
            raise Failed(f"the registry refused {', '.join(users)}")
        if users - {self.place.username, "<token>"}:
            raise Failed(f"the registry saw {', '.join(users)}")
        if self.place.username and not seen and name not in ("get", "login", "logout"):
            raise Failed("the registry saw no login")
        if name == "push" and not self.place.is_pushed(self.tag):
            raise Failed("the registry has no such image")
        if name == "logout" and self.place.password and stored(self.machine, self.place.host):
            raise Failed("the login is still there")


def _last_line(text: str) -> str:
    """The last line that is not empty."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
