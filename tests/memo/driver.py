"""Builds and runs ``memo.c``, the launcher's reader of memos, without Python."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.executable import ROOT, Completed
from tests.support.programs import ran

LAUNCHER = ROOT / "packaging/launcher"
SILENT = 99
BUILD = "build-of-the-tests"

needs_cc = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")


def built(folder: Path, *options: str) -> Path:
    out = folder / "driver"
    sources = [str(LAUNCHER / "memo.c"), str(Path(__file__).with_name("driver.c"))]
    command = ["cc", "-O1", "-g", "-Wall", "-Werror", f'-DBUILD="{BUILD}"', f"-I{LAUNCHER}"]
    subprocess.run([*command, *options, *sources, "-o", str(out)], check=True)
    return out


def ask(
    driver: Path, *arguments: str, stdin: bytes, environ: Mapping[str, str], argv0: str = ""
) -> Completed | None:
    """Run the driver; ``None`` if it gives no answer."""
    reader, writer = os.pipe()
    with open(reader, "rb") as request:
        with open(writer, "wb") as client:
            client.write(stdin)
        command = (argv0 or driver, *arguments)
        done = ran(*command, executable=driver, stdin=request, env=environ, encoding=None)
    if done.returncode == SILENT:
        assert (done.stdout, done.stderr) == (b"", b"")
        return None
    assert done.returncode in (0, 1), done
    return Completed(done.returncode, done.stdout, done.stderr)
