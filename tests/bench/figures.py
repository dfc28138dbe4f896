"""The targets, and whether they are reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.bench.rounds import Measured, Series
from tests.bench.subjects import (
    BARE,
    GO_HELPERS,
    ONEDIR,
    ONEFILE,
    PLAIN_SCRIPT,
    STATIC,
    WHEEL,
    Subject,
)

Results = Mapping[str, Measured]


@dataclass(frozen=True)
class Figure:
    what: str
    unit: str
    limit: float
    measured: float | None
    """``None`` if a program for it is missing."""
    of_quickest: float | None = None
    """The same figure from the quickest runs."""

    @property
    def is_reached(self) -> bool | None:
        if self.measured is None:
            return None
        return self.measured <= self.limit


# A cold get, relative to the plain script: the file, the folder and the wheel.
_COLD = {"ecr": (0.4, 0.33, 0.6), "gcr": (0.55, 0.45, 0.7), "acr": (0.6, 0.5, 0.7)}


def figures(
    results: Results, subjects: Sequence[Subject], least_peak_bytes: int = 0
) -> Iterator[Figure]:
    go = GO_HELPERS["ecr"]
    for subject in (ONEFILE, STATIC):
        for name, what in (("warm ecr", "warm get, ECR"), ("parallel ecr", "20 at once")):
            yield _times(f"{what}: {subject} / {go}", results[name], subject, go, 0.5)
        what = f"a host without a credential: {subject} / {BARE}"
        yield _times(what, results["other"], subject, BARE, 1.2)
    for name, title in (("ecr", "ECR"), ("gcr", "Google"), ("acr", "Azure")):
        cold = results[f"cold {name}"]
        for subject, limit in zip((ONEFILE, ONEDIR, WHEEL), _COLD[name], strict=True):
            what = f"cold get, {title}: {subject} / {PLAIN_SCRIPT}"
            yield _times(what, cold, subject, PLAIN_SCRIPT, limit)
        series = cold.good(ONEFILE)
        peak = max(series.peak_bytes, least_peak_bytes) / 1e6 if series else None
        yield Figure(f"peak memory of a cold get, {title}: {ONEFILE}", "MB", 45, peak)
    sizes = next((it.sizes for it in subjects if it.name == ONEFILE), None)
    yield Figure("one file on disk", "MB", 16, sizes[0] / 1e6 if sizes else None)
    yield Figure("one file gzipped", "MB", 12, sizes[1] / 1e6 if sizes else None)


def _times(what: str, measured: Measured, one: str, other: str, limit: float) -> Figure:
    quickest = measured.times(one, other, Series.min_times)
    return Figure(what, "×", limit, measured.times(one, other), quickest)
