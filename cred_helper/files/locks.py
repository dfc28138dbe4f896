"""Locks between processes, which the kernel releases when their owner ends.

A lock is one byte of one file, chosen by a key: there is nothing to make for a new key, and nothing
to remove. If the system or the file system has no such locks, every process gets every lock, and
``are_missing`` says so.
"""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Digits of the key that choose the byte: two keys share one with a chance of one in 2**28.
_DIGITS = 7
_POLL_S = 0.01
# Each key has a second lock, for a deputy (see renewal).
RANKS = (0, 1)


class _LockFile:
    """One lock file, as all ``Locks`` of this process share it.

    POSIX locks belong to the process: a second lock of the same byte always succeeds, and closing
    any descriptor of the file releases all of them. Descriptors therefore stay open until the last
    user closes, and the held bytes are known to all users.
    """

    def __init__(self) -> None:
        self.fds: list[int] = []
        self.held: set[int] = set()
        self.users = 0


# By device and inode.
_lock_files: dict[tuple[int, int], _LockFile] = {}
_mutex = allocate_lock()


class Locks:
    """The locks of one file. Closing it releases those that it holds."""

    def __init__(self, fd: int | None) -> None:
        self._fd = fd
        self._held: set[int] = set()
        self._file = _LockFile()
        if fd is not None:
            status = os.fstat(fd)
            with _mutex:
                self._file = _lock_files.setdefault((status.st_dev, status.st_ino), self._file)
                self._file.fds.append(fd)
                self._file.users += 1
        # Whether a lock was asked for and there are none.
        self.are_missing = fd is None

    def acquire(self, key: str, rank: int = 0) -> bool:
        """Take a lock without waiting; return false if it is held, by this process or another."""
        byte = _byte(key, rank)
        with _mutex:
            if byte in self._file.held:
                return False
            if self._fd is not None:
                taken = _take(self._fd, byte)
                self.are_missing = taken is None
                if taken is False:
                    return False
            self._file.held.add(byte)
        self._held.add(byte)
        return True

    def release(self, key: str, rank: int = 0) -> None:
        byte = _byte(key, rank)
        if byte not in self._held:
            return
        self._held.discard(byte)
        with _mutex:
            self._file.held.discard(byte)
            if self._fd is not None:
                _release(self._fd, byte)

    def mark_unkept(self, now: float) -> None:
        """Note for the other processes that an answer could not be kept for them.

        A full disk stores no more than a file's times. No process reads this file, so that nothing
        else sets its time of access to zero.
        """
        if self._fd is not None and os.utime in os.supports_fd:
            try:
                os.utime(self._fd, (0, now))
            except OSError:
                pass  # the others then go on asking one after another

    def unkept_since(self, then: float) -> bool:
        if self._fd is None:
            return False
        status = os.fstat(self._fd)
        return status.st_atime == 0 and status.st_mtime >= then

    def close(self) -> None:
        if self._fd is None:
            return
        with _mutex:
            for byte in self._held:
                self._file.held.discard(byte)
                _release(self._fd, byte)
            self._held.clear()
            self._fd = None
            self._file.users -= 1
            if self._file.users == 0:
                for key, file in list(_lock_files.items()):
                    if file is self._file:
                        del _lock_files[key]
                for fd in self._file.fds:
                    os.close(fd)
                self._file.fds.clear()


def wait_for(take: Callable[[], bool], within_s: float) -> bool:
    """Try to take a lock until that succeeds; return false if it does not in time."""
    from time import monotonic, sleep

    ends_at_s = monotonic() + within_s
    while not take():
        if monotonic() > ends_at_s:
            return False
        sleep(_POLL_S)
    return True


def _byte(key: str, rank: int) -> int:
    return int(key[:_DIGITS], 16) * len(RANKS) + rank


if sys.platform == "win32":

    def _take(fd: int, byte: int) -> bool | None:
        """Lock a byte; false if another process has it, ``None`` if there are no locks."""
        import msvcrt

        try:
            os.lseek(fd, byte, os.SEEK_SET)
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        except OSError:
            return None
        return True

    def _release(fd: int, byte: int) -> None:
        import msvcrt

        try:
            os.lseek(fd, byte, os.SEEK_SET)
            msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)
        except OSError:
            pass  # closing the file releases it too

else:

    def _take(fd: int, byte: int) -> bool | None:
        """Lock a byte; false if another process has it, ``None`` if there are no locks."""
        import fcntl

        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except (BlockingIOError, PermissionError):
            return False  # POSIX allows EAGAIN and EACCES for a lock that is held
        except OSError:
            return None  # a file system without locks
        return True

    def _release(fd: int, byte: int) -> None:
        import fcntl

        try:
            fcntl.lockf(fd, fcntl.LOCK_UN, 1, byte)
        except OSError:
            pass  # closing the file releases it too
