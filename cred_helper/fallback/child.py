"""Running another program: within a time, an amount of output and a group of its own.

Knows nothing of credentials. The program gets its input whole, our standard error as its own, and
an environment without a trace of how we were packed. It never outlives a deadline, nor us: its
whole process group is ended, at the deadline and when we are told to end.
"""

from __future__ import annotations

import os
import sys

from cred_helper.errors import BadReply, Misconfigured, Unreachable
from cred_helper.files.json_file import trouble
from cred_helper.signals import EndingSignals, end_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from typing import Self

# A secret of 100 KiB is real, one of megabytes is not.
MAX_OUTPUT_BYTES = 8 << 20
# A program that has ended may have left another behind that holds its output open. What it wrote
# itself is read long before this, on the slowest of machines.
_LINGER_S = 1.0
# How soon the end of such a program is noticed; of any other, at once.
_POLL_S = 0.05
# Between asking a group to end and ending it.
_GRACE_S = 0.5


def find(program: str, environ: Mapping[str, str]) -> str | None:
    """Find a program on PATH, in folders that are the same wherever we are called from."""
    suffixes = ("", ".exe") if sys.platform == "win32" else ("",)
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        for suffix in suffixes:
            path = os.path.join(folder, program + suffix)
            if os.path.isabs(folder) and os.path.isfile(path) and os.access(path, os.X_OK):
                return path
    return None


class Finished:
    """What a program left behind: how it ended (below zero: by that signal), what it wrote."""

    __slots__ = ("output", "status")

    def __init__(self, status: int, output: bytes) -> None:
        self.status = status
        self.output = output


def run(command: list[str], data: bytes, environ: Mapping[str, str], timeout_s: float) -> Finished:
    """Run a program to its end.

    Raises:
        Misconfigured: it cannot be started.
        Unreachable: it did not end in time.
        BadReply: it wrote more than there can be to say.
    """
    import subprocess
    from time import monotonic

    ends_at_s = monotonic() + timeout_s
    with _Ending() as ending:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=dict(environ),
                **_own_group(),  # type: ignore[call-overload]
            )
        except OSError as error:
            raise Misconfigured(f"it cannot be started: {trouble(error)}") from None
        ending.watch(process)
        exchange = _Exchange(process, data)
        while exchange.is_reading() and process.poll() is None and monotonic() < ends_at_s:
            exchange.wait(min(_POLL_S, max(0.0, ends_at_s - monotonic())))
        exchange.refuse_too_much()
        try:
            status = process.wait(max(0.0, ends_at_s - monotonic()))
        except subprocess.TimeoutExpired:
            raise Unreachable(f"no answer within {timeout_s:.4g} s") from None
        exchange.wait(_LINGER_S)
        exchange.refuse_too_much()
        return Finished(status, exchange.output())


def _own_group() -> dict[str, int]:
    if sys.platform == "win32":
        import subprocess

        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}


class _Exchange:
    """Both directions at once, each in a thread: neither can hold the other up."""

    def __init__(self, process: subprocess.Popen[bytes], data: bytes) -> None:
        import threading

        self._is_too_much = False
        self._chunks: list[bytes] = []
        self._process = process
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        threading.Thread(target=self._write, args=(data,), daemon=True).start()

    def _write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        try:
            with self._process.stdin as stdin:
                stdin.write(data)
        except OSError:
            pass  # it did not want to know; its answer and status still count

    def _read(self) -> None:
        assert self._process.stdout is not None
        left = MAX_OUTPUT_BYTES
        with self._process.stdout as stdout:
            while chunk := os.read(stdout.fileno(), 1 << 16):
                left -= len(chunk)
                if left < 0:
                    self._is_too_much = True
                    return
                self._chunks.append(chunk)

    def is_reading(self) -> bool:
        return self._reader.is_alive()

    def wait(self, timeout_s: float) -> None:
        """Wait for the end of the output."""
        self._reader.join(timeout_s)

    def refuse_too_much(self) -> None:
        if self._is_too_much:
            raise BadReply(f"its answer is over {MAX_OUTPUT_BYTES >> 20} MiB")

    def output(self) -> bytes:
        return b"".join(self._chunks)


class _Ending:
    """Ends the program when it is not waited for any longer, for whatever reason.

    A signal that would end us ends the program first. It has a group of its own, so that no
    terminal and no ``timeout`` reaches it but through us; and dispatchers that call each other in
    a circle all end with the first.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._is_starting = True
        self._signum = 0
        self._signals = EndingSignals(self._on_signal)

    def __enter__(self) -> Self:
        self._signals.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._signals.__exit__()
        if self._is_starting and self._signum:
            os.kill(os.getpid(), self._signum)

    def watch(self, process: subprocess.Popen[bytes]) -> None:
        """This is the program. A signal that came while it was being started ends it now."""
        self._process = process
        self._is_starting = False
        if self._signum:
            self._on_signal(self._signum)

    def _on_signal(self, signum: int) -> None:
        if self._is_starting:
            self._signum = signum
            return
        self._end()
        end_by(signum)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        import subprocess

        if sys.platform == "win32":
            command = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
            subprocess.run(command, capture_output=True, check=False)
        else:
            _end_group(process.pid)
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            pass  # stuck in the kernel; nothing is left to be done about it


def _end_group(leader_pid: int) -> None:
    """Ask a group to end, then end it. Its number is its own until its leader is waited for."""
    import signal
    from time import monotonic, sleep

    try:
        os.killpg(leader_pid, signal.SIGTERM)
        ends_at_s = monotonic() + _GRACE_S
        while monotonic() < ends_at_s and not _has_ended(leader_pid):
            sleep(_POLL_S / 5)
        os.killpg(leader_pid, signal.SIGKILL)
    except OSError:
        pass  # nobody is left in it


def _has_ended(pid: int) -> bool:
    """Whether a child has ended; it is left to be waited for."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The user's own environment, without what a PyInstaller bootloader put into it.

    The frozen entry has done so already for our own; a packed program that calls us may not have.

    Source: https://pyinstaller.org/en/stable/common-issues-and-pitfalls.html (LD_LIBRARY_PATH)
    """
    traces = {name for name in environ if name.startswith("_PYI_") or name == "_MEIPASS2"}
    variables = {name: value for name, value in environ.items() if name not in traces}
    if not traces:
        return variables
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LIBPATH"):
        original = variables.pop(f"{name}_ORIG", None)
        kept = [entry for entry in variables.pop(name, "").split(os.pathsep) if not _packed(entry)]
        value = original if original is not None else os.pathsep.join(filter(None, kept))
        if value:
            variables[name] = value
    return variables


def _packed(folder: str) -> bool:
    return os.path.basename(folder.rstrip(os.sep)).startswith("_MEI")
