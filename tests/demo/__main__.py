"""`python -m tests.demo`: log in to every cloud, on loopback, and pull.

The clouds and registries are servers on 127.0.0.1 (tests/clouds). The executable, its SDKs and the
registry client are the real ones. It ends with a table; the exit status is 0 if all of it is right.
No secret is printed.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from time import perf_counter

from cred_helper import __version__
from cred_helper.clouds import CLOUDS
from tests.clients.clients import DOCKER, SKOPEO, Client, PullFailed
from tests.clients.hosted import Hosted, hosted
from tests.clients.machine import client_machine, name_multi
from tests.clouds.authority import Authority
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.demo.built_in import BuiltIn
from tests.demo.screen import Mark, Row, Screen
from tests.support.executable import NOT_FOUND
from tests.support.machine import Machine

PROGRAM = "docker-credential-multi"
OTHER = "registry.example"
PUBLIC = "public/app"
PUBLIC_IMAGE = f"{OTHER}/{PUBLIC}:latest"

# docker, skopeo (the library of podman and buildah), or a client of our own.
PULLERS = (DOCKER, SKOPEO, BuiltIn())

Puller = Client | BuiltIn
Step = Callable[[], str]


class Wrong(Exception):
    """A step has a wrong result."""


class Demo:
    """Shows one registry after another, each on a machine of its own, and records the results."""

    def __init__(self, screen: Screen, proxy: TerminatingProxy, folder: Path) -> None:
        self.rows: list[Row] = []
        self._screen = screen
        self._proxy = proxy
        self._folder = folder

    @property
    def right(self) -> bool:
        return not any(mark.ok is False for _, marks in self.rows for mark in marks)

    def show_cloud(self, title: str, registry: Hosted, puller: Puller) -> None:
        """A cloud's registry, with an identity of that cloud."""
        machine = self._machine(title)
        machine.use(registry.identity)
        name_multi(machine, puller.named_in[0], registry.host)
        self._screen.heading(f"{title}: {registry.host}")
        self._show(
            title,
            lambda: self._first_get(machine, registry),
            lambda: self._second_get(machine, registry),
            lambda: self._pull(machine, registry, puller),
        )

    def show_other(self, registry: Registry, digest: str, puller: Puller) -> None:
        """A registry that belongs to no cloud, without a login: a public image."""
        machine = self._machine("other")
        name_multi(machine, puller.named_in[0], OTHER)
        self._screen.heading(f"Another registry, with a public image: {OTHER}")
        self._show(
            "another registry",
            lambda: self._not_found(machine),
            None,
            lambda: self._pull_anonymously(machine, registry, digest, puller),
        )

    def choose_puller(self, digest: str, names: Sequence[str]) -> Puller:
        """The first client, of all or of those named, that pulls from a loopback registry.

        Some do not: outside Linux, a Go program does not trust the tests' certificate authority.
        """
        for puller in PULLERS:
            if names and puller.name not in names:
                continue
            reason = self._trial(puller, digest)
            if reason is None:
                self._screen.text(_introduction(puller))
                return puller
            self._screen.text(f"{puller.name} does not pull: {reason}")
        sys.exit(f"no client named {' or '.join(names)} can be used")

    def _trial(self, puller: Puller, digest: str) -> str | None:
        """Why a client cannot be used; ``None`` if it can."""
        if isinstance(puller, Client) and not puller.program:
            return "it is not installed"
        try:
            pulled = puller.pull(self._machine(f"trial of {puller.name}"), PUBLIC_IMAGE)
        except PullFailed as failure:
            return str(failure)
        return None if pulled == digest else f"it pulled {pulled} instead of {digest}"

    def _first_get(self, machine: Machine, registry: Hosted) -> str:
        done, took = self._get(machine, registry.host)
        self._show_reply(_reply(done, registry))
        self._screen.fact(f"{took}, with {_identity(machine, registry.host)}")
        return took

    def _second_get(self, machine: Machine, registry: Hosted) -> str:
        done, took = self._get(machine, registry.host)
        _reply(done, registry)
        _expect(registry.cloud.exchanges == 1, "the cloud got another request")
        self._screen.fact(f"{took}, from the cache")
        return took

    def _pull(self, machine: Machine, registry: Hosted, puller: Puller) -> str:
        self._pulled(machine, registry.image_name, registry.image.digest, puller)
        _expect(registry.registry.logins == [registry.login], "the registry got another login")
        self._screen.fact(f"the registry let {registry.username} in")
        return f"by {puller.name}"

    def _not_found(self, machine: Machine) -> str:
        done, _ = self._get(machine, OTHER)
        _expect(done.returncode != 0, "there is a credential")
        self._screen.said(done.stdout.strip())
        only_that = done.stdout.encode() == NOT_FOUND and not done.stderr
        _expect(only_that, f"not the sentence that clients compare: {done.stderr}")
        return "not found"

    def _pull_anonymously(
        self, machine: Machine, registry: Registry, digest: str, puller: Puller
    ) -> str:
        self._pulled(machine, PUBLIC_IMAGE, digest, puller)
        _expect(registry.logins == [], "the registry got a login")
        self._screen.fact("the registry got no credential")
        return f"by {puller.name}"

    def _machine(self, name: str) -> Machine:
        home = self._folder / name.lower().replace(" ", "-")
        home.mkdir()
        return client_machine(self._proxy, home)

    def _show(self, title: str, *steps: Step | None) -> None:
        marks = []
        for step in steps:
            try:
                marks.append(Mark() if step is None else Mark(True, step()))
            except (Wrong, PullFailed) as error:
                self._screen.wrong(str(error))
                marks.append(Mark(False))
        self.rows.append((title, marks))

    def _get(self, machine: Machine, host: str) -> tuple[CompletedProcess[str], str]:
        self._screen.command(f"echo {host} | {PROGRAM} get")
        started_at_s = perf_counter()
        done = machine.call(str(machine.program), "get", stdin=f"{host}\n")
        return done, f"{perf_counter() - started_at_s:.2f} s"

    def _show_reply(self, reply: dict[str, str]) -> None:
        shown = reply | {"Secret": f"({len(reply['Secret'])} characters, not shown)"}
        self._screen.said(json.dumps(shown))

    def _pulled(self, machine: Machine, image: str, digest: str, puller: Puller) -> None:
        self._screen.command(puller.shown(image))
        found = puller.pull(machine, image)
        self._screen.said(found)
        _expect(found == digest, f"the image is {digest}")


