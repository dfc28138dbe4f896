"""The process's edges: the private reply handle, the guard of standard output, the only printers.

From ``guard()`` on, file descriptor 1 is standard error: whatever an SDK, a warning or a child
prints cannot reach the client, which reads the reply from a duplicate nobody else has. Never holds
anything back: writes are unbuffered.
"""

from __future__ import annotations

import os
import sys

from cred_helper.errors import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, TextIO

    from cred_helper.errors import CredentialError

PROGRAM = "docker-credential-multi"

# A secret of 100 KiB is real, one of megabytes is not: the limit keeps a runaway client out.
MAX_REQUEST_BYTES = 8 << 20


class Reply:
    """The handle the client reads."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def send(self, document: bytes) -> bool:
        """Write the whole document; false where the client has gone."""
        view = memoryview(document)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError:
            return False
        return True

    def text(self) -> TextIO:
        """The same handle for lines of text, as people's commands write them."""
        return open(self._fd, "w", encoding="utf-8", errors="backslashreplace", closefd=False)


def guard() -> Reply:
    """Take standard output for the reply alone and point file descriptor 1 at standard error."""
    closed = plug()
    reply = Reply(-1 if 1 in closed else os.dup(1))
    os.dup2(2, 1)
    if 2 in closed or sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    sys.stdout = sys.stderr
    return reply


def plug() -> list[int]:
    """Open the null device where the caller left 0, 1 or 2 closed; which those were.

    No file that is opened later can then take such a number, and be written to as standard error.
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


def read_request() -> bytes | None:
    """Read standard input to its end; ``None`` where it is longer than a request can be."""
    chunks: list[bytes] = []
    size = 0
    try:
        while chunk := os.read(0, 1 << 16):
            size += len(chunk)
            if size > MAX_REQUEST_BYTES:
                return None
            chunks.append(chunk)
    except OSError:
        pass  # a directory, a terminal that hung up: what came before counts
    _close_input()
    return b"".join(chunks)


def _close_input() -> None:
    """Leave the null device where standard input was: no program that an SDK starts can prompt."""
    nothing = _nothing()
    os.dup2(nothing, 0)
    os.close(nothing)


def _nothing() -> int:
    """Open what is always at its end: the null device, or a pipe where there are no devices."""
    try:
        return os.open(os.devnull, os.O_RDWR)
    except OSError:
        reader, writer = os.pipe()
        os.close(writer)
        return reader


def error(failure: CredentialError | str, hint: str | None = None) -> None:
    """Write to standard error what failed, and what to try."""
    _report("error", failure, hint)


def warning(failure: CredentialError | str, hint: str | None = None) -> None:
    """Write to standard error what went wrong although there is an answer."""
    _report("warning", failure, hint)


def note(notice: CredentialError | str) -> None:
    """Write to standard error something worth knowing that is not wrong."""
    _report("note", notice)


def _report(kind: str, failure: CredentialError | str, hint: str | None = None) -> None:
    # Transitional: a text that is not in the catalogue yet comes as it is.
    _write(kind, failure if isinstance(failure, str) else failure.line)
    hint = hint if isinstance(failure, str) else failure.hint
    if hint:
        _write("hint", hint)


def _write(kind: str, text: str) -> None:
    line = f"{PROGRAM}: {kind}: {one_line(text)}\n"
    try:
        os.write(2, line.encode("utf-8", "backslashreplace"))
    except OSError:
        pass  # nobody listens; the reply and the exit code still say it


def leave(status: int) -> NoReturn:
    """End the process here: no SDK thread, exit hook or destructor gets to hold the client up."""
    os._exit(status)
