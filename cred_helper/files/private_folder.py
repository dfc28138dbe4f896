"""A folder of small files that nobody but their owner can read, plant or swap.

Made with mode 0700 and its files with 0600, from birth. Believed only while that is still so: a
folder or file that is a link, another user's or open to others counts as absent. A file is replaced
whole, so that a reader meets the old one or the new one. Holds only what may be lost: where the
folder cannot be made or written, reading finds nothing, writing does nothing, and nobody fails.

Every access goes through a descriptor of the checked folder, so that it does not matter what its
parents let others do. Windows has no such descriptors: there the privacy is that of the user's own
profile folder, which is closed to others.
"""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

_POSIX = os.open in os.supports_dir_fd
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_PLAIN = _NO_LINK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_FOLDER = _NO_LINK | getattr(os, "O_DIRECTORY", 0)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class NotPrivate(OSError):
    """Others have a hand in a folder or file, or could have."""


class PrivateFolder:
    """One such folder. Nothing is made or opened before it is needed."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def refusal(self) -> str | None:
        """Say why the folder is not used, for a person; ``None`` where it is or would be made."""
        try:
            with _Opened(self.path):
                return None
        except FileNotFoundError:
            return None
        except OSError as error:
            return (
                "it is a link"
                if os.path.islink(self.path)
                else (error.strerror or str(error)).lower()
            )

    def read(self, name: str, at_most: int) -> bytes | None:
        """Return the file's content, or ``None`` where there is none to be believed."""
        try:
            with _Opened(self.path) as folder:
                fd = folder.open(name, os.O_RDONLY)
                try:
                    status = os.fstat(fd)
                    _check_private(status)
                    if not stat.S_ISREG(status.st_mode) or status.st_size > at_most:
                        return None
                    return os.read(fd, at_most)
                finally:
                    os.close(fd)
        except OSError:
            return None

    def write(self, name: str, content: bytes) -> bool:
        """Put a file in the place of the one before, if any; false where that cannot be done."""
        try:
            _make(self.path)
            with _Opened(self.path) as folder:
                undisturbed(lambda: folder.put(name, content))
        except OSError:
            return False
        return True

    def remove(self, name: str) -> bool:
        """Remove a file; false where it is still there."""
        try:
            with _Opened(self.path) as folder:
                folder.unlink(name)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def names(self) -> list[str]:
        """List the names of all files."""
        try:
            with _Opened(self.path) as folder:
                return os.listdir(self.path if folder.fd is None else folder.fd)
        except OSError:
            return []

    def written_at(self, name: str) -> float | None:
        """Tell when a file was last written, by the file system's clock."""
        try:
            with _Opened(self.path) as folder:
                return folder.stat(name).st_mtime
        except OSError:
            return None

    def open_shared(self, name: str) -> int | None:
        """Open a file that stays, made where it is not there yet; the caller closes it."""
        try:
            _make(self.path)
            with _Opened(self.path) as folder:
                return folder.open(name, os.O_RDWR | os.O_CREAT)
        except OSError:
            return None


class _Opened:
    """The folder, opened and checked; ``fd`` is ``None`` on a system without such descriptors."""

    __slots__ = ("_path", "fd")

    def __init__(self, path: str) -> None:
        self._path = path
        self.fd: int | None = None
        if not _POSIX:
            return
        self.fd = os.open(path, os.O_RDONLY | _FOLDER)
        try:
            _check_private(os.fstat(self.fd))
        except OSError:
            os.close(self.fd)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.fd is not None:
            os.close(self.fd)

    def open(self, name: str, flags: int) -> int:
        return os.open(self._at(name), flags | _PLAIN, 0o600, dir_fd=self.fd)

    def put(self, name: str, content: bytes) -> None:
        temporary = temporary_name(name)
        fd = self.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            try:
                view = memoryview(content)
                while view:
                    view = view[os.write(fd, view) :]
            finally:
                os.close(fd)
            os.replace(self._at(temporary), self._at(name), src_dir_fd=self.fd, dst_dir_fd=self.fd)
        except BaseException:
            self.unlink(temporary)
            raise

    def unlink(self, name: str) -> None:
        os.unlink(self._at(name), dir_fd=self.fd)

    def stat(self, name: str) -> os.stat_result:
        return os.stat(self._at(name), dir_fd=self.fd, follow_symlinks=False)

    def _at(self, name: str) -> str:
        return os.path.join(self._path, name) if self.fd is None else name


def temporary_name(name: str) -> str:
    """Make up a name for the file that is to become ``name``."""
    return f".{name}.{os.urandom(8).hex()}"


def final_name(temporary: str) -> str | None:
    """Tell what a temporary file was to become; ``None`` where it is not one."""
    dot, name, random = temporary[:1], temporary[1:-17], temporary[-17:]
    return name if dot == random[:1] == "." else None


def is_private(path: str) -> bool:
    """Whether this is a folder of this user's that is closed to others."""
    try:
        status = os.stat(path)
        _check_private(status)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode)


def _check_private(status: os.stat_result) -> None:
    if not _POSIX:
        return
    if status.st_uid != os.geteuid():
        raise NotPrivate("it belongs to another user")
    if status.st_mode & _OTHERS:
        raise NotPrivate("it is open to other users")


def _make(path: str) -> None:
    """Make the folder, and the one around it (``~/.cache``) where that is missing; no more."""
    for wanted in (os.path.dirname(path), path):
        if os.path.isdir(wanted):
            continue
        around = os.stat(os.path.dirname(wanted))
        if _POSIX and os.geteuid() == 0 and around.st_uid != 0:
            # sudo may keep the user's HOME: what root made there would lock its owner out.
            raise NotPrivate("root makes no folder in another user's")
        try:
            os.mkdir(wanted, 0o700)
        except FileExistsError:
            pass  # another process was quicker; what it made is checked like anything else


def make_missing(path: str, mode: int) -> list[str]:
    """Make a folder and those around it that are missing, the outermost first; which those were."""
    missing: list[str] = []
    while not os.path.isdir(path):
        missing.insert(0, path)
        path = os.path.dirname(path)
    for folder in missing:
        try:
            os.mkdir(folder, mode)
        except FileExistsError:
            pass  # another process was quicker
    return missing


def undisturbed(action: Callable[[], None]) -> None:
    """Finish what would leave litter, if a polite signal comes in between."""
    from cred_helper.signals import EndingSignals

    came: list[int] = []
    try:
        with EndingSignals(came.append):
            action()
    finally:
        if came:
            os.kill(os.getpid(), came[0])
