"""The targets, and whether they are reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.bench.rounds import Measured
from tests.bench.subjects import BARE, NAIVE, ONEDIR, ONEFILE, PLAIN_SCRIPT, Subject

Results = Mapping[str, Measured]


@dataclass(frozen=True)
class Figure:
    """One target."""

    what: str
    unit: str
    limit: float
    measured: float | None
    """``None`` if a program for it is missing."""
    of_quickest: float | None = None
    """The same figure from the quickest runs."""
    at_least: bool = False
    """Whether larger is better."""

    @property
    def is_reached(self) -> bool | None:
        if self.measured is None:
            return None
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


def figures(results: Results, subjects: Sequence[Subject]) -> Iterator[Figure]:
    """The figures of one run."""
    for name, title in (("ecr", "ECR"), ("gcr", "Google"), ("acr", "Azure")):
        warm, cold = results[f"warm {name}"], results[f"cold {name}"]
        for subject, limit in ((ONEFILE, 3.5), (ONEDIR, 1.6)):
            yield _times(f"warm get, {title}: {subject} / {BARE}", warm, subject, BARE, limit)
        what = f"cold get, {title}: {ONEFILE} / {PLAIN_SCRIPT}"
        yield _times(what, cold, ONEFILE, PLAIN_SCRIPT, 1.3)
    what = f"warm get, ECR: {NAIVE} / {ONEFILE}"
    yield _times(what, results["warm ecr"], NAIVE, ONEFILE, 40, at_least=True)
    sizes = next((it.sizes for it in subjects if it.name == ONEFILE), None)
    yield Figure("one file on disk", "MB", 20, sizes[0] / 1e6 if sizes else None)
    yield Figure("one file gzipped", "MB", 15, sizes[1] / 1e6 if sizes else None)


def _times(
    what: str, measured: Measured, one: str, other: str, limit: float, *, at_least: bool = False
) -> Figure:
    return Figure(
        what,
        "×",
        limit,
        measured.times(one, other),
        measured.min_times(one, other),
        at_least=at_least,
    )
