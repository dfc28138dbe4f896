"""The results of one run as a document, which is kept as JSON."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cred_helper import __version__
from tests.bench.build import Build
from tests.bench.day import Day
from tests.bench.figures import Figure, Results
from tests.bench.rounds import Measured, Series
from tests.bench.subjects import Subject

Document = dict[str, Any]


@dataclass(frozen=True)
class Report:
    rounds: int
    took_s: float
    loads: tuple[float, float]
    """Load of the machine before and after."""
    least_peak_bytes: int
    """The smallest peak that can be measured."""
    subjects: Sequence[Subject]
    results: Results
    days: Sequence[Day]
    builds: Sequence[Build]
    figures: Sequence[Figure]

    def document(self) -> Document:
        return {
            "version": __version__,
            "date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "machine": {
                "processor": _processor(),
                "cores": os.cpu_count(),
                "kernel": f"{platform.system()} {platform.release()}",
                "python": sys.version,
                "load_before": self.loads[0],
                "load_after": self.loads[1],
                "least_peak_bytes": self.least_peak_bytes,
            },
            "rounds": self.rounds,
            "took_s": self.took_s,
            "subjects": {it.name: _subject(it) for it in self.subjects},
            "scenarios": {name: _measured(it) for name, it in self.results.items()},
            "days": [asdict(day) for day in self.days],
            "builds": [asdict(build) for build in self.builds],
            "figures": [{**asdict(it), "reached": it.is_reached} for it in self.figures],
        }


def _subject(subject: Subject) -> Document:
    disk, zipped = subject.sizes or (None, None)
    said = {"what": subject.what, "kind": subject.kind.value, "version": subject.version}
    return {**said, "bytes": disk, "bytes_gzipped": zipped}


def _measured(measured: Measured) -> Document:
    series = {name: _series(measured, name, it) for name, it in measured.series.items()}
    return {**asdict(measured.scenario), "subjects": series}


def _series(measured: Measured, name: str, series: Series) -> Document:
    if measured.good(name) is None:
        return {"wrong": series.wrong}
    return {
        "median_ms": series.median_ms, "min_ms": series.min_ms, "cpu_ms": series.cpu_ms,
        "times_reference": measured.times(name), "peak_bytes": series.peak_bytes,
        "requests_per_get": series.requests,
        "ms_by_round": dict(zip(series.samples, series.ms, strict=True)),
    }  # fmt: skip


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
