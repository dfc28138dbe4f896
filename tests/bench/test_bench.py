"""The bench prints what it measured: times, wrong answers, and targets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import __main__ as bench
from tests.bench.figures import Figure
from tests.bench.rounds import Series
from tests.bench.stopwatch import PYTHON, Command, Sample, Stopwatch
from tests.bench.subjects import BARE, PLAIN_SCRIPT, WHEEL, Kind, Subject
from tests.support.executable import ROOT


def test_one_round_with_the_programs_of_every_checkout(home: Path, tmp_path: Path) -> None:
    kept = tmp_path / "bench.json"
    command = [sys.executable, "-m", "tests.bench", "--rounds", "1", "--gets", "3"]
    done = subprocess.run(
        [*command, "--json", str(kept), "--only", BARE, PLAIN_SCRIPT, WHEEL],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "left out" not in done.stdout
    document = json.loads(kept.read_text())
    assert set(document["subjects"]) == {BARE, PLAIN_SCRIPT, WHEEL}
    scenarios = document["scenarios"]
    for cloud, asked in (("ecr", 1), ("gcr", 1), ("acr", 3)):
        for name in (PLAIN_SCRIPT, WHEEL):
            assert scenarios[f"cold {cloud}"]["subjects"][name]["requests_per_get"] == asked
        warm = scenarios[f"warm {cloud}"]["subjects"][WHEEL]
        assert warm["requests_per_get"] == 0
        assert 0 < warm["min_ms"] <= warm["median_ms"]
    assert {figure["reached"] for figure in document["figures"]} == {None}
    assert [sum(it["gets"] for it in day["ours"].values()) for day in document["days"]] == [3, 3]
    assert list(home.iterdir()) == []


def test_a_wrong_answer_of_ours_fails_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    impostor = tmp_path / "impostor"
    reply = '{"ServerURL": "", "Username": "AWS", "Secret": "an invented secret"}'
    impostor.write_text(f"#!/bin/sh\necho '{reply}'\n")
    impostor.chmod(0o755)
    ours = Subject(WHEEL, Kind.OURS, (str(impostor), "get"), "an impostor")
    monkeypatch.setattr(bench, "found", lambda: [ours])
    assert bench.main(["--rounds", "1", "--gets", "1"]) == 1
    said = capsys.readouterr().out
    assert "warm ecr: wheel is left out: a secret of no cloud" in said
    assert "other: wheel is left out: it gives a credential for any host" in said
    assert "an invented secret" not in said


def test_programs_are_timed_at_the_same_time(tmp_path: Path) -> None:
    request = tmp_path / "request"
    request.write_bytes(b"asked")
    script = "import sys, time; time.sleep(.5); print(sys.stdin.read() + '!'); sys.exit(3)"
    command = Command((PYTHON, "-c", script), {}, request)
    with Stopwatch() as stopwatch:
        sample = stopwatch.run(command, command)
    assert sample.replies == ((3, b"asked!\n"),) * 2
    assert 0.5 <= sample.wall_s < 60
    assert sample.cpu_s > 0
    assert 1 << 20 < sample.peak_bytes < 1 << 30


def series(*wall_s: float) -> Series:
    samples = (Sample(seconds, 0, 0, ()) for seconds in wall_s)
    return Series({at: sample for at, sample in enumerate(samples) if sample.wall_s})


def test_only_runs_of_one_round_are_compared() -> None:
    # A machine that gets slower, and a subject that takes part in every second round.
    steady, rare = series(1, 2, 4, 8, 16), series(3, 0, 12, 0, 48)
    assert rare.times(steady) == 3
    assert rare.min_times(steady) == 3


@pytest.mark.parametrize(
    ("figure", "reached"),
    [
        (Figure("", "×", 3.5, 3.4), True),
        (Figure("", "×", 3.5, 3.6), False),
        (Figure("", "×", 40, 39, at_least=True), False),
        (Figure("", "×", 40, 41, at_least=True), True),
        (Figure("", "×", 40, None, at_least=True), None),
    ],
)
def test_a_target_is_reached_or_not_or_not_measured(figure: Figure, reached: bool | None) -> None:
    assert figure.is_reached is reached
