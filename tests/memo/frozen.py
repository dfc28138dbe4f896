"""Runs the source as the frozen file runs, including the memo."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from tests.support.executable import ROOT, Completed


class Frozen:
    """A process of ``server`` with a working folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        self._server = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _START.format(root=str(ROOT))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self._folder,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(10)
        assert self._server.stdout is not None
        self._server.stdout.close()

    def get(
        self,
        host: str,
        environ: dict[str, str],
        argv0: str,
        *,
        plant: bool = True,
        looks: Path | None = None,
    ) -> Completed:
        """A get; the paths, variables and facts that it reads are written to the file ``looks``."""
        call: dict[str, Any] = {
            "stdin": host, "environ": environ, "arguments": [argv0, "get"], "plant": plant,
            "looks": str(looks or ""),
        }  # fmt: skip
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(f"{json.dumps(call)}\n")
        self._server.stdin.flush()
        result = json.loads(self._server.stdout.readline())
        return Completed(result["status"], result["stdout"].encode(), result["stderr"].encode())


# The server's module by its path: its package loads what a call must not have loaded.
_START = """
import sys
sys.path.insert(0, {root!r})
import runpy
runpy.run_path({root!r} + "/tests/memo/server.py", run_name="__main__")
"""
