"""The harness of ``make roots``: namespaces, outcomes and tables. No Debian is installed for it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.roots import outcome, root, steps, this_machine
from tests.roots.inside import CANNOT_MOUNT, NOT_EXECUTABLE
from tests.roots.namespaces import OUT_OF_TIME, Inside, run
from tests.roots.outcome import Outcome, Verdict
from tests.roots.root import Root
from tests.roots.steps import Failed, Step
from tests.roots.table import Report
from tests.support.executable import ROOT

_OWN = Inside(environment={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})


def _are_allowed() -> bool:
    return os.geteuid() == 0 and run(_OWN, ["true"], 60).returncode != CANNOT_MOUNT


needs_namespaces = pytest.mark.skipif(not _are_allowed(), reason="no namespaces are allowed here")


@needs_namespaces
def test_a_command_runs_in_namespaces_of_its_own_and_leaves_no_mount(tmp_path: Path) -> None:
    script = f"mount -t tmpfs none {tmp_path}; touch {tmp_path}/x; sleep 99 & "
    done = run(_OWN, ["sh", "-euc", f"{script} echo $$; readlink /proc/1/exe"], 60)
    number, first = done.stdout.decode().split()
    assert done.returncode == 0
    assert (int(number) < 10, "python" in first) == (True, True)
    assert not (tmp_path / "x").exists()
    assert run(_OWN, ["sh", "-c", "exit 7"], 60).returncode == 7
    assert run(_OWN, ["sh", "-c", "kill -9 $$"], 60).returncode == 137
    assert run(_OWN, ["/nonexistent"], 60).returncode == NOT_EXECUTABLE
    assert run(_OWN, ["sleep", "99"], 0.5).returncode == OUT_OF_TIME
    done = run(_OWN, ["sh", "-c", "cut -d: -f1 /proc/net/dev | tail -n +3; cat"], 60, stdin=b"in")
    assert done.stdout.split() == [b"lo", b"in"]


@needs_namespaces
def test_a_harness_that_is_killed_takes_its_command_along() -> None:
    program = """
from tests.roots.namespaces import Inside, run
run(Inside(environment={"PATH": "/usr/bin:/bin"}), ["sh", "-c", "echo here; exec sleep 98"], 99, 1)
"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=-1) as harness:
        assert harness.stdout is not None
        assert harness.stdout.readline() == b"here\n"
        harness.kill()
        assert harness.stdout.read() == b""  # the last process that could write has ended


@needs_namespaces
def test_a_root_shows_bound_files_and_its_changes_are_discarded(tmp_path: Path) -> None:
    folder, scratch = tmp_path / "root", tmp_path / "scratch"
    for path in (folder, scratch):
        path.mkdir()
    usual = [path for path in ("/bin", "/lib", "/lib64", "/usr") if Path(path).exists()]
    (tmp_path / "given").write_text("words")
    inside = replace(
        _OWN,
        root=str(folder),
        binds={**dict(zip(usual, usual, strict=True)), str(tmp_path / "given"): "/tmp/a/given"},
        discard=True,
        scratch=str(scratch),
    )
    script = "cat /tmp/a/given; touch /new; ls -d /dev/null /etc /new /proc/1"
    done = run(inside, ["sh", "-c", script], 60, errors=subprocess.DEVNULL)
    assert done.stdout.decode().split() == ["words/dev/null", "/new", "/proc/1"]
    assert list(folder.iterdir()) == list(scratch.iterdir()) == []


# --- Steps ----------------------------------------------------------------------------------------


def _raises(error: Exception) -> Callable[[Step], str]:
    def body(step: Step) -> str:
        raise error

    return body


