"""Runs a program to its end, with limits in time and in output.

Knows nothing of credentials. The program gets its whole input, and an environment without the
variables of our bootloader. It is ended at the deadline and whenever this process ends, by SIGKILL
too.
"""

from __future__ import annotations

import errno
import os

from cred_helper.programs import find
from cred_helper.record import Record
from cred_helper.signals import EndingSignals, end_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cred_helper.programs.supervised import Program

# The end of a program's standard error is kept: it has the reason of a failure.
MAX_ERROR_BYTES = 1 << 20
# A program that has ended may have left another one that holds its output open. What it wrote
# itself is read well within these times, on the slowest of machines.
_LINGER_S = 1.0
_ERRORS_LINGER_S = 0.3
# How soon too much output is noticed, and a listener called. The end of the program: at once.
_POLL_S = 0.05

_running: list[Program] = []


class TimedOut(Exception):
    """The program did not end in time."""


class TooMuchOutput(Exception):
    """The program wrote more than the limit."""


class ProgramResult(Record):
    """A program that has ended: its exit status (negative: a signal) and what it wrote."""

    status: int
    output: bytes
    errors: bytes = b""


def run(
    command: list[str],
    environ: Mapping[str, str],
    timeout_s: float,
    max_output_bytes: int,
    *,
    data: bytes = b"",
    folder: str | None = None,
    listen: Callable[[bytes], None] | None = None,
) -> ProgramResult:
    """Run a program in a folder to its end. A signal that would end us ends the program first.

    ``listen`` is called many times a second with what came on standard error since.

    Raises:
        OSError: it cannot be started.
        TimedOut, TooMuchOutput: it is ended.
    """
    from time import monotonic

    from cred_helper.programs.supervised import Program

    ends_at_s = monotonic() + timeout_s
    program = Program()

    def end(signum: int) -> None:
        program.end()
        end_by(signum)

    _running.append(program)
    with EndingSignals(end):
        try:
            program.start(_found(command, environ), user_environment(environ), folder)
            _write(program.input, data)
            output = _Reader(program.output, max_output_bytes)
            errors = _Reader(program.errors, MAX_ERROR_BYTES, is_endless=True)
            said = b""
            status = None
            while status is None:
                left_s = ends_at_s - monotonic()
                if left_s <= 0:
                    raise TimedOut
                status = program.wait(min(_POLL_S, left_s))
                chunk = errors.take()
                said = (said + chunk)[-MAX_ERROR_BYTES:]
                if listen:
                    listen(chunk)
                if output.is_too_long:
                    raise TooMuchOutput
            output.join(_LINGER_S)
            errors.join(_ERRORS_LINGER_S)
            if output.is_too_long:
                raise TooMuchOutput
            chunk = errors.take()
            if listen:
                listen(chunk)
            return ProgramResult(status, output.take(), said + chunk)
        finally:
            program.end()
            program.close()
            _running.remove(program)


def end_all() -> None:
    for program in _running:
        program.end()


def _found(command: list[str], environ: Mapping[str, str]) -> list[str]:
    name, *arguments = command
    path = name if os.path.basename(name) != name else find(name, environ)
    if path is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    return [path, *arguments]


def _write(fd: int, data: bytes) -> None:
    """Write all input, in a thread: a program may write before it reads."""
    import threading

    def write() -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(fd, view) :]
        except OSError:
            pass  # it does not read its input; its answer and status still count
        finally:
            os.close(fd)

    if data:
        threading.Thread(target=write, daemon=True).start()
    else:
        os.close(fd)


class _Reader:
    """One output of a program, read in a thread up to a limit or, if endless, for its end."""

    def __init__(self, fd: int, limit: int, *, is_endless: bool = False) -> None:
        import threading

        self.is_too_long = False
        self._limit = limit
        self._is_endless = is_endless
        self._content = bytearray()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._read, args=(fd,), daemon=True)
        self._thread.start()

    def _read(self, fd: int) -> None:
        try:
            while not self.is_too_long and (chunk := os.read(fd, 1 << 16)):
                with self._lock:
                    self._content += chunk
                    excess = max(0, len(self._content) - self._limit)
                    if self._is_endless:
                        del self._content[:excess]
                    elif excess:
                        self.is_too_long = True
        finally:
            os.close(fd)

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    def take(self) -> bytes:
        with self._lock:
            content, self._content = bytes(self._content), bytearray()
        return content


def user_environment(environ: Mapping[str, str]) -> dict[str, str]:
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
