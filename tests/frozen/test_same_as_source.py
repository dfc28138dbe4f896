"""The frozen file gives the same answers: the tests that only look from the outside, run on it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.executable import ROOT

FROZEN = ROOT / "dist" / "docker-credential-multi"
_FROM_OUTSIDE = ("tests/transcripts", "tests/contract/test_every_provider.py")


def _is_of_this_source() -> bool:
    sources = (ROOT / "cred_helper").rglob("*.py")
    return FROZEN.exists() and FROZEN.stat().st_mtime > max(s.stat().st_mtime for s in sources)


pytestmark = pytest.mark.skipif(
    not _is_of_this_source(), reason="dist/ has no file made of this source: make frozen makes it"
)


def test_transcripts_and_the_contract_of_every_provider_hold_for_the_frozen_file() -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-o", "addopts=", "-q", "-x"]
    done = subprocess.run(
        [*command, *_FROM_OUTSIDE],
        cwd=ROOT,
        env={**os.environ, "DOCKER_CREDENTIAL_MULTI_UNDER_TEST": str(FROZEN)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
