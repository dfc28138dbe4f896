"""The frozen file passes the tests of the source that run only the executable."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.frozen.files import FILE, needs_file
from tests.support.executable import ROOT

_OF_THE_EXECUTABLE = ("tests/transcripts", "tests/contract/test_every_provider.py")


@needs_file
def test_transcripts_and_the_contract_of_every_provider_hold_for_the_frozen_file() -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-o", "addopts=", "-q", "-x"]
    done = subprocess.run(
        [*command, *_OF_THE_EXECUTABLE],
        cwd=ROOT,
        env={**os.environ, "DOCKER_CREDENTIAL_MULTI_UNDER_TEST": str(FILE)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
