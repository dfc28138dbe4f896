"""The files of a release are beside the frozen file, and SHA256SUMS lists all of them."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.frozen.files import DIST, FILE, STATIC, needs_file
from tests.support.executable import ROOT

SUMS = DIST / "SHA256SUMS"
COMPANIONS = {
    "docker-credential-multi.1": ".TH DOCKER-CREDENTIAL-MULTI 1 ",
    "docker-credential-multi.bash": "complete -o nosort -F ",
    "_docker-credential-multi": "#compdef docker-credential-multi\n",
    "docker-credential-multi.fish": "complete --no-files --command docker-credential-multi ",
}


@needs_file
def test_the_manual_page_and_the_completions_are_written_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / FILE.name).symlink_to(FILE)
    subprocess.run(
        [sys.executable, "-m", "freeze.companions", tmp_path],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'packaging'}"},
        cwd=ROOT,
        check=True,
    )
    assert {path.name for path in tmp_path.iterdir()} - {FILE.name, "home"} == set(COMPANIONS)
    for name, words in COMPANIONS.items():
        assert words in (tmp_path / name).read_text("utf-8"), name


@pytest.mark.skipif(not SUMS.exists(), reason="make frozen/release makes the checksums")
def test_every_file_of_a_release_has_a_checksum() -> None:
    lines = (line.split("  ") for line in SUMS.read_text().splitlines())
    sums = {name: digest for digest, name in lines}
    assert {FILE.name, STATIC.name, *COMPANIONS} <= sums.keys()
    for file in (FILE, STATIC):
        assert {f"{file.name}.cdx.json", f"{file.name}.txt"} <= sums.keys()
    assert any(name.endswith(".deb") for name in sums)
    # What .github/actions/setup installs.
    assert any(re.fullmatch(rf"{FILE.name}-linux-(amd64|arm64)", name) for name in sums)
    assert any(name.endswith(".whl") for name in sums)
    for name, digest in sums.items():
        assert hashlib.sha256((DIST / name).read_bytes()).hexdigest() == digest, name


def test_make_install_and_the_venvs_install_only_what_is_pinned_by_hash(tmp_path: Path) -> None:
    command = ["make", "-n", "-B", "install", "venv", "frozen/wheel", f"PREFIX={tmp_path}"]
    steps = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    pips = [line for line in steps.splitlines() if re.search(r"-m pip (install|wheel)", line)]
    assert len(pips) >= 6
    for line in pips:
        assert "--require-hashes" in line or "--no-index" in line, line
        # Else pip fetches the build backend by itself, whatever version there is.
        builds = line.rstrip().endswith(" .")
        assert not builds or "--no-build-isolation" in line, line


def test_an_interpreter_with_other_versions_builds_no_release(tmp_path: Path) -> None:
    pins = tmp_path / "interpreter.toml"
    pins.write_text('[versions]\npython = "3.11.0"\nopenssl = "1.0.0"\nexpat = "2.0.0"\n')
    script = (
        "import pathlib, sys\nfrom freeze import interpreter\n"
        "interpreter.PINS = pathlib.Path(sys.argv[1])\ninterpreter.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, pins],
        env={**os.environ, "PYTHONPATH": str(ROOT / "packaging")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "openssl" in done.stderr
    assert "pinned is 1.0.0" in done.stderr
