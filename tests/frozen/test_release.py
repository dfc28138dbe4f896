"""What is shipped with the file lies beside it, and the checksums are of all that is shipped."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.executable import ROOT
from tests.frozen.files import DIST, FILE, STATIC, needs_file

SUMS = DIST / "SHA256SUMS"
COMPANIONS = {
    "docker-credential-multi.1": ".TH DOCKER-CREDENTIAL-MULTI 1 ",
    "docker-credential-multi.bash": "complete -o nosort -F ",
    "_docker-credential-multi": "#compdef docker-credential-multi\n",
    "docker-credential-multi.fish": "complete --no-files --command docker-credential-multi ",
}


@needs_file
def test_the_manual_page_and_the_completions_lie_beside_the_file(tmp_path: Path) -> None:
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
def test_the_checksums_are_of_everything_that_is_shipped() -> None:
    lines = (line.split("  ") for line in SUMS.read_text().splitlines())
    sums = {name: digest for digest, name in lines}
    assert {FILE.name, STATIC.name, *COMPANIONS} <= sums.keys()
    for file in (FILE, STATIC):
        assert {f"{file.name}.cdx.json", f"{file.name}.txt"} <= sums.keys()
    assert any(name.endswith(".deb") for name in sums)
    assert any(name.endswith(".whl") for name in sums)
    for name, digest in sums.items():
        assert hashlib.sha256((DIST / name).read_bytes()).hexdigest() == digest, name
