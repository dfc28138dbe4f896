"""The demo succeeds if everything is right, and else says what is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cred_helper.clouds import CLOUDS
from tests.support.executable import ROOT, pinned_environment
from tests.support.programs import ran


def demo(home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it on a machine without a registry client."""
    environment = {**pinned_environment(home), "PATH": str(home), **variables}
    return ran(sys.executable, "-m", "tests.demo", env=environment, cwd=ROOT)


def test_the_demo_shows_every_cloud_with_nothing_installed(home: Path) -> None:
    done = demo(home)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "a small client built into this demo" in done.stdout
    assert "WRONG" not in done.stdout
    for cloud in CLOUDS:
        assert f"\n{cloud.title}" in done.stdout
    assert done.stdout.count("ok by built-in") == len(CLOUDS) + 1
    assert "\x1b" not in done.stdout
    assert list(home.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell script")
def test_the_demo_fails_if_the_executable_answers_wrongly(home: Path, tmp_path: Path) -> None:
    impostor = tmp_path / "impostor"
    reply = '{"ServerURL": "", "Username": "AWS", "Secret": "an invented secret"}'
    impostor.write_text(f"#!/bin/sh\necho '{reply}'\n")
    impostor.chmod(0o755)
    done = demo(home, DOCKER_CREDENTIAL_MULTI_UNDER_TEST=str(impostor))
    assert done.returncode == 1
    assert "the cloud did not issue this secret" in done.stdout
    assert "an invented secret" not in done.stdout
    assert "NOT everything is right" in done.stdout
