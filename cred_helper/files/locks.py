"""Who is asking: locks between processes that the kernel lets go of when their owner dies.

One byte of one file a lock, chosen by the key: nothing to make for a new key, nothing to tidy up.
Where the system or the file system has no such locks everybody gets every lock, and asks.
"""

from __future__ import annotations

import os
import sys

# Digits of the key that choose the byte: two keys share one by a chance of one in 2**28.
_DIGITS = 7
# Deputies: a second byte next to each key's first.
RANKS = (0, 1)


class Locks:
    """The locks of one file. Closing it lets go of all of them."""

    __slots__ = ("_fd", "_held")

    def __init__(self, fd: int | None) -> None:
        self._fd = fd
        self._held: set[int] = set()

    def acquire(self, key: str, rank: int = 0) -> bool:
        """Take a lock without waiting; false while anybody has it, this process included."""
        byte = _byte(key, rank)
        if byte in self._held or not (self._fd is None or _take(self._fd, byte)):
            return False
        self._held.add(byte)
        return True

    def release(self, key: str, rank: int = 0) -> None:
        """Let go of a lock."""
        byte = _byte(key, rank)
        self._held.discard(byte)
        if self._fd is not None:
            _let_go(self._fd, byte)

    def mark_unkept(self, now: float) -> None:
        """Leave word that what was asked for under a lock could not be kept for the others.

        A full disk takes no word but a file's times. Nobody reads this file, so that nothing else
        ever gives it a time of access at the beginning of time.
        """
        if self._fd is not None and os.utime in os.supports_fd:
            try:
                os.utime(self._fd, (0, now))
            except OSError:
                pass  # then the others go on asking one after another

    def unkept_since(self, then: float) -> bool:
        """Whether such word was left at that time or later."""
        if self._fd is None:
            return False
        status = os.fstat(self._fd)
        return status.st_atime == 0 and status.st_mtime >= then

    def close(self) -> None:
        """Let go of everything."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _byte(key: str, rank: int) -> int:
    return int(key[:_DIGITS], 16) * len(RANKS) + rank


if sys.platform == "win32":

    def _take(fd: int, byte: int) -> bool:
        import msvcrt

        try:
            os.lseek(fd, byte, os.SEEK_SET)
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        except OSError:
            return True
        return True

    def _let_go(fd: int, byte: int) -> None:
        import msvcrt

        try:
            os.lseek(fd, byte, os.SEEK_SET)
            msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)
        except OSError:
            pass  # closing the file does it too

else:

    def _take(fd: int, byte: int) -> bool:
        import fcntl

        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except (BlockingIOError, PermissionError):
            return False  # POSIX leaves it open whether a taken lock is EAGAIN or EACCES
        except OSError:
            return True  # a file system without locks
        return True

    def _let_go(fd: int, byte: int) -> None:
        import fcntl

        try:
            fcntl.lockf(fd, fcntl.LOCK_UN, 1, byte)
        except OSError:
            pass  # closing the file does it too
