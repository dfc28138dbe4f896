"""Runs commands in a root folder, in namespaces of their own, with a time limit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

PROGRAM = Path(__file__).with_name("inside.py")
_ALL_IDS = "0 0 4294967295\n"
OUT_OF_TIME = 124


@dataclass(frozen=True)
class Inside:
    """What a command sees."""

    root: str = ""
    """The root folder; empty for the machine's own."""
    emulator: str = ""
    """The line that registers an emulator, for a root of another architecture."""
    binds: Mapping[str, str] = field(default_factory=dict)
    """Files and folders of the machine, each with its path in the root."""
    memory: Sequence[str] = ("/tmp", "/run")
    """Folders in memory."""
    proc: bool = True
    dev: bool = True
    network: bool = False
    read_only: bool = False
    discard: bool = False
    """Whether changes of the root are given up; ``scratch`` is a folder to mount on then."""
    scratch: str = ""
    folder: str = "/"
    """Where the command starts."""
    environment: Mapping[str, str] = field(default_factory=dict)


def _emulated(emulator: str) -> dict[str, str]:
    """Debian 13 signs each return address; emulating the cipher made Python six times slower."""
    return {"QEMU_CPU": "max,pauth-impdef=on"} if "qemu-aarch64" in emulator else {}


def run(
    inside: Inside,
    command: Sequence[str],
    timeout_s: float,
    output: IO[bytes] | int = subprocess.PIPE,
    stdin: bytes = b"",
    errors: int = subprocess.STDOUT,
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end; the status is ``OUT_OF_TIME`` if it was ended instead."""
    wanted_read, wanted_write = os.pipe()
    ready_read, ready_write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-I", str(PROGRAM), str(wanted_read), str(ready_write)],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=errors,
        pass_fds=(wanted_read, ready_write),
        process_group=0,
    )
    os.close(wanted_read)
    os.close(ready_write)
    with open(ready_read, "rb") as ready, open(wanted_write, "wb") as wanted:
        if ready.read(1):
            for kind in ("uid_map", "gid_map"):
                Path(f"/proc/{process.pid}/{kind}").write_text(_ALL_IDS)
            environment = {**_emulated(inside.emulator), **inside.environment}
            fields = {**asdict(inside), "environment": environment, "command": list(command)}
            wanted.write(json.dumps(fields).encode())
    try:
        printed, said = process.communicate(stdin, timeout=timeout_s)
        status = process.returncode
    except subprocess.TimeoutExpired:
        # The first process of the namespace ends with this one, and all others with the first.
        process.kill()
        printed, said = process.communicate()
        status = OUT_OF_TIME
    except KeyboardInterrupt:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return subprocess.CompletedProcess(list(command), status, printed or b"", said or b"")