def _introduction(puller: Puller) -> str:
    name = puller.name if isinstance(puller, Client) else "a small client built into this demo"
    if puller.named_in[0] == "credsStore":
        config: object = {"credsStore": "multi"}
    else:
        config = {"credHelpers": {"HOST": "multi"}}
    return f"images are pulled by {name}, with this config.json: {json.dumps(config)}"


def _reply(done: CompletedProcess[str], registry: Hosted) -> dict[str, str]:
    """The credential in the answer of a `get`; the cloud must have issued it."""
    # The output of a success contains a secret: only that of a failure is shown.
    _expect(done.returncode == 0, f"{done.stdout.strip()}\n{done.stderr.strip()}")
    _expect(not done.stderr, done.stderr.strip())
    try:
        reply: dict[str, str] = json.loads(done.stdout)
    except ValueError:
        raise Wrong("the reply is not a JSON document") from None
    _expect(set(reply) == {"ServerURL", "Username", "Secret"}, "the reply has other keys")
    _expect(reply["Username"] == registry.username, f"the user name is {reply['Username']}")
    issued = registry.cloud.issued(reply["Username"], reply["Secret"], registry.host)
    _expect(issued, "the cloud did not issue this secret")
    return reply


def _identity(machine: Machine, host: str) -> str:
    done = machine.call(str(machine.program), "explain", "--json", host)
    _expect(done.returncode == 0, done.stderr)
    identity = json.loads(done.stdout)["identity"]
    return ": ".join(word for word in (identity["source"], identity["detail"]) if word)


def _expect(right: bool, otherwise: str) -> None:
    if not right:
        raise Wrong(otherwise)


def main(names: Sequence[str]) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # the locale may have no ellipsis
    screen = Screen(sys.stdout, os.environ)
    screen.text(f"{PROGRAM} {__version__} on loopback clouds: no account, no engine, no network")
    started_at_s = perf_counter()
    with tempfile.TemporaryDirectory(prefix=f"{PROGRAM}-demo-") as name:
        folder = Path(name)
        authority = Authority(folder)
        other = Registry(lambda *_: False, auth="token", public=[PUBLIC])
        with TerminatingProxy(authority) as proxy, other:
            proxy.route(OTHER, other)
            digest = other.seed_image(PUBLIC).digest
            demo = Demo(screen, proxy, folder)
            puller = demo.choose_puller(digest, names)
            for cloud in CLOUDS:
                with hosted(cloud.name, authority, proxy, folder) as registry:
                    demo.show_cloud(cloud.title, registry, puller)
            demo.show_other(other, digest, puller)
            strays = proxy.refused
    screen.table(["registry", "get", "again, cached", "image pulled"], demo.rows)
    for address in strays:
        screen.wrong(f"a request went to {address}")
    right = demo.right and not strays
    took = f"{perf_counter() - started_at_s:.0f} s"
    screen.text(f"\n{'everything is right' if right else 'NOT everything is right'}, in {took}")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
