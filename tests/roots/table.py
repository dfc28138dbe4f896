"""The tables of all outcomes, for a terminal and for the documentation, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from tests.roots.outcome import Outcome, Verdict

STEPS = ("demo", "frozen", "tests", "deb")
FILES = ("frozen", "static", "package")


@dataclass(frozen=True)
class Report:
    """Everything that is known of the roots."""

    heading: str
    """The version and the machine."""
    outcomes: Sequence[Outcome]
    facts: Mapping[str, Mapping[str, str]]
    """The versions in each root."""
    floors: Mapping[str, str] = field(default_factory=dict)
    """The oldest glibc of the file that was built in each root."""

    @property
    def is_right(self) -> bool:
        return all(outcome.verdict.is_right for outcome in self.outcomes)

    def pages(self) -> Iterator[str]:
        """The tables in Markdown."""
        yield self.heading
        heads = ["root", "Debian", "glibc", "Python", "step", "result", "commit", "day"]
        yield _table(heads, self._of_steps())
        heads, rows = self._of_files()
        if rows:
            yield _table(heads, rows)
        yield from self._words("The messages where it cannot run:", Verdict.REFUSED)
        yield from self._words("Skipped:", Verdict.SKIPPED)
        yield from self._words("Failed:", Verdict.FAILED, Verdict.OUT_OF_TIME)

    def document(self) -> str:
        """All of it as JSON."""
        rows = [asdict(outcome) for outcome in self.outcomes]
        everything = {"heading": self.heading, "roots": self.facts, "floors": self.floors}
        return json.dumps({**everything, "outcomes": rows}, indent=1) + "\n"

    def _of_steps(self) -> Iterator[list[str]]:
        built = [outcome for outcome in self.outcomes if not outcome.built_in]
        for root in dict.fromkeys(outcome.root for outcome in built):
            steps = {outcome.step: outcome for outcome in built if outcome.root == root}
            if set(steps) == {"root"} and steps["root"].verdict is Verdict.OK:
                continue  # files of other roots are tried in it: the other table
            facts = self.facts.get(root, {})
            versions = [facts.get(name, "") for name in ("debian", "glibc", "python")]
            for step in STEPS:
                if step in steps:
                    it = steps[step]
                    yield [root, *versions, step, _cell(it), it.commit, it.day]

    def _of_files(self) -> tuple[list[str], list[list[str]]]:
        tried = [outcome for outcome in self.outcomes if outcome.built_in]
        systems = list(dict.fromkeys(outcome.root.partition("-")[0] for outcome in tried))
        rows = []
        for owner in dict.fromkeys(outcome.built_in for outcome in tried):
            for step in FILES:
                cells = {
                    outcome.root.partition("-")[0]: outcome
                    for outcome in tried
                    if (outcome.built_in, outcome.step) == (owner, step)
                }
                if cells:
                    needs = "" if step == "static" else self.floors.get(owner, "")
                    shown = [_cell(cells.get(system)) for system in systems]
                    last = max(cells.values(), key=lambda it: it.day)
                    rows.append([f"{step}, {owner}", last.commit, last.day, needs, *shown])
        heads = [
            "file, and where it was built",
            "commit",
            "day",
            "needs glibc",
            *(self._system(system) for system in systems),
        ]
        return heads, rows

    def _system(self, system: str) -> str:
        versions = [facts.get("glibc") for name, facts in self.facts.items()
                    if name.startswith(f"{system}-")]  # fmt: skip
        return f"in {system}" + (f" (glibc {versions[0]})" if versions and versions[0] else "")

    def _words(self, title: str, *verdicts: Verdict) -> Iterator[str]:
        found: dict[str, list[str]] = {}
        for it in self.outcomes:
            if it.verdict in verdicts:
                where = f"{it.step} in {it.root}" + (
                    f", built in {it.built_in}" if it.built_in else ""
                )
                found.setdefault(it.words, []).append(where)
        if found:
            lines = [f"- `{words}`: {'; '.join(where)}" for words, where in found.items()]
            yield "\n".join([title, "", *lines])


def _cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    if outcome.verdict is Verdict.OK:
        return outcome.words or "ok"
    return str(outcome.verdict)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = [list(heads), *map(list, rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(heads))]
    cells.insert(1, ["-" * width for width in widths])
    lines = [" | ".join(map(str.ljust, row, widths)) for row in cells]
    return "\n".join(f"| {line} |" for line in lines)
