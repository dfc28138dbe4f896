"""The inputs of a release: the files beside the program, pinned packages and interpreter."""

from __future__ import annotations

import os
import platform
import pyexpat
import re
import ssl
import subprocess
import sys
from pathlib import Path

from tests.frozen.files import FILE, needs_file
from tests.support.executable import ROOT

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


def test_make_install_and_the_venvs_install_only_what_is_pinned_by_hash(tmp_path: Path) -> None:
    command = ["make", "-n", "-B", "install", "venv", f"PREFIX={tmp_path}"]
    steps = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    pips = [line for line in steps.splitlines() if re.search(r"-m pip (install|wheel)", line)]
    assert len(pips) >= 5
    for line in pips:
        assert "--require-hashes" in line or "--no-index" in line, line
        # Without this, pip downloads the newest version of the build backend.
        builds = line.rstrip().endswith(" .")
        assert not builds or "--no-build-isolation" in line, line


def test_the_libffi_of_the_pinned_cffi_is_known() -> None:
    pinned = (ROOT / "packaging/requirements-freeze.txt").read_text("utf-8")
    [cffi] = re.findall(r"^cffi==(\S+)", pinned, re.MULTILINE)
    table = (ROOT / "packaging/freeze/sbom.py").read_text("utf-8")
    assert f'"{cffi}": "' in table.partition("LIBFFI_OF_CFFI")[2].partition("}")[0]


def _interpreter_problem(tmp_path: Path, **versions: str) -> str:
    """Why this Python is not the interpreter of a release with these pins; empty if it is."""
    own = {"python": platform.python_version(), "expat": pyexpat.EXPAT_VERSION.partition("_")[2]}
    own["openssl"] = ssl.OPENSSL_VERSION.split()[1]
    pins = tmp_path / "interpreter.toml"
    rows = (f'{name} = "{version}"\n' for name, version in (own | versions).items())
    pins.write_text("[versions]\n" + "".join(rows))
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
    assert bool(done.returncode) == bool(done.stderr)
    return done.stderr


def test_a_release_takes_the_pinned_interpreter_with_security_updates(tmp_path: Path) -> None:
    series, _, patch = ssl.OPENSSL_VERSION.split()[1].rpartition(".")
    assert _interpreter_problem(tmp_path) == ""
    assert _interpreter_problem(tmp_path, openssl=f"{series}.-1") == ""
    for wrong in (f"{series}.{int(patch) + 1}", "1.0.0"):
        assert f"pinned is {wrong}" in _interpreter_problem(tmp_path, openssl=wrong)
    assert "pinned is 3.11.0" in _interpreter_problem(tmp_path, python="3.11.0")
