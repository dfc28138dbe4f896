"""The process's edges: the private reply handle, the guard of standard output, the only printers.

From ``guard()`` on, file descriptor 1 is standard error: what an SDK, a warning or a child prints
cannot reach the client, which reads the reply from a duplicate that no other code has. Never holds
anything back: writes are unbuffered.
"""

from __future__ import annotations

import os
import sys

from cred_helper import files
from cred_helper.errors import CredentialError, one_line
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, TextIO


PROGRAM = "docker-credential-multi"

# What this process has reported on standard error, for the log of calls: the kind and the code.
reported: list[tuple[str, str]] = []

# A secret of 100 KiB is real; more than this is a client that writes without end.
MAX_REQUEST_BYTES = 8 << 20
# A client writes its request and closes the pipe at once. One that has written and does not close
# it gets its answer; one that writes nothing gets an error.
CLOSE_WITHIN_S = 5.0
WRITE_WITHIN_S = 25.0
# As the module stat has them, which is not loaded for this.
_FILE_TYPE, _FIFO = 0o170000, 0o010000


class Reply(Record):
    """The handle the client reads. ``failure`` is why the last document was not written."""

    fd: int
    failure: OSError | None = None

    def send(self, document: bytes) -> bool:
        view = memoryview(document)
        try:
            while view:
                view = view[os.write(self.fd, view) :]
        except OSError as error:
            self.failure = error
            return False
        return True

    def text(self) -> TextIO:
        """The same handle for lines of text, as people's commands write them."""
        return open(self.fd, "w", encoding="utf-8", errors="backslashreplace", closefd=False)


def guard(*, merged_is_silent: bool = False) -> Reply:
    """Keep standard output for the reply alone, and point file descriptor 1 at standard error.

    With ``merged_is_silent``, standard error goes to the null device where it is the same pipe as
    standard output: a client that reads both as one text takes a warning for a part of the reply.
    """
    closed = plug()
    reply = Reply(-1 if 1 in closed else os.dup(1))
    if merged_is_silent and not closed and _is_merged():
        silence(2)
    os.dup2(2, 1)
    if 2 in closed or sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    sys.stdout = sys.stderr
    return reply


def _is_merged() -> bool:
    output, error = os.fstat(1), os.fstat(2)
    is_pipe = output.st_mode & _FILE_TYPE == _FIFO
    return is_pipe and (output.st_dev, output.st_ino) == (error.st_dev, error.st_ino)


def plug() -> list[int]:
    """Open the null device where the caller left 0, 1 or 2 closed; return which those are.

    A file that is opened later can then not get such a number, and be written to as standard error.
    """
    closed = [fd for fd in (0, 1, 2) if not _is_open(fd)]
    for _ in closed:
        _nothing()  # takes the lowest free number: 0, 1, 2 in this order
    return closed


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


class Input(Record):
    """What a client wrote to standard input, before it closed it or paused for too long.

    ``is_too_long`` and ``is_missing`` say why ``text`` is not what it wrote.
    """

    text: bytes = b""
    is_too_long: bool = False
    is_missing: bool = False
    waited_s: float = 0.0


def read_input(*, is_client: bool = True) -> Input:
    """Read standard input to its end; then put the null device in its place.

    No program that an SDK starts can prompt there. Only a client has limits for its pauses; what
    writes a password, or a person at a terminal, has none.
    """
    request = Input()
    chunks: list[bytes] = []
    size = 0
    pause = _Pause(request, is_limited=is_client and not os.isatty(0))
    try:
        pause.limit(WRITE_WITHIN_S)
        while chunk := os.read(0, 1 << 16):
            size += len(chunk)
            if size > MAX_REQUEST_BYTES:
                request.is_too_long = True
                break
            chunks.append(chunk)
            pause.limit(CLOSE_WITHIN_S)
    except OSError:
        pass  # a directory, a terminal that hung up: what came before counts
    pause.end()
    silence(0)
    request.text = b"".join(chunks)
    request.is_missing = request.waited_s > 0 and not chunks
    return request


class _Pause:
    """Limits how long a read of standard input waits.

    At the limit a signal handler puts the null device in the place of standard input. Python then
    repeats the read that the signal interrupted, and finds the end.
    """

    def __init__(self, request: Input, *, is_limited: bool) -> None:
        self._request = request
        self._limit_s = 0.0
        self._setitimer = None
        if not is_limited:
            return
        # The module behind signal, which loads enum for the names of signals alone.
        import _signal  # type: ignore[import-not-found]

        if hasattr(_signal, "setitimer"):
            self._setitimer = _signal.setitimer
            _signal.signal(_signal.SIGALRM, self._end_input)
            _signal.pthread_sigmask(_signal.SIG_UNBLOCK, [_signal.SIGALRM])

    def limit(self, seconds: float) -> None:
        self._limit_s = seconds
        if self._setitimer is not None:
            self._setitimer(0, seconds)

    def _end_input(self, _signum: int, _frame: object) -> None:
        self._request.waited_s = self._limit_s
        silence(0)

    def end(self) -> None:
        if self._setitimer is not None:
            self._setitimer(0, 0)
            import _signal

            _signal.signal(_signal.SIGALRM, _signal.SIG_DFL)


def silence(fd: int) -> None:
    nothing = _nothing()
    os.dup2(nothing, fd)
    os.close(nothing)


def _nothing() -> int:
    """Open what is always at its end: the null device, or a pipe where there are no devices."""
    try:
        return os.open(os.devnull, os.O_RDWR)
    except OSError:
        reader, writer = os.pipe()
        os.close(writer)
        return reader


def error(failure: CredentialError) -> None:
    """Write to standard error what failed, and what to try."""
    _report("error", failure)


def error_line(text: str) -> None:
    """Write to standard error, in one line, what failed and what to try.

    The line ends only at a terminal: a log that quotes it would break its own line there.
    """
    _write("error", text, end="\n" if os.isatty(2) else "")


def warning(failure: CredentialError) -> None:
    """Write to standard error what went wrong although there is an answer."""
    _report("warning", failure)


def note(notice: CredentialError) -> None:
    """Write to standard error what a person may want to know."""
    _report("note", notice)


def _report(kind: str, failure: CredentialError) -> None:
    for each in (failure, *failure.others):
        reported.append((kind, each.code))
        _write(kind, each.line)
        if each.hint:
            _write("hint", each.hint)


def _write(kind: str, text: str, end: str = "\n") -> None:
    files.unrecorded()
    line = f"{PROGRAM}: {kind}: {one_line(text)}{end}"
    try:
        os.write(2, line.encode("utf-8", "backslashreplace"))
    except OSError:
        pass  # standard error is closed; the reply and the exit status still say it


def leave(status: int) -> NoReturn:
    """End the process at once, without waiting for SDK threads, exit hooks or destructors."""
    os._exit(status)
