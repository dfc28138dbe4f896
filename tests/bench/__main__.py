"""`python -m tests.bench`: measure the programs that `make bench` built, and print the tables.

The exit status is 1 only if one of our builds gave a wrong answer.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from tests.bench.build import Build, build_of
from tests.bench.chart import chart
from tests.bench.day import Day, days
from tests.bench.figures import figures
from tests.bench.report import Document, Report
from tests.bench.rounds import Measured, measure, scenarios
from tests.bench.stage import Stage, stage
from tests.bench.stopwatch import Stopwatch
from tests.bench.subjects import ONEFILE, WHEEL, Kind, Subject, found
from tests.bench.tables import filled, tables
from tests.support.executable import ROOT

PAGE = ROOT / "packaging" / "docs" / "benchmarks.md"
CHART = ROOT / "packaging" / "pictures" / "benchmarks.svg"


def main(arguments: Sequence[str]) -> int:
    """Measure everything, print the tables; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--gets", type=int, default=100, help="in a day's work")
    parser.add_argument("--builds", type=int, default=2000, metavar="GETS", help="of Bazel")
    parser.add_argument("--json", type=Path, help="write all samples to this file")
    parser.add_argument("--page", action="store_true", help="write the page and its picture")
    parser.add_argument("--from", type=Path, dest="kept", metavar="JSON", help="measure nothing")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="measure these programs only")
    options = parser.parse_args(arguments)
    if options.kept:
        _show(json.loads(options.kept.read_text()), write=options.page)
        return 0
    subjects = [it for it in found() if not options.only or it.name in options.only]
    load = os.getloadavg()[0]
    started_at_s = perf_counter()
    with (
        tempfile.TemporaryDirectory(prefix="docker-credential-multi-bench-") as name,
        stage(Path(name)) as clouds,
        Stopwatch() as stopwatch,
    ):
        results = _measured(clouds, stopwatch, subjects, options.rounds)
        by_name = {it.name: it for it in subjects}
        ours = by_name.get(ONEFILE) or by_name.get(WHEEL)
        peers = [it for it in subjects if it.kind is Kind.PEER]
        _progress("the day's work")
        worked = days(clouds, stopwatch, ours, peers, options.gets) if ours else []
        _progress("a build of Bazel")
        built = [build_of(clouds, stopwatch, ours, options.builds)] if ours else []
        _progress("")
        least_peak_bytes = stopwatch.least_peak_bytes()
    report = Report(
        options.rounds,
        perf_counter() - started_at_s,
        (load, os.getloadavg()[0]),
        least_peak_bytes,
        subjects,
        results,
        worked,
        built,
        list(figures(results, subjects, least_peak_bytes)),
    )
    document = report.document()
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    _show(document, write=options.page)
    return 1 if _ours_is_wrong(subjects, results, worked, built) else 0


def _show(document: Document, *, write: bool) -> None:
    print("\n\n".join(tables(document)))
    if write:
        PAGE.write_text(filled(PAGE.read_text("utf-8"), document), "utf-8")
        CHART.write_text(chart(document), "utf-8")


def _measured(
    clouds: Stage, stopwatch: Stopwatch, subjects: Sequence[Subject], rounds: int
) -> dict[str, Measured]:
    results = {}
    for scenario in scenarios(clouds.clouds, rounds):
        _progress(scenario.name)
        results[scenario.name] = measure(scenario, subjects, clouds, stopwatch)
    return results


def _progress(doing: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{doing}", end="", file=sys.stderr, flush=True)


def _ours_is_wrong(
    subjects: Sequence[Subject],
    results: dict[str, Measured],
    worked: Sequence[Day],
    built: Sequence[Build],
) -> bool:
    ours = {it.name for it in subjects if it.kind is Kind.OURS}
    timed = (it.series[name].wrong for it in results.values() for name in ours & it.series.keys())
    tallied = (tally.wrong for day in worked for tally in day.ours.values())
    return any(timed) or any(tallied) or any(build.wrong for build in built)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
