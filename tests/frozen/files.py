"""The files that ``make frozen`` and its kin leave in dist/, and what it takes to test them."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.executable import ROOT

DIST = ROOT / "dist"
FILE = DIST / "docker-credential-multi"
STATIC = FILE.with_suffix(".static")
TABLE = FILE.with_suffix(".txt")

needs_file = pytest.mark.skipif(
    not FILE.exists(), reason="dist/ has no frozen file: make frozen makes it"
)
needs_static = pytest.mark.skipif(
    not STATIC.exists(), reason="make frozen/static makes the static file"
)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="changing the root takes root")
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
