"""Runs another program, with limits in time and in output.

Knows nothing of credentials. The program gets its input whole, our standard error, and an
environment without the traces of how we are packed. Its process group is ended at the deadline and
whenever this process ends, by SIGKILL too.
"""

from __future__ import annotations

import os
import sys

from cred_helper.errors import BadReply, Misconfigured, Unreachable
from cred_helper.files.os_errors import os_reason
from cred_helper.signals import EndingSignals, end_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cred_helper.fallback.supervised import Program

# A secret of 100 KiB exists, one of megabytes does not.
MAX_OUTPUT_BYTES = 8 << 20
# A program that has ended may have left another one that holds its output open. What it wrote
# itself is read well within this time, on the slowest of machines.
_LINGER_S = 1.0
# How soon the end of such a program is noticed; of any other, at once.
_POLL_S = 0.05


def find(program: str, environ: Mapping[str, str]) -> str | None:
    """Find a program in the absolute folders of PATH: they are the same wherever we are called."""
    suffixes = ("", ".exe") if sys.platform == "win32" else ("",)
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        for suffix in suffixes:
            path = os.path.join(folder, program + suffix)
            if os.path.isabs(folder) and os.path.isfile(path) and os.access(path, os.X_OK):
                return path
    return None


class Finished:
    """A program that has ended: its exit status (negative: a signal) and what it wrote."""

    __slots__ = ("output", "status")

    def __init__(self, status: int, output: bytes) -> None:
        self.status = status
        self.output = output


def run(command: list[str], data: bytes, environ: Mapping[str, str], timeout_s: float) -> Finished:
    """Run a program to its end. A signal that would end us ends the program first.

    Raises:
        Misconfigured: it cannot be started.
        Unreachable: it did not end in time.
        BadReply: it wrote more than the limit.
    """
    from time import monotonic

    from cred_helper.fallback.supervised import Program

    ends_at_s = monotonic() + timeout_s
    program = Program()

    def end(signum: int) -> None:
        program.end()
        end_by(signum)

    with EndingSignals(end):
        try:
            program.start(command, dict(environ))
            exchange = _Exchange(program, data)
            while exchange.is_reading() and program.poll() is None and monotonic() < ends_at_s:
                exchange.wait(min(_POLL_S, max(0.0, ends_at_s - monotonic())))
            exchange.refuse_too_much()
            status = program.wait(max(0.0, ends_at_s - monotonic()))
            if status is None:
                raise Unreachable("helper.timeout", seconds=f"{timeout_s:.4g}")
            exchange.wait(_LINGER_S)
            exchange.refuse_too_much()
            return Finished(status, exchange.output())
        except OSError as error:
            raise Misconfigured("helper.not-started", problem=os_reason(error)) from None
        finally:
            program.end()


class _Exchange:
    """Both directions at once, each in a thread: neither blocks the other."""

    def __init__(self, program: Program, data: bytes) -> None:
        import threading

        self._is_too_much = False
        self._chunks: list[bytes] = []
        self._reader = threading.Thread(target=self._read, args=(program.output,), daemon=True)
        self._reader.start()
        threading.Thread(target=self._write, args=(program.input, data), daemon=True).start()

    def _write(self, fd: int, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(fd, view) :]
        except OSError:
            pass  # it does not read its input; its answer and status still count
        finally:
            os.close(fd)

    def _read(self, fd: int) -> None:
        left = MAX_OUTPUT_BYTES
        try:
            while chunk := os.read(fd, 1 << 16):
                left -= len(chunk)
                if left < 0:
                    self._is_too_much = True
                    return
                self._chunks.append(chunk)
        finally:
            os.close(fd)

    def is_reading(self) -> bool:
        return self._reader.is_alive()

    def wait(self, timeout_s: float) -> None:
        """Wait for the end of the output."""
        self._reader.join(timeout_s)

    def refuse_too_much(self) -> None:
        if self._is_too_much:
            raise BadReply("helper.too-long", limit=MAX_OUTPUT_BYTES >> 20)

    def output(self) -> bytes:
        return b"".join(self._chunks)


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The user's own environment, without what a PyInstaller bootloader adds to it.

    The frozen entry has cleaned our own environment; a packed program that calls us may not have.

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
