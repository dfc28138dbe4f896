"""Random machines that share one cache, each compared with itself without a cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.clouds.authority import Authority
from tests.clouds.loopback import modules
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.tokens import from_base64url
from tests.differential.machines import Change, Machines, Parts, changed
from tests.support.executable import Completed, Executable, pinned_environment

# The clouds with random machines.
KINDS = tuple(modules("witness"))


@dataclass
class Tally:
    """The counts of a run. ``wrong`` describes each answer for another machine."""

    machines: int = 0
    answered: int = 0
    renewed: int = 0
    silent: list[str] = field(default_factory=list)
    """Identities of the catalogue that have no credential even unchanged."""
    wrong: list[str] = field(default_factory=list)
    asked_again: list[str] = field(default_factory=list)
    """Machines that asked their cloud although only an identity token was renewed."""


@contextmanager
def machines_of(cloud: str, folder: Path) -> Iterator[tuple[Machines, dict[str, str]]]:
    """The machines of a cloud, and what each of them has in its environment."""
    with ExitStack() as running:
        authority = Authority(folder)
        proxy = running.enter_context(TerminatingProxy(authority))
        witness = modules("witness")[cloud].WITNESS
        servers = witness("A"), witness("B")
        for host in witness.hosts:
            proxy.route(host, servers[0])
        for server in servers:
            running.enter_context(server)
        yield Machines(cloud, folder / "home", authority, servers), proxy.environment()


def run(cloud: str, folder: Path, seed: int, *, fraction: float) -> Tally:
    """Try the machines of a cloud: with each identity, its neighbours, and mutated ones.

    ``fraction`` is how many of them are tried, from 0 to 1; the seed says which. A change of the
    identity itself is tried three times as often as one that machines of all identities have, and
    on average two of each identity at least.
    """
    random = Random(f"{cloud} {seed}")
    tally = Tally()
    with machines_of(cloud, folder) as (machines, around):
        links = _links(machines, folder / "links")
        runner = _Runner(machines, around, links, tally)
        for identity in machines.identities:
            others = [one for one in machines.identities if one != identity]
            pairs = [[identity, random.choice(others)]] if others else []
            for chosen in ([identity], *pairs):
                runner.name = " and ".join(one.name for one in chosen)
                runner.cache = folder / f"cache-{len(list(folder.iterdir()))}"
                runner.cache.mkdir(mode=0o700)
                first = machines.drawn(chosen, random)
                if runner.compare(first, []).status and len(chosen) == 1:
                    tally.silent.append(identity.name)
                runner.renew(first)
                changes = machines.changes(first)
                tries = [[change] for change in changes]
                tries += [random.sample(changes, random.choice((2, 3, 4))) for _ in changes]
                own = sum(not machines.of_all(change) for change in changes)
                for several in tries:
                    is_own = not machines.of_all(several[0])
                    chance = fraction * (3 if is_own else 1) / len(chosen)
                    if is_own and len(several) == len(chosen) == 1:
                        chance = max(chance, 2 / own)
                    if random.random() < chance:
                        runner.compare(first, several)
    return tally


def _links(machines: Machines, folder: Path) -> dict[str, Executable]:
    """The executable by every name that a machine calls it by; "" is its own."""
    program = Executable(pinned_environment(machines.home))
    links = {"": program}
    folder.mkdir()
    for name in machines.links:
        program.called(name, folder)
        links[name] = Executable(program.environment, [str(folder / name)])
    return links


@dataclass
class _Runner:
    """One cloud's machines, and the cache that those of the same identities share."""

    machines: Machines
    around: dict[str, str]
    links: dict[str, Executable]
    tally: Tally
    name: str = ""
    cache: Path = Path()

    def compare(self, first: Parts, changes: list[Change]) -> Completed:
        """Ask without the cache, then with it; the answer without it."""
        parts = changed(first, changes)
        environment = self._environment(parts)
        alone = self._get(parts, {**environment, "DOCKER_CREDENTIAL_MULTI_CACHE": "off"})
        self.tally.machines += 1
        self.tally.answered += alone.status == 0
        shared = self._get(parts, environment)
        if (shared.status, shared.stdout) != (alone.status, alone.stdout):
            answers = f"\n  alone:  {_shown(alone)}\n  shared: {_shown(shared)}"
            self.tally.wrong.append(f"{self.name} {changes}{answers}")
        return alone

    def renew(self, first: Parts) -> None:
        """Renew the token of an identity whose answer is cached: its cloud is not asked."""
        renewed = self.machines.renewed(first)
        if renewed == first:
            return
        environment = self._environment(renewed)
        asked = self._asked()
        if self._get(renewed, environment).status == 0:
            self.tally.renewed += 1
            if self._asked() != asked:
                self.tally.asked_again.append(self.name)

    def _environment(self, parts: Parts) -> dict[str, str]:
        cache = {"DOCKER_CREDENTIAL_MULTI_CACHE_FOLDER": str(self.cache)}
        home = pinned_environment(self.machines.home)
        return {**home, **self.around, **cache, **self.machines.set_up(parts)}

    def _get(self, parts: Parts, environment: dict[str, str]) -> Completed:
        return self.links[parts["link"]].get(parts["host"], environment)

    def _asked(self) -> int:
        return sum(len(server.received) for server in self.machines.servers)


def _shown(answer: Completed) -> str:
    """An answer with the encoded parts of its secret decoded."""
    if answer.status:
        return f"{answer.stdout!r}{answer.stderr}"
    secret = answer.document["Secret"]
    part = secret.split(".")[1] if secret.startswith(("ya29.", "ey")) else ""
    return from_base64url(part).decode(errors="replace") if part else str(secret)
