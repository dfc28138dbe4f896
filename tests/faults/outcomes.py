"""The table of outcomes: what comes of each row, kept beside and compared with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.faults.matrix import BY_THE_CLOCK, Line, Outcome
from tests.faults.steps import STEPS
from tests.faults.table import SLOW, faults_of

FILE = Path(__file__).parent / "outcomes.tsv"
_TITLE = "# cloud\tstep\tfault\toutcome\ttold\thint"


def read() -> dict[tuple[str, str, str], Line]:
    """The table, by row."""
    lines = FILE.read_text("utf-8").splitlines()
    assert lines[0] == _TITLE
    rows = [Line(*line.split("\t")) for line in lines[1:]]
    return {row[:3]: row for row in rows}


def write(outcomes: Iterable[Outcome]) -> None:
    """Keep these; what was told by the clock alone does not take a better word's place."""
    known = read() if FILE.exists() else {}
    for outcome in outcomes:
        line, before = outcome.line, known.get(outcome.line[:3])
        late = line.told == BY_THE_CLOCK and before and line.outcome == before.outcome
        if not late:
            known[line[:3]] = line
    text = "".join("\t".join(known[row]) + "\n" for row in rows() if row in known)
    FILE.write_text(f"{_TITLE}\n{text}", "utf-8")


def rows() -> list[tuple[str, str, str]]:
    """Every row there is, in order."""
    return [
        (cloud, step.name, fault)
        for cloud, steps in STEPS.items()
        for step in steps
        for fault in faults_of(step)
    ]


def surprises(outcomes: Iterable[Outcome]) -> list[str]:
    """Where rows came to something else than the table says, or to what must not be."""
    known = read()
    found = []
    for outcome in outcomes:
        line, expected = outcome.line, known.get(outcome.line[:3])
        # On a busy machine the deadline may come before the step's own patience ends.
        late = line.fault in (*SLOW, "proxy never answers") and line.told == BY_THE_CLOCK
        if line != expected and not (late and expected and line.outcome == expected.outcome):
            found.append(f"{line}\n    expected {expected}")
        found += [f"{line[:3]}: {wrong}" for wrong in outcome.wrong]
    return found


def figures(outcomes: list[Outcome]) -> str:
    """What was tried and what came of it, in a line."""
    kinds: dict[str, int] = {}
    for outcome in outcomes:
        kinds[outcome.line.outcome] = kinds.get(outcome.line.outcome, 0) + 1
    told = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    requests = sum(outcome.requests for outcome in outcomes)
    longest_s = max(outcome.took_s for outcome in outcomes)
    return (
        f"{len(outcomes)} faults tried: {told}; {requests} requests at the steps that failed;"
        f" longest get {longest_s:.1f} s"
    )
