"""Random machines that share one cache, each compared with itself without a cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from cred_helper.clouds import NAMES
from tests.clouds.authority import Authority
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.server import LoopbackServer
from tests.clouds.tokens import from_base64url
from tests.differential.machines import (
    USERS,
    AwsMachines,
    AzureMachines,
    Draws,
    GoogleMachines,
    HubMachines,
    Kind,
)
from tests.differential.witness import WitnessAws, WitnessAzure, WitnessGoogle, WitnessHub
from tests.support.executable import Completed, Executable, pinned_environment

CLOUDS = NAMES
# The clouds with random machines.
KINDS = ("ecr", "gcr", "acr", "dockerhub")


@dataclass
class Tally:
    """The counts of a run. ``wrong`` describes each answer for another machine."""

    machines: int = 0
    answered: int = 0
    renewed: int = 0
    wrong: list[str] = field(default_factory=list)
    asked_again: list[str] = field(default_factory=list)
    """Machines that asked their cloud although only a session was renewed."""


Servers = tuple[LoopbackServer, LoopbackServer]


@contextmanager
def _kind(cloud: str, folder: Path) -> Iterator[tuple[Kind, Servers, dict[str, str]]]:
    """The machines of a cloud, its servers, and what every machine has in its environment."""
    with ExitStack() as running:
        authority = Authority(folder)
        proxy = running.enter_context(TerminatingProxy(authority))
        home = folder / "home"
        kind: Kind
        servers: Servers
        match cloud:
            case "ecr":
                servers = amazon = WitnessAws("A"), WitnessAws("B")
                for zone in ("*.amazonaws.com", "*.api.aws"):
                    proxy.route(zone, amazon[0])
                kind = AwsMachines(home, amazon)
            case "gcr":
                servers = google = WitnessGoogle("A"), WitnessGoogle("B")
                for host in ("oauth2", "sts", "iamcredentials"):
                    proxy.route(f"{host}.googleapis.com", google[0])
                files = {user: authority.client_identity_file(user).read_text() for user in USERS}
                kind = GoogleMachines(home, google, authority.rsa_key_pem(), files)
            case "acr":
                servers = azure = WitnessAzure("A"), WitnessAzure("B")
                for host in ("login.microsoftonline.com", "login.microsoftonline.us"):
                    proxy.route(host, azure[0])
                proxy.route("*.azurecr.io", azure[0])
                kind = AzureMachines(home, azure)
            case "dockerhub":
                servers = hub = WitnessHub("A"), WitnessHub("B")
                for host in ("identity.docker.com", "run.actions.example"):
                    proxy.route(host, hub[0])
                kind = HubMachines(home)
            case _:
                raise LookupError(f"tests/differential/machines.py has no machines of {cloud}")
        for server in servers:
            running.enter_context(server)
        yield kind, servers, proxy.environment()


def run(cloud: str, folder: Path, seed: int, *, fraction: float) -> Tally:
    """Try the machines of a cloud: of each source one, its neighbours, and mutated ones.

    ``fraction`` is how many of them are tried, from 0 to 1; the seed says which.
    """
    random = Random(f"{cloud} {seed}")
    tally = Tally()
    with _kind(cloud, folder) as (kind, servers, around):
        runner = _Runner(kind, servers, around, _links(kind, folder / "links"), tally)
        for source in kind.choices["source"]:
            runner.cache = folder / f"cache-{source}"
            first = kind.drawn(random) | {"source": source}
            runner.compare(first)
            if source in kind.renewable:
                runner.renew(first)
            neighbours = kind.neighbours(first)
            mutated = [kind.mutated(first, random) for _ in neighbours]
            for draws in [*neighbours, *mutated]:
                if random.random() < fraction:
                    runner.compare(draws)
    return tally


def _links(kind: Kind, folder: Path) -> dict[str, Executable]:
    """The executable by every name that a machine calls it by; "" is its own."""
    program = Executable(pinned_environment(kind.home))
    links = {"": program}
    folder.mkdir()
    for name in {*kind.choices["link"]} - {""}:
        program.called(name, folder)
        links[name] = Executable(program.environment, [str(folder / name)])
    return links


@dataclass
class _Runner:
    """One cloud's machines, and the cache that they share."""

    kind: Kind
    servers: Servers
    around: dict[str, str]
    links: dict[str, Executable]
    tally: Tally
    cache: Path = Path()

    def compare(self, draws: Draws) -> None:
        """Ask without the cache, then with it."""
        environment = self._environment(draws)
        alone = self._get(draws, {**environment, "DOCKER_CREDENTIAL_MULTI_CACHE": "off"})
        self.tally.machines += 1
        self.tally.answered += alone.status == 0
        shared = self._get(draws, environment)
        if (shared.status, shared.stdout) != (alone.status, alone.stdout):
            differ = f"{draws}\n  alone:  {_shown(alone)}\n  shared: {_shown(shared)}"
            self.tally.wrong.append(differ)

    def renew(self, draws: Draws) -> None:
        """Renew the session of an identity whose token is cached: its cloud is not asked."""
        renewed = draws | {"renewal": draws["renewal"] + 100}
        environment = self._environment(renewed)
        asked = self._asked()
        if self._get(renewed, environment).status == 0:
            self.tally.renewed += 1
            if self._asked() != asked:
                self.tally.asked_again.append(str(renewed))

    def _environment(self, draws: Draws) -> dict[str, str]:
        cache = {"DOCKER_CREDENTIAL_MULTI_CACHE_FOLDER": str(self.cache)}
        home = pinned_environment(self.kind.home)
        return {**home, **self.around, **cache, **self.kind.environment(draws)}

    def _get(self, draws: Draws, environment: dict[str, str]) -> Completed:
        return self.links[draws["link"]].get(draws["host"], environment)

    def _asked(self) -> int:
        return sum(len(server.received) for server in self.servers)


def _shown(answer: Completed) -> str:
    """An answer with the encoded parts of its secret decoded."""
    if answer.status:
        return f"{answer.stdout!r}{answer.stderr}"
    secret = answer.document["Secret"]
    part = secret.split(".")[1] if secret.startswith(("ya29.", "ey")) else ""
    return from_base64url(part).decode() if part else str(secret)