def test_every_end_of_a_step_is_an_outcome(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(steps, "FOLDER", tmp_path)
    ours = Root(f"debian12-{this_machine.architecture()}")
    late = Failed("ended after 1 minutes", Verdict.OUT_OF_TIME)
    bodies = {
        Verdict.OK: lambda step: "17 s",
        Verdict.FAILED: _raises(Failed("no rule")),
        Verdict.OUT_OF_TIME: _raises(late),
        Verdict.SKIPPED: _raises(this_machine.CannotRun("no mirror")),
    }
    for verdict, body in bodies.items():
        outcome.keep(steps.taken(ours, "demo", 1, body, commit="c"), tmp_path)
        [kept] = outcome.kept(tmp_path)
        assert (kept.verdict, kept.step, kept.commit) == (verdict, "demo", "c")
    of_a_file = Outcome(ours.name, "demo", Verdict.OK, built_in=ours.name)
    outcome.keep(of_a_file, tmp_path)
    assert outcome.kept(tmp_path)[1:] == [of_a_file]
    outcome.keep(Outcome(ours.name, "frozen", Verdict.OK), tmp_path)
    assert of_a_file not in outcome.kept(tmp_path)  # that was the file before
    assert [verdict for verdict in Verdict if not verdict.is_right] == [
        Verdict.FAILED,
        Verdict.OUT_OF_TIME,
    ]


def test_a_bare_debian_gets_the_packages_that_the_documentation_names() -> None:
    assert {"make", "python3", "python3-venv"} <= set(steps.packages("demo"))
    assert steps.packages("test")
    assert {"gcc", "python3-dev"} <= set(steps.packages("frozen"))


def test_the_tests_for_an_emulated_processor_exist() -> None:
    for selected in steps.SELECTED:
        path, _, name = selected.partition("::")
        assert f"def {name}" in (ROOT / path).read_text("utf-8"), selected


def test_make_names_the_packages_that_are_missing(tmp_path: Path) -> None:
    without_pip = tmp_path / "python3"
    without_pip.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\n')
    without_pip.chmod(0o755)
    for python, package in (("nonexistent", "python3"), (without_pip, "python3-venv")):
        command = ["make", "venv", f"VENV={tmp_path}/venv", f"PYTHON={python}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert re.search(rf"^error: .*\(Debian: {package}[,)]", done.stderr, re.MULTILINE)
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize(
    "name", ["debian11-amd64", "debian12", "debian12-i386", "empty-amd64", "../x", ""]
)
def test_a_root_of_another_name_is_refused(name: str) -> None:
    with pytest.raises(this_machine.CannotRun):
        root.named(name)


# --- Tables ---------------------------------------------------------------------------------------


def test_the_tables_have_every_outcome_and_the_reason_of_each_failure() -> None:
    built_in = "debian12-amd64"
    rows = [
        Outcome("debian12-amd64", "demo", Verdict.OK, "12 s"),
        Outcome("debian12-amd64", "frozen", Verdict.FAILED, "ld: no | such symbol"),
        Outcome("debian13-amd64", "tests", Verdict.OUT_OF_TIME, "ended after 60 minutes"),
        Outcome("empty-amd64", "root", Verdict.OK),
        Outcome("debian11-amd64", "frozen", Verdict.REFUSED, "GLIBC_2.34", built_in=built_in),
        Outcome("empty-amd64", "static", Verdict.OK, "3 clouds", built_in=built_in),
    ]
    facts = {"debian12-amd64": {"debian": "12.9", "glibc": "2.36", "python": "3.11.2"}}
    report = Report("of today", rows, facts, {"debian12-amd64": "2.34"})
    heading, first, second, *words = report.pages()
    assert not report.is_right
    assert Report("", rows[:1], {}).is_right
    assert heading == "of today"
    assert [line.split("|")[1].strip() for line in first.splitlines()[2:]] == [
        "debian12-amd64",
        "debian12-amd64",
        "debian13-amd64",
    ]
    assert "3.11.2" in first
    assert "2.34" in second
    assert "3 clouds" in second
    assert "GLIBC_2.34" in words[0]
    assert "no | such symbol" in words[1]
    assert "60 minutes" in words[1]
    columns = {line.count("|") for line in first.splitlines()}
    assert len(columns) == 1
    assert len(json.loads(report.document())["outcomes"]) == len(rows)
