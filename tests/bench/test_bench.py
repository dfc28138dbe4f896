"""The bench prints what it measured: times, wrong answers, and targets."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.bench import __main__ as bench
from tests.bench.chart import chart
from tests.bench.figures import Figure
from tests.bench.report import Document
from tests.bench.rounds import Series
from tests.bench.stopwatch import PYTHON, Command, Sample, Stopwatch
from tests.bench.subjects import (
    BARE,
    GO_HELPERS,
    ONEFILE,
    PLAIN_SCRIPT,
    STATIC,
    WHEEL,
    Kind,
    Subject,
)
from tests.bench.tables import filled, tables
from tests.support.executable import ROOT
from tests.support.programs import ran


def test_one_round_with_the_programs_of_every_checkout(home: Path, tmp_path: Path) -> None:
    kept = tmp_path / "bench.json"
    command = [sys.executable, "-m", "tests.bench", "--rounds", "1", "--gets", "3", "--builds", "4"]
    done = ran(*command, "--json", kept, "--only", BARE, PLAIN_SCRIPT, WHEEL, cwd=ROOT)
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
    measured = {it["what"] for it in document["figures"] if it["reached"] is not None}
    assert measured == {
        f"cold get, {title}: {WHEEL} / {PLAIN_SCRIPT}" for title in ("ECR", "Google", "Azure")
    }
    assert [sum(it["gets"] for it in day["ours"].values()) for day in document["days"]] == [3, 3]
    (build,) = document["builds"]
    assert (build["name"], build["gets"], build["wrong"]) == (WHEEL, 4, None)
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
    assert bench.main(["--rounds", "1", "--gets", "1", "--builds", "1"]) == 1
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


def test_a_target_is_reached_or_not_or_not_measured() -> None:
    figures = [Figure("", "×", 3.5, measured) for measured in (3.4, 3.6, None)]
    assert [figure.is_reached for figure in figures] == [True, False, None]


@pytest.fixture(name="recorded")
def _recorded() -> Document:
    document: Document = json.loads((ROOT / "tests" / "data" / "bench.json").read_text("utf-8"))
    return document


def test_the_page_has_the_tables_of_the_run_between_its_marks(recorded: Document) -> None:
    old = "x\n<!-- measured -->\nold<!-- measured end -->\ny"
    for page in (bench.PAGE.read_text("utf-8"), old):
        found = filled(page, recorded)
        before, after = page.partition("<!-- measured")[0], page.rpartition("-->")[2]
        assert found.startswith(before)
        assert found.endswith(after)
        assert "old<" not in found
        assert filled(found, recorded) == found
        for name in (ONEFILE, STATIC, WHEEL, *GO_HELPERS.values(), PLAIN_SCRIPT):
            assert f"\n| {name} " in found
        for figure in recorded["figures"]:
            assert f"\n| {figure['what']} " in found


def test_a_program_that_gave_a_wrong_answer_has_no_time_in_the_page(recorded: Document) -> None:
    recorded["scenarios"]["warm ecr"]["subjects"][ONEFILE] = {"wrong": "no secret"}
    page = "\n".join(tables(recorded))
    assert "(left out)" in page
    assert "warm ecr: one file is left out: no secret" in page
    assert "Warm" not in chart(recorded)
    assert chart(recorded).count('class="ours"') == 9  # of 9, and that of the legend


def test_the_picture_has_a_bar_as_long_as_each_figure(recorded: Document) -> None:
    drawn = chart(recorded)
    assert "prefers-color-scheme:dark" in drawn
    picture = ET.fromstring(drawn)
    space = "{http://www.w3.org/2000/svg}"
    assert picture.attrib["role"] == "img"
    described = picture.findtext(f"{space}desc", "")
    assert picture.attrib["aria-labelledby"] == "title desc"
    _, _, width, height = map(float, picture.attrib["viewBox"].split())
    bars = [it for it in picture.iter(f"{space}rect") if it.attrib["height"] != "12"]
    texts = [it for it in picture.iter(f"{space}text") if it.attrib.get("class") == "n"]
    assert len(bars) == len(texts) == 21
    for bar, text in zip(bars, texts, strict=True):
        end = float(bar.attrib["x"]) + float(bar.attrib["width"])
        assert end < float(text.attrib["x"]) < width - 30
        assert float(text.attrib["y"]) < height
        assert str(text.text) in described
    warm = recorded["scenarios"]["warm ecr"]["subjects"]
    lengths = [float(bar.attrib["width"]) for bar in bars[:2]]
    medians = [warm[name]["median_ms"] for name in (ONEFILE, GO_HELPERS["ecr"])]
    assert lengths[0] / lengths[1] == pytest.approx(medians[0] / medians[1], rel=0.02)


def test_the_readme_shows_the_picture() -> None:
    assert str(bench.CHART.relative_to(ROOT)) in (ROOT / "README.md").read_text("utf-8")
