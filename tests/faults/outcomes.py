"""The table of outcomes of each cloud, in its folder: one line for each row of the matrix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.clouds.aws.steps import PUBLIC_STEP
from tests.clouds.loopback import modules
from tests.faults.matrix import LATE, Line, Outcome
from tests.faults.steps import STEPS
from tests.faults.table import faults_of

_TITLE = "# step\tfault\toutcome\tcode\thint"


def _file(cloud: str) -> Path:
    return Path(str(modules("steps")[cloud].__file__)).with_name("outcomes.tsv")


def read() -> dict[tuple[str, str, str], Line]:
    rows = []
    for cloud in STEPS:
        file = _file(cloud)
        lines = file.read_text("utf-8").splitlines() if file.exists() else [_TITLE]
        assert lines[0] == _TITLE
        rows += [Line(cloud, *line.split("\t")) for line in lines[1:]]
    return {row[:3]: row for row in rows}


def write(outcomes: Iterable[Outcome]) -> None:
    """Replace these lines; a code of the deadline does not replace the code of the step."""
    known = read()
    for outcome in outcomes:
        line, before = outcome.line, known.get(outcome.line[:3])
        late = before and {line.code, before.code} <= LATE and line.outcome == before.outcome
        if not late:
            known[line[:3]] = line
    for cloud in STEPS:
        lines = [known[row][1:] for row in rows() if row[0] == cloud and row in known]
        if lines:
            text = "".join("\t".join(line) + "\n" for line in lines)
            _file(cloud).write_text(f"{_TITLE}\n{text}", "utf-8")


def rows() -> list[tuple[str, str, str]]:
    return [
        (cloud, step.name, fault)
        for cloud, steps in STEPS.items()
        for step in steps
        for fault in faults_of(step)
    ]


def differences(outcomes: Iterable[Outcome]) -> list[str]:
    """The outcomes that differ from the table, and the promises that were broken."""
    known = read()
    found = []
    for outcome in outcomes:
        line, expected = outcome.line, known.get(outcome.line[:3])
        # On a busy machine the deadline may come before the time limit of the step; and a public
        # registry is asked for a few seconds only, which may not be enough there.
        late = expected is not None and {line.code, expected.code} <= LATE
        late = late or (line.step == PUBLIC_STEP and line.code in LATE)
        if line != expected and not late:
            found.append(f"{line}\n    expected {expected}")
        found += [f"{line[:3]}: {wrong}" for wrong in outcome.wrong]
    return found


def figures(outcomes: list[Outcome]) -> str:
    kinds = Counter(outcome.line.outcome for outcome in outcomes)
    counts = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    requests = sum(outcome.requests for outcome in outcomes)
    longest_s = max(outcome.took_s for outcome in outcomes)
    largest_mib = max(outcome.memory_mib for outcome in outcomes)
    return (
        f"{len(outcomes)} faults tried: {counts}; {requests} requests at the steps that failed;"
        f" longest get {longest_s:.1f} s, largest {largest_mib} MiB"
    )
