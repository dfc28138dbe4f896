"""The results as Markdown tables and as JSON."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from cred_helper import __version__
from tests.bench.day import Day, Tally
from tests.bench.figures import Figure, Results
from tests.bench.rounds import Measured, Series
from tests.bench.subjects import Subject

WHICH = "program"
CLOUDS = {"ecr": "ECR", "gcr": "Google", "acr": "Azure"}


@dataclass(frozen=True)
class Report:
    """One run of the bench."""

    rounds: int
    took_s: float
    loads: tuple[float, float]
    """Load of the machine before and after."""
    least_peak_bytes: int
    """The smallest peak that can be measured."""
    subjects: Sequence[Subject]
    results: Results
    days: Sequence[Day]
    figures: Sequence[Figure]

    @property
    def machine(self) -> str:
        before, after = self.loads
        return (
            f"docker-credential-multi {__version__}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, "
            f"{_processor()}, {os.cpu_count()} cores, load {before:.1f} before and {after:.1f} "
            f"after, Python {platform.python_version()}, {platform.system()} {platform.release()}, "
            f"{self.rounds} rounds in {self.took_s:.0f} s"
        )

    def pages(self) -> Iterator[str]:
        """The tables with their headings."""
        yield self.machine
        yield self._by_cloud(
            "Warm get: the answer is in the cache. Median in ms (quickest), × bare Python", "warm"
        )
        yield self._by_cloud(
            "Cold get: nothing is cached. Median in ms (quickest), × the plain script", "cold"
        )
        yield self._others()
        yield self._sizes()
        yield self._days()
        yield self._figures()
        yield from self._wrong_answers()

    def document(self) -> dict[str, object]:
        """All results."""
        return {
            "version": __version__,
            "date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "machine": {
                "processor": _processor(),
                "cores": os.cpu_count(),
                "kernel": platform.release(),
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
            "figures": [{**asdict(it), "reached": it.is_reached} for it in self.figures],
        }

    def write(self, path: Path) -> None:
        """Write the results as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.document(), indent=1) + "\n")

    def _by_cloud(self, title: str, kind: str) -> str:
        measured = [self.results[f"{kind} {cloud}"] for cloud in CLOUDS]
        rows = []
        for subject in self._in(measured):
            cells = [_cell(it, subject.name) for it in measured]
            rows.append([subject.name, *cells, _requests(measured, subject.name)])
        return _table(title, ["", *CLOUDS.values(), "requests upstream"], rows)

    def _others(self) -> str:
        other, parallel = self.results["other"], self.results["parallel ecr"]
        rows = [
            [subject.name, _cell(other, subject.name), _cell(parallel, subject.name)]
            for subject in self._in([other, parallel])
        ]
        title = (
            "A host without a credential; 20 warm gets at once, for ECR or the helper's own cloud."
            " Median in ms (quickest), × bare Python"
        )
        return _table(title, ["", "not found", "20 at once"], rows)

    def _sizes(self) -> str:
        rows = []
        for subject in self.subjects:
            disk, zipped = subject.sizes or (None, None)
            warm, cold = (
                [it for name, it in self.results.items() if name.startswith(kind)]
                for kind in ("warm", "cold")
            )
            rows.append(
                [
                    subject.name,
                    _megabytes(disk),
                    _megabytes(zipped),
                    self._peak(warm, subject.name),
                    self._peak(cold, subject.name),
                    subject.what,
                ]
            )
        heads = ["", "on disk", "gzipped", "peak, warm", "peak, cold", WHICH]
        return _table("Size and peak memory in MB", heads, rows)

    def _peak(self, measured: Iterable[Measured], name: str) -> str:
        good = [series for it in measured if (series := it.good(name)) is not None]
        peak = max((series.peak_bytes for series in good), default=0)
        # Smaller peaks cannot be measured; 1 % is a page or two.
        bound = "≤ " if 0 < peak < self.least_peak_bytes * 1.01 else ""
        return bound + _megabytes(peak or None)

    def _days(self) -> str:
        rows = []
        for day in self.days:
            shared = [cloud for cloud in day.ours if cloud in day.peers]
            for cloud in (*shared, *(it for it in day.ours if it not in shared)):
                ours, theirs = day.ours[cloud], day.peers.get(cloud)
                rows.append([day.title, CLOUDS[cloud], str(ours.gets), *_tallies(ours, theirs)])
            ours, theirs = _sum(day.ours, shared), _sum(day.peers, shared)
            rows.append([day.title, "together", str(ours.gets), *_tallies(ours, theirs)])
        heads = ["", "", "gets", "ours, s", "requests", "Go helpers, s", "requests"]
        return _table("A day's work, 50 ms before every reply", heads, rows)

    def _figures(self) -> str:
        rows = []
        for figure in self.figures:
            bound = "at least" if figure.at_least else "at most"
            reached = {None: "not measured", True: "yes", False: "NO"}[figure.is_reached]
            rows.append(
                [
                    figure.what,
                    f"{bound} {figure.limit:g} {figure.unit}",
                    _number(figure.measured),
                    _number(figure.of_quickest),
                    reached,
                ]
            )
        heads = ["", "target", "measured", "quickest runs", "reached"]
        return _table("Targets", heads, rows)

    def _wrong_answers(self) -> Iterator[str]:
        for name, measured in self.results.items():
            for subject, series in measured.series.items():
                if series.wrong:
                    yield f"{name}: {subject} is left out: {series.wrong}"
        for day in self.days:
            for who, tallies in (("ours", day.ours), ("the Go helper", day.peers)):
                for cloud, tally in tallies.items():
                    if tally.wrong:
                        yield f"{day.title}, {CLOUDS[cloud]}: {who} was wrong: {tally.wrong}"

    def _in(self, measured: Iterable[Measured]) -> list[Subject]:
        names = {name for it in measured for name in it.series}
        return [subject for subject in self.subjects if subject.name in names]


