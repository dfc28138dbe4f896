"""The files that ``make frozen/both`` leaves in dist/, and the conditions to test them."""

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
# With PyInstaller's bootloader.
BOOTLOADER = DIST / "bootloader" / FILE.name
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
        return f"there is no {file}: make frozen/both builds it"
    facts = dict(re.findall(r"^(providers|sources): (.*)$", table.read_text(), re.MULTILINE))
    if facts.get("providers") != ", ".join(clouds.NAMES):
        providers = facts.get("providers")
        return f"{file} is a slim build ({providers}): make frozen/both builds all"
    if facts.get("sources") != digest:
        return f"{file} is built from other sources: make frozen/both builds it again"
    return ""


# How the paths begin that the C library opens, and Python's allocator since 3.13.
OF_SYSTEM = (
    *("/lib/", "/lib64/", "/usr/lib/", "/etc/ld.so", "/etc/localtime"),
    *("/proc/self/", "/proc/sys/vm/", "/dev/null"),
)

_DIGEST = sources_digest()
_FILE_PROBLEM = reason_to_skip(FILE, _DIGEST)
_STATIC_PROBLEM = reason_to_skip(STATIC, _DIGEST)
_BOOTLOADER_PROBLEM = reason_to_skip(BOOTLOADER, _DIGEST)

needs_file = pytest.mark.skipif(bool(_FILE_PROBLEM), reason=_FILE_PROBLEM)
needs_static = pytest.mark.skipif(bool(_STATIC_PROBLEM), reason=_STATIC_PROBLEM)
needs_bootloader = pytest.mark.skipif(bool(_BOOTLOADER_PROBLEM), reason=_BOOTLOADER_PROBLEM)
_WITH_LAUNCHER = (
    pytest.param(FILE, marks=needs_file, id="with a libc"),
    pytest.param(STATIC, marks=needs_static, id="static"),
)
each_file = pytest.mark.parametrize("file", _WITH_LAUNCHER)
every_file = pytest.mark.parametrize(
    "file", [*_WITH_LAUNCHER, pytest.param(BOOTLOADER, marks=needs_bootloader, id="bootloader")]
)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a new root folder needs root")
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
