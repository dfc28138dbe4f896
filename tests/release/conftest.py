"""Parts of a release as two machines build them, with short programs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cred_helper import __version__
from tests.support.executable import PROGRAM, ROOT, pinned_environment

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TIME = 1_700_000_000


class Parts:
    """The folder that ``make release`` fills on each machine, and the result of merging it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "parts"
        self.out = folder / "out"

    def add(self, target: str, **record: object) -> Path:
        """A part with a program that prints its name, and files that every machine builds."""
        part = self.folder / target
        part.mkdir(parents=True)
        (part / f"{PROGRAM}-{target}").write_text(f"#!/bin/sh\necho {target}\n")
        (part / f"{PROGRAM}.1").write_text(".TH\n")
        for end in ("-py3-none-any.whl", ".tar.gz"):
            (part / f"{PROGRAM.replace('-', '_')}-{__version__}{end}").touch()
        whole = {"version": __version__, "commit": COMMIT, "time": TIME, "target": target}
        whole["interpreter"] = {"python": "3.11.2", "openssl": "3.0.19"}
        (part / "part.json").write_text(json.dumps(whole | record))
        return part

    def assemble(
        self, *arguments: str, version: str = __version__
    ) -> subprocess.CompletedProcess[str]:
        command = ["-m", "release.assemble", version, str(self.folder), str(self.out)]
        return run(*command, *arguments, folder=self.folder)


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a module of packaging/release."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**pinned_environment(folder), "PYTHONPATH": str(ROOT / "packaging")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    parts = Parts(tmp_path)
    parts.add("linux-amd64")
    parts.add("linux-arm64")
    return parts
