"""The table of results: a row for each client and way to name us, a column for each registry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.outside.registries import PLACES

_KANIKO = (
    "Between the stages of a build, kaniko deletes every file outside of `/kaniko`: copy the "
    "helper to `/kaniko` ([recipe](recipes.md#kaniko-in-kubernetes))."
)
_RUST = (
    '`docker_credential` reports "not found" as an error: let the caller continue without a login, '
    'or write a rule with `answer = "empty"` for the host.'
)
_LISTED = (
    "The classic builder and regctl ask only for hosts that `list` shows. With `credsStore`, it "
    "shows a cloud's host only after a `get`, such as that of a `docker pull`. Use BuildKit, "
    "`credHelpers`, or a rule with `list = true`."
)
_REGCTL = (
    "`regctl registry logout` without a `regctl registry login` before it ends with a stack trace."
)
_KO = (
    "ko asks AWS itself, with the machine's identity, before it reads config.json: for ECR it "
    "needs no helper."
)
# https://github.com/testcontainers/testcontainers-go/issues/3602
_GO = (
    "testcontainers for Go asks a `credsStore` only for the hosts in `auths`, where `docker login` "
    "puts them: run `docker-credential-multi configure --registry HOST`."
)
EXPLAINED = (
    ("docker classic builder", "credsStore", "[!p]*", "build", _LISTED),
    ("regctl", "credsStore", "[!p]*", "pu[ls][lh]", _LISTED),
    ("regctl", "*", "[!p]*", "logout", _REGCTL),
    ("kaniko helper in /usr/local/bin", "*", "*", "push", _KANIKO),
    ("ko", "*", "ECR", "[bp]u*", _KO),
    ("docker_credential (Rust)", "*", "public", "get", _RUST),
    ("testcontainers (Go)", "credsStore", "*[!c]", "get", _GO),
)
"""Client, way, registry and operation, as patterns, and why this cannot work."""

PAGE = """\
# Clients

`make outside` installs these clients, runs them, and writes this page. For `credsStore`, the client
was set up by `docker-credential-multi configure`, which sets `credential-helpers` in
`registries.conf` for podman, buildah and skopeo; for `credHelpers`, by
`docker-credential-multi configure --registry HOST`. The registries are servers on loopback that
accept only tokens of their cloud; the private one needs a login, the public one none. Skaffold and
podman 6 were not available. Debian 14 is not released. Other projects that judge this one:
[judges.md](judges.md).

{program}, commit {commit}, {day}.

{table}

{notes}
"""


OPERATIONS = ("get", "login", "pull", "build", "push", "logout")


@dataclass(frozen=True)
class Cell:
    """The result of one client on one registry: the failure of each operation, or an empty text."""

    client: str
    title: str
    way: str
    registry: str
    outcome: dict[str, str]


class Table:
    """All cells so far, the notes on those that failed, and the clients that are absent."""

    def __init__(self) -> None:
        self._cells: list[Cell] = []
        self.absent: dict[str, list[str]] = {}
        """What is not installed, by the name of the client that needs it."""
        self._notes: list[str] = []

    def add(self, cell: Cell) -> None:
        self._cells.append(cell)

    def wrong(self) -> list[str]:
        """The clients that did not run, failures without a note, and notes without a failure."""
        wrong = [f"{name}: not installed: {', '.join(of)}" for name, of in self.absent.items()]
        met, tried = set(), set()
        for cell in self._cells:
            for operation, reason in cell.outcome.items():
                row = _explained(cell, operation)
                tried.add(row)
                if row and reason:
                    met.add(row)
                elif reason:
                    wrong.append(f"{cell.client} {cell.way} {cell.registry} {operation}: {reason}")
        stale = (
            f"works, and is explained: {' '.join(row)}"
            for row in EXPLAINED
            if row in tried and row not in met
        )
        return [*wrong, *stale]

    def text(self) -> str:
        """For a terminal."""
        rows = list(self._rows())
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        return "\n".join([*lines, "", *self._numbered(), ""])

    def page(self, **run: str) -> str:
        """For the documentation: with the program, its commit and the day."""
        head, *rows = self._rows()
        table = "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))
        return PAGE.format(table=table, notes="\n".join(self._numbered()), **run)

    def _rows(self) -> Iterator[list[str]]:
        yield ["Client", "Named in", "Operations", *PLACES]
        self._notes = []
        groups: dict[tuple[str, str], dict[str, Cell]] = {}
        for cell in self._cells:
            groups.setdefault((cell.title, cell.way), {})[cell.registry] = cell
        for (title, way), cells in groups.items():
            done = {name for cell in cells.values() for name in cell.outcome}
            operations = [name for name in OPERATIONS if name in done]
            words = (self._word(cells.get(place)) for place in PLACES)
            yield [title, way, ", ".join(operations), *words]

    def _word(self, cell: Cell | None) -> str:
        """The text of a cell: ``ok``, or the operations that failed and their notes."""
        if cell is None or not cell.outcome:
            return "-"
        failed: dict[str, list[str]] = {}
        for operation, reason in cell.outcome.items():
            if reason:
                row = _explained(cell, operation)
                failed.setdefault(row[4] if row else reason, []).append(operation)
        words = (f"no {', '.join(names)} ({self._note(text)})" for text, names in failed.items())
        return "; ".join(words) or "ok"

    def _note(self, text: str) -> int:
        if text not in self._notes:
            self._notes.append(text)
        return self._notes.index(text) + 1

    def _numbered(self) -> Iterable[str]:
        return (f"{number}. {text}" for number, text in enumerate(self._notes, 1))


def _explained(cell: Cell, operation: str) -> tuple[str, str, str, str, str] | None:
    facts = (cell.client, cell.way, cell.registry, operation)
    for row in EXPLAINED:
        if all(map(fnmatchcase, facts, row[:4])):
            return row
    return None
