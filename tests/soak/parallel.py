"""Ask by many processes at once, and count the requests to the clouds.

The executable, the real SDKs, the clouds on loopback. Every round starts with an empty cache.

``python -m tests.soak.parallel [--processes N] [--rounds N]``
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.clouds.authority import Authority
from tests.clouds.loopback import loopbacks
from tests.clouds.proxy import TerminatingProxy
from tests.support.machine import Machine

Hosts = Callable[[int], list[str]]
# The cloud, its hosts, and the number of its names that are asked for.
CASES: tuple[tuple[str, str, Hosts], ...] = (
    ("one ECR registry", "ecr", lambda n: [loopbacks()["ecr"].host] * n),
    (
        "ECR registries of one principal and region, each another",
        "ecr",
        lambda n: [f"{10**11 + i}.dkr.ecr.us-east-1.amazonaws.com" for i in range(n)],
    ),
    ("one Google registry", "gcr", lambda n: [loopbacks()["gcr"].host] * n),
    (
        "Google registries of one account, each another",
        "gcr",
        lambda n: [f"region{i}-docker.pkg.dev" for i in range(n)],
    ),
    ("one Azure registry", "acr", lambda n: [loopbacks()["acr"].host] * n),
)


class Round:
    def __init__(self, name: str, hosts: list[str]) -> None:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            authority = Authority(folder)
            cloud, _ = loopbacks()[name].start(authority)
            with cloud, TerminatingProxy(authority) as proxy:
                cloud.register(proxy)
                identity = cloud.identity(folder)
                machine = Machine(folder / "home", **{**proxy.environment(), **identity})
                began_at_s = time.monotonic()
                answers = machine.get_at_once(*hosts)
                self.took_s = time.monotonic() - began_at_s
                self.exchanges = cloud.exchanges
                self.wrong = [
                    (host, answer)
                    for host, answer in zip(hosts, answers, strict=True)
                    if answer.stderr or not cloud.issued(*answer.credential, host)
                ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    failed = False
    for what, name, hosts in CASES:
        rounds = [Round(name, hosts(arguments.processes)) for _ in range(arguments.rounds)]
        exchanges = [done.exchanges for done in rounds]
        wrong = sum(len(done.wrong) for done in rounds)
        failed = failed or wrong > 0 or any(number != 1 for number in exchanges)
        print(
            f"{what}: {arguments.processes} processes at once, {len(rounds)} times;"
            f" exchanges {', '.join(map(str, exchanges))}; wrong answers {wrong};"
            f" slowest round {max(done.took_s for done in rounds):.1f} s"
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
