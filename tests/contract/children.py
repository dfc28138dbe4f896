"""Small programs to be found on PATH as ``docker-credential-*``, and what became of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from shlex import quote
from time import monotonic, sleep

from tests.executable import COMMAND


class Children:
    """A folder of programs. Each is a shell script; each run of one leaves a line in its log."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder

    def add(self, name: str, body: str) -> Path:
        """A helper by this name. Its script finds the verb in ``$1``, its log in ``$log``."""
        return self.program(f"docker-credential-{name}", body)

    def program(self, name: str, body: str) -> Path:
        path = self.folder / name
        log = self.folder / f"{name}.log"
        path.write_text(f'#!/bin/sh\nlog={quote(str(log))}\necho "$1" >>"$log"\n{body}\n')
        path.chmod(0o755)
        return path

    def add_ourselves(self, name: str) -> Path:
        """The executable under test by another name, in a wrapper that keeps its own log."""
        command = " ".join(map(quote, COMMAND))
        return self.add(name, f'PYTHONPATH={quote(os.environ["PYTHONPATH"])} exec {command} "$@"')

    def answering(self, name: str, **credentials: str) -> Path:
        """A helper that has one credential per keyword: ``host="user:secret"``, _ for a dot."""
        cases = []
        for host, credential in credentials.items():
            username, _, secret = credential.partition(":")
            answer = f'{{"ServerURL":"%s","Username":"{username}","Secret":"{secret}"}}\\n'
            cases.append(f"{host.replace('_', '.')}) printf '{answer}' \"$url\" ;;")
        return self.add(
            name,
            'url=$(cat)\n[ "$1" = get ] || { echo "not implemented"; exit 1; }\n'
            'case "${url#https://}" in\n' + "\n".join(cases) + "\n"
            "*) echo credentials not found in native keychain; exit 1 ;;\nesac",
        )

    def keeping(self, name: str) -> Path:
        """A helper that keeps what it is given, the last of it, in a file beside it."""
        return self.add(
            name,
            'kept="${log%.log}.kept"\ncase "$1" in\nstore) cat >"$kept" ;;\n'
            'erase) cat >>"$log.erased"; echo >>"$log.erased"; rm -f "$kept" ;;\n'
            'list) echo "{}" ;;\n'
            'get) cat "$kept" 2>/dev/null || { echo credentials not found in native keychain;'
            " exit 1; } ;;\nesac",
        )

    def runs(self, name: str) -> list[str]:
        """The verbs a helper has been run with."""
        log = self.folder / f"docker-credential-{name}.log"
        return log.read_text().split() if log.exists() else []

    def kept(self, name: str) -> str:
        """What a helper of the keeping kind holds."""
        path = self.folder / f"docker-credential-{name}.kept"
        return path.read_text() if path.exists() else ""

    @property
    def path(self) -> str:
        """PATH with this folder in front."""
        return f"{self.folder}{os.pathsep}{os.defpath}"


def is_running(pid: int) -> bool:
    """Whether a process is still doing something; one that only waits to be reaped is not."""
    if sys.platform != "linux":
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def has_ended(pid: int, within_s: float = 5.0) -> bool:
    """Whether a process ends soon."""
    ends_at_s = monotonic() + within_s
    while is_running(pid):
        if monotonic() > ends_at_s:
            return False
        sleep(0.02)
    return True
