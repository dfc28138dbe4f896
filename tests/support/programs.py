"""Scripts on PATH in place of credential helpers, SDK tools and clients; logs of their runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from shlex import quote
from time import monotonic, sleep
from typing import Any

from tests.support.executable import COMMAND

_PREFIX = "docker-credential-"


class Programs:
    """A folder of shell scripts. Each run of one adds a line to its log, after the ``prelude``."""

    prelude = ""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder

    def program(self, name: str, body: str) -> Path:
        """Add a program. The script has its first argument in ``$1`` and its log in ``$log``."""
        path = self.folder / name
        path.write_text(
            f"#!/bin/sh\nlog={quote(str(self.log(name)))}\n"
            f'{{ echo "$1" >>"$log"; }} 2>/dev/null\n{self.prelude}{body}\n'
        )
        path.chmod(0o755)
        return path

    def helper(self, name: str, body: str = "exit 1") -> Path:
        """Add a credential helper. The script has the verb in ``$1``."""
        return self.program(f"{_PREFIX}{name}", body)

    def link(self, name: str, target: str | Path) -> Path:
        path = self.folder / name
        path.symlink_to(target)
        return path

    def add_ourselves(self, name: str) -> Path:
        """Add the executable under test as a helper, in a wrapper with its own log."""
        command = " ".join(map(quote, COMMAND))
        return self.helper(
            name, f'PYTHONPATH={quote(os.environ["PYTHONPATH"])} exec {command} "$@"'
        )

    def answering(self, name: str, **credentials: str) -> Path:
        """Add a helper with a credential for each keyword: ``host="user:secret"``, _ for a dot."""
        cases = []
        for host, credential in credentials.items():
            username, _, secret = credential.partition(":")
            answer = f'{{"ServerURL":"%s","Username":"{username}","Secret":"{secret}"}}\\n'
            cases.append(f"{host.replace('_', '.')}) printf '{answer}' \"$url\" ;;")
        return self.helper(
            name,
            'url=$(cat)\n[ "$1" = get ] || { echo "not implemented"; exit 1; }\n'
            'case "${url#https://}" in\n' + "\n".join(cases) + "\n"
            "*) echo credentials not found in native keychain; exit 1 ;;\nesac",
        )

    def keeping(self, name: str) -> Path:
        """Add a helper that stores the last credential it receives in a file beside itself."""
        return self.helper(
            name,
            'kept="${log%.log}.kept"\ncase "$1" in\nstore) cat >"$kept" ;;\n'
            'erase) cat >>"$log.erased"; echo >>"$log.erased"; rm "$kept" 2>/dev/null ||'
            " { echo credentials not found in native keychain; exit 1; } ;;\n"
            'list) echo "{}" ;;\n'
            'get) cat "$kept" 2>/dev/null || { echo credentials not found in native keychain;'
            " exit 1; } ;;\nesac",
        )

    def runs(self, name: str) -> list[str]:
        return _text(self.log(f"{_PREFIX}{name}")).split()

    def kept(self, name: str) -> str:
        return _text(self.log(f"{_PREFIX}{name}").with_suffix(".kept"))

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    @property
    def path(self) -> str:
        return f"{self.folder}{os.pathsep}{os.defpath}"


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def ran(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[Any]:
    """Run a program to its end, whatever its exit status."""
    usual = {"capture_output": True, "encoding": "utf-8", "timeout": 120, "check": False}
    return subprocess.run([*map(str, command)], **{**usual, **options})  # noqa: PLW1510


def is_running(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    state = Path(f"/proc/{pid}/stat")
    try:
        if sys.platform == "linux":
            runs = state.read_text().rpartition(")")[2].split()[0] not in "ZX"
        else:
            os.kill(pid, 0)
            runs = True
    except (FileNotFoundError, ProcessLookupError):
        runs = False
    return runs


def has_ended(pid: int, within_s: float = 5.0) -> bool:
    ends_at_s = monotonic() + within_s
    while is_running(pid):
        if monotonic() > ends_at_s:
            return False
        sleep(0.02)
    return True
