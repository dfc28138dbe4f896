"""Where a log goes: standard error, or a file that many processes write at once.

The file is private, bounded and never in the way. Each line is one write at its end. One that has
grown too large is renamed to ``.old``, in place of an older one, by the process that opens it next.
A line that cannot be written is left out. If a full disk cuts a line, the next line still begins on
a line of its own.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from time import gmtime, strftime, time

from cred_helper.errors import CredentialError, Misconfigured
from cred_helper.files import path_values
from cred_helper.files.locks import Locks, wait_for
from cred_helper.files.os_errors import invalid_path, os_reason
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


STDERR = "stderr"

# A rename takes milliseconds. A process that cannot rename the file writes to it as it is.
_RENAME_TIMEOUT_S = 1.0
_LOCK = "0"
# How often a process looks for the new file that another has begun.
_ATTEMPTS = 3
# Reading is for the last byte alone.
_APPEND = (
    os.O_RDWR
    | os.O_APPEND
    | os.O_CREAT
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
)


class LogFile(Record):
    """Standard error, or an open log file."""

    fd: int

    @classmethod
    def at(
        cls, place: str, max_bytes: int, warn: Callable[[CredentialError], None]
    ) -> LogFile | None:
        """The log at ``stderr`` or a path; ``None``, and a warning, if it cannot be written."""
        try:
            return cls(2) if place == STDERR else cls._open(place, max_bytes)
        except OSError as error:
            shown = path_values.shown("DOCKER_CREDENTIAL_MULTI_LOG", place)
            warn(Misconfigured("settings.log-unusable", place=shown, problem=os_reason(error)))
            return None

    @property
    def is_stderr(self) -> bool:
        return self.fd == 2

    @classmethod
    def _open(cls, path: str, max_bytes: int) -> LogFile:
        """Open a file that only this user can read, and rename one that is too large before.

        Raises:
            OSError: it is another kind of file, or another user's.
        """
        for _ in range(_ATTEMPTS):
            try:
                fd = os.open(path, _APPEND, 0o600)
            except ValueError:
                raise invalid_path() from None
            try:
                status = os.fstat(fd)
                if not stat.S_ISREG(status.st_mode):
                    raise OSError(errno.EINVAL, "not a regular file")
                if hasattr(os, "fchmod"):
                    os.fchmod(fd, 0o600)  # fails for another user's file
                if status.st_size <= max_bytes or not _rename(path, fd):
                    return cls(fd)
            except OSError:
                os.close(fd)
                raise
            os.close(fd)
        return cls(os.open(path, _APPEND, 0o600))

    def write(self, line: str) -> None:
        content = f"{line}\n".encode("utf-8", "replace")
        try:
            os.write(self.fd, self._end_of_part() + content)
        except OSError:
            pass  # a full disk must not stop the answer to a client

    def _end_of_part(self) -> bytes:
        """The end of a line that was written in part; empty where the last line is whole."""
        size = 0 if self.is_stderr else os.fstat(self.fd).st_size
        if size and sys.platform != "win32" and os.pread(self.fd, 1, size - 1) != b"\n":
            return b"\n"
        return b""


def now() -> str:
    """The time as ISO 8601 has it, in UTC."""
    at_s = time()
    return f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(at_s))}.{int(at_s * 1000) % 1000:03}Z"


def _rename(path: str, fd: int) -> bool:
    """Rename a file that is too large, unless another process has; false if that is impossible."""
    locks = Locks(os.dup(fd))
    try:
        if not wait_for(lambda: locks.acquire(_LOCK), _RENAME_TIMEOUT_S) or locks.are_missing:
            return False
        if os.path.samestat(os.stat(path), os.fstat(fd)):
            os.replace(path, f"{path}.old")
    except FileNotFoundError:
        pass  # renamed, and the new one is not there yet
    except OSError:
        return _copy_and_empty(path, fd)
    finally:
        locks.close()
    return True


def _copy_and_empty(path: str, fd: int) -> bool:
    """Copy a file and empty it, where it cannot be renamed: Windows renames no open file.

    False where the folder cannot be written: the file then grows, and is its owner's to rotate.
    """
    try:
        old = os.open(f"{path}.old", _APPEND | os.O_TRUNC, 0o600)
        with open(path, "rb") as content, open(old, "wb") as copy:
            copy.write(content.read())
        os.ftruncate(fd, 0)
    except OSError:
        return False
    return True