def _cell(measured: Measured, name: str) -> str:
    if name not in measured.series:
        return ""
    series, times = measured.good(name), measured.times(name)
    if series is None:
        return "(left out)"
    return f"{series.median_ms:.1f} ({series.min_ms:.1f})" + (f" ×{times:.2f}" if times else "")


def _requests(measured: Iterable[Measured], name: str) -> str:
    """The upstream requests of one get, by cloud."""
    found = [it.good(name) for it in measured if name in it.series]
    return ", ".join(str(series.requests) if series else "?" for series in found)


def _sum(tallies: Mapping[str, Tally], clouds: Iterable[str]) -> Tally:
    found = [tallies[cloud] for cloud in clouds]
    return Tally(
        sum(it.gets for it in found),
        sum(it.seconds for it in found),
        sum(it.requests for it in found),
    )


def _tallies(*tallies: Tally | None) -> list[str]:
    cells = []
    for tally in tallies:
        cells += ["", ""] if tally is None else [f"{tally.seconds:.2f}", str(tally.requests)]
    return cells


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _megabytes(value: float | None) -> str:
    return "" if value is None else f"{value / 1e6:.1f}"


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    are_text = [head in ("", WHICH) for head in heads]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if is_text else cell.rjust(width)
            for cell, is_text, width in zip(cells, are_text, widths, strict=True)
        ]
        return f"| {' | '.join(padded)} |"

    rules = [
        "-" * width if is_text else "-" * (width - 1) + ":"
        for is_text, width in zip(are_text, widths, strict=True)
    ]
    return "\n".join([f"{title}\n", line(heads), line(rules), *map(line, rows)])


def _subject(subject: Subject) -> dict[str, object]:
    disk, zipped = subject.sizes or (None, None)
    return {
        "what": subject.what,
        "kind": subject.kind.value,
        "version": subject.version,
        "bytes": disk,
        "bytes_gzipped": zipped,
    }


def _measured(measured: Measured) -> dict[str, object]:
    return {
        **asdict(measured.scenario),
        "subjects": {
            name: _series(measured, name, series) for name, series in measured.series.items()
        },
    }


def _series(measured: Measured, name: str, series: Series) -> dict[str, object]:
    if measured.good(name) is None:
        return {"wrong": series.wrong}
    return {
        "median_ms": series.median_ms,
        "min_ms": series.min_ms,
        "cpu_ms": series.cpu_ms,
        "times_reference": measured.times(name),
        "peak_bytes": series.peak_bytes,
        "requests_per_get": series.requests,
        "ms_by_round": dict(zip(series.samples, series.ms, strict=True)),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
