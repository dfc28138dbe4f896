"""The files that ``make frozen/static`` leaves in dist/, and the conditions to test them."""

from __future__ import annotations

import os
import re
import shutil
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from cred_helper import clouds
from tests.support.executable import ROOT

DIST = ROOT / "dist"
FILE = DIST / "docker-credential-multi"
STATIC = FILE.with_suffix(".static")
TABLE = FILE.with_suffix(".txt")


def sources_digest() -> str:
    """The digest of the sources of this checkout, as the build computes it."""
    spec = spec_from_file_location("source", ROOT / "packaging/freeze/source.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return str(module.digest())


def reason_to_skip(file: Path, digest: str) -> str:
    """Why a file cannot be tested; empty if it can."""
    table = Path(f"{file}.txt")
    if not file.exists() or not table.exists():
        return f"there is no dist/{file.name}: make frozen/static builds it"
    facts = dict(re.findall(r"^(providers|sources): (.*)$", table.read_text(), re.MULTILINE))
    if facts.get("providers") != ", ".join(clouds.NAMES):
        providers = facts.get("providers")
        return f"dist/{file.name} is a slim build ({providers}): make frozen/static builds all"
    if facts.get("sources") != digest:
        return f"dist/{file.name} is built from other sources: make frozen/static builds it again"
    return ""


_DIGEST = sources_digest()
_FILE_PROBLEM = reason_to_skip(FILE, _DIGEST)
_STATIC_PROBLEM = reason_to_skip(STATIC, _DIGEST)

needs_file = pytest.mark.skipif(bool(_FILE_PROBLEM), reason=_FILE_PROBLEM)
needs_static = pytest.mark.skipif(bool(_STATIC_PROBLEM), reason=_STATIC_PROBLEM)
each_file = pytest.mark.parametrize(
    "file",
    [
        pytest.param(FILE, marks=needs_file, id="with a libc"),
        pytest.param(STATIC, marks=needs_static, id="static"),
    ],
)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a new root folder needs root")
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
