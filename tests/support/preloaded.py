"""Starts the executable as a fork of a process that has the modules of others loaded.

Importing the SDKs is most of the time of a start, and the suites need some thousand starts.
``preloaded_server`` is the process with the modules, one for each process of pytest; its docstring
says what a fork has in common with a real start. A run that could differ starts for real:

- one whose environment differs in what Python or the modules read as they are loaded,
- one with a file in HOME that a module reads as it is loaded,
- one with other streams than pipes, and one that the test observes from outside (``Popen``).

``REAL_EXECUTABLE=1`` starts all of them for real, the marker ``real_executable`` those of a test.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

_SERVER = Path(__file__).with_name("preloaded_server.py")
# A name that is part of no other path.
_HOME = "/home-of-the-preloaded-modules"
# Python and the libraries of C read these themselves.
_OF_C = ("PYTHON", "LC_", "LANG", "TZ", "LD_", "MALLOC_", "OPENSSL_CONF", "GLIBC_")
# The beginning of a script that only starts the program.
_IMPORT = "from cred_helper.cli import main"


@dataclass(frozen=True)
class EndedProcess:
    """What a process wrote, its exit status, and the peak of its memory.

    Units: MiB. All SDKs are in that memory.
    """

    status: int
    stdout: bytes
    stderr: bytes
    memory_mib: int


class PreloadedProgram:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._folder = TemporaryDirectory(prefix="preloaded-")
        self._path = f"{self._folder.name}/socket"
        self._environment = {**environment, "HOME": _HOME}
        self._process = subprocess.Popen(
            [sys.executable, str(_SERVER), self._path],
            env=self._environment,
            stdin=subprocess.PIPE,  # closed when the process ends
            stdout=subprocess.PIPE,
            cwd=Path.cwd(),  # without it, 3.13 uses posix_spawn, which ignores two signals of glibc
        )
        assert self._process.stdout is not None
        names, files = json.loads(self._process.stdout.readline())
        self._names = set(names)
        self._files = [str(name) for name in files]

    @property
    def pid(self) -> int:
        return self._process.pid

    def close(self) -> None:
        self._process.communicate()
        self._folder.cleanup()

    def can_run(self, environment: Mapping[str, str]) -> bool:
        """Whether a fork is the same as a real start with this environment."""
        if not os.path.isabs(environment.get("HOME", "")):
            return False
        for name in {*environment, *self._environment}:
            decides = name in self._names or name.startswith(_OF_C)
            if decides and environment.get(name) != self._environment.get(name):
                return False
        return not any(os.path.lexists(f"{environment['HOME']}/{file}") for file in self._files)

    def run(
        self,
        argv: list[str],
        path: str,
        stdin: bytes,
        environment: Mapping[str, str],
        folder: str,
        timeout_s: float,
    ) -> EndedProcess:
        """Run once, with ``path`` as the first folder of ``sys.path``.

        Raises: subprocess.TimeoutExpired: the process was killed.
        """
        request = {"argv": argv, "path": path, "environment": environment, "folder": folder}
        text = json.dumps(request).encode()
        ends_at_s = monotonic() + timeout_s
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self._path)
            (reader, writer), *outputs = (os.pipe() for _ in range(3))
            theirs = [reader, *(end for _, end in outputs)]
            socket.send_fds(connection, [struct.pack("!I", len(text)) + text], theirs)
            for fd in theirs:
                os.close(fd)
            with connection.makefile() as replies:
                pid = json.loads(replies.readline())["pid"]
                try:
                    written = _communicate(writer, stdin, [end for end, _ in outputs], ends_at_s)
                    connection.settimeout(max(0.1, ends_at_s - monotonic()))
                    ended = json.loads(replies.readline())
                except TimeoutError:
                    os.kill(pid, 9)
                    raise subprocess.TimeoutExpired(argv, timeout_s) from None
        return EndedProcess(ended["status"], *written, ended["memory_mib"])


def _communicate(
    writer: int, stdin: bytes, readers: list[int], ends_at_s: float
) -> tuple[bytes, bytes]:
    """Write to one pipe while reading the others to their end."""
    texts: dict[int, list[bytes]] = {reader: [] for reader in readers}
    left = memoryview(stdin)
    os.set_blocking(writer, False)
    fds = {writer, *readers}
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(writer, selectors.EVENT_WRITE)
            for reader in readers:
                selector.register(reader, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(ends_at_s - monotonic())
                if monotonic() > ends_at_s:
                    raise TimeoutError
                for key, _ in ready:
                    if key.fd == writer:
                        try:
                            left = left[os.write(writer, left) :]
                        except BrokenPipeError:
                            left = left[:0]
                        is_over = not left
                    else:
                        chunk = os.read(key.fd, 1 << 16)
                        texts[key.fd].append(chunk)
                        is_over = not chunk
                    if is_over:
                        selector.unregister(key.fd)
                        os.close(key.fd)
                        fds.discard(key.fd)
    finally:
        for fd in fds:
            os.close(fd)
    stdout, stderr = (b"".join(texts[reader]) for reader in readers)
    return stdout, stderr


def is_script_of_ours(path: str) -> bool:
    """Whether a file is a script for this interpreter that only starts the program."""
    try:
        text = Path(path).read_bytes()[:1000].decode()
    except (OSError, UnicodeDecodeError):
        return False
    return text.startswith(f"#!{sys.executable}\n") and _IMPORT in text


_lock = threading.Lock()
_STARTED: list[PreloadedProgram] = []


def started(environment: Mapping[str, str]) -> PreloadedProgram:
    """The ``preloaded_server`` of this process of pytest."""
    with _lock:
        if not _STARTED:
            _STARTED.append(PreloadedProgram(environment))
    return _STARTED[0]


def pids() -> set[int]:
    return {process.pid for process in _STARTED}


def close() -> None:
    for process in _STARTED:
        process.close()
    _STARTED.clear()
