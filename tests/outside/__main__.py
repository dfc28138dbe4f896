"""``python -m tests.outside``: other people's clients, each on six registries; prints one table.

It runs in namespaces of its own, where loopback is the only network: the registries are servers on
127.0.0.1 behind a proxy, and every daemon ends with the run. ``--only PATTERN`` and ``--without
PATTERN`` (repeatable) choose clients, ``--way`` and ``--registry`` a part of their cells. A chosen
client that is not installed fails the run. A run of all clients without an unexpected result writes
the page of the documentation.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from tests.clouds.authority import Authority
from tests.clouds.proxy import TerminatingProxy
from tests.outside import libraries, newer_debian
from tests.outside.client import PATH, WAYS, Client, Run
from tests.outside.engines import commands, containerd, docker, kaniko, podman
from tests.outside.registries import PLACES
from tests.outside.table import Cell, Table
from tests.roots.steps import commit
from tests.support.executable import EXECUTABLE, ROOT

CLIENTS = (
    *docker.CLIENTS,
    *podman.CLIENTS,
    *containerd.CLIENTS,
    *kaniko.CLIENTS,
    *commands.CLIENTS,
    *libraries.CLIENTS,
)
_PAGE = ROOT / "packaging/docs/clients.md"
# The folder, for the run in the namespaces.
_INSIDE = "OUTSIDE_FOLDER"


def main() -> None:
    """Run the clients; the exit status is 1 if a failure has no note, or a client is absent."""
    parser = argparse.ArgumentParser(prog="python -m tests.outside")
    for word in ("--only", "--without"):
        parser.add_argument(word, action="append", metavar="PATTERN", default=[])
    parser.add_argument("--way", action="append", choices=WAYS, default=[])
    parser.add_argument("--registry", action="append", choices=PLACES, default=[])
    words = parser.parse_args()
    folder = os.environ.get(_INSIDE)
    if not folder:
        sys.exit(_inside())
    for command in ("ip link set lo up", "mount -t tmpfs none /run"):
        subprocess.run(command.split(), check=True)
    newer_debian.mount(Path(folder))
    table = Table()
    for client in CLIENTS:
        if not _matches(client, words.only or ["*"]) or _matches(client, words.without):
            continue
        if missing := client.missing():
            table.absent[client.name] = missing
            continue
        own = Path(folder, client.name.replace(" ", "-").replace("/", "-"))
        own.mkdir()
        for cell in _cells(client, words.way or client.ways, words.registry or PLACES, own):
            table.add(cell)
    wrong = table.wrong()
    sys.stdout.write("\n".join([table.text(), *wrong, ""]))
    if not (wrong or words.only or words.without or words.way or words.registry):
        program = subprocess.check_output([EXECUTABLE, "--version"], text=True).strip()
        _PAGE.write_text(
            table.page(program=program, commit=commit(), day=f"{datetime.now(UTC):%Y-%m-%d}")
        )
    sys.exit(bool(wrong))


def _matches(client: Client, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(client.name, pattern) for pattern in patterns)


def _inside() -> int:
    """Run again in new namespaces, whose mounts end before their folder is removed."""
    alone = ("--net", "--mount", "--pid", "--ipc", "--uts", "--fork", "--mount-proc")
    python = (sys.executable, "-m", "tests.outside", *sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="outside-", dir="/var/tmp") as folder:
        environment = {**os.environ, _INSIDE: folder}
        return subprocess.call(["unshare", *alone, "--kill-child", *python], env=environment)


def _cells(
    client: Client, ways: Iterable[str], titles: Iterable[str], folder: Path
) -> Iterator[Cell]:
    """One client on each registry in each way."""
    authority = Authority(folder)
    state = folder / "state"
    state.mkdir()
    with TerminatingProxy(authority) as proxy:
        variables = {**proxy.environment(), "PATH": PATH, "HOME": str(folder)}
        with client.service(state, variables) as found:
            for title in titles:
                identity = folder / f"identity-{title}"
                identity.mkdir()
                # One registry for both ways: BuildKit keeps a registry's token for the next build.
                with PLACES[title](authority, proxy, identity) as place:
                    for way in ways:
                        run = Run(client, place, way, proxy, folder, found)
                        outcome = dict(run.operations())
                        sys.stderr.write(f"{client.name}, {way}, {title}: {outcome}\n")
                        yield Cell(client.name, client.title(), way, title, outcome)


if __name__ == "__main__":
    main()
