"""A folder of small files that only their owner can read, replace or add to.

The folder has mode 0700 and its files 0600 from the start. A folder or file that is a link, belongs
to another user or is open to others counts as absent. Holds only what may be lost: if the folder
cannot be made or written, reads find nothing and writes do nothing.

Every access goes through a descriptor of the checked folder, so the modes of the folders above it
do not matter. Windows has no such descriptors; there the user's profile folder is closed to others.
"""

from __future__ import annotations

import os
import stat
import sys

from cred_helper import files
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

# The ending of the files that settings.parsed keeps among the cache's entries.
PARSED_SETTINGS = ".settings"
_POSIX = os.open in os.supports_dir_fd
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_FILE = _NO_LINK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_FOLDER = _NO_LINK | getattr(os, "O_DIRECTORY", 0)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class NotPrivate(OSError):
    """Another user owns a folder or file, or can open it."""


class PrivateFolder(Record):
    """One such folder, opened and made when it is first needed."""

    path: str

    def refusal(self) -> str | None:
        """Why the folder is not used, for a message; ``None`` if it is used or can be made."""
        try:
            with _OpenFolder(self.path):
                return None
        except FileNotFoundError:
            return None
        except OSError as error:
            is_link = os.path.islink(self.path)
            return "it is a link" if is_link else (error.strerror or str(error)).lower()

    def read(self, name: str, at_most: int) -> bytes | None:
        """Return a file's content; ``None`` if it is absent, not private or larger."""
        content = self._read(name, at_most)
        if files.record is not None:
            files.record.private_file(os.path.join(self.path, name), content, at_most)
        return content

    def _read(self, name: str, at_most: int) -> bytes | None:
        try:
            with _OpenFolder(self.path) as folder:
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
        from cred_helper.files import atomic_file

        try:
            _make(self.path)
            with _OpenFolder(self.path) as folder:
                atomic_file.replace(folder.at(name), content, folder_fd=folder.fd)
        except OSError:
            return False
        return True

    def remove(self, name: str) -> bool:
        try:
            with _OpenFolder(self.path) as folder:
                os.unlink(folder.at(name), dir_fd=folder.fd)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def names(self) -> list[str]:
        files.unrecorded()
        try:
            with _OpenFolder(self.path) as folder:
                return os.listdir(self.path if folder.fd is None else folder.fd)
        except OSError:
            return []

    def written_at(self, name: str) -> float | None:
        """When a file was last written, by the file system's clock."""
        files.unrecorded()
        try:
            with _OpenFolder(self.path) as folder:
                at = folder.at(name)
                return os.stat(at, dir_fd=folder.fd, follow_symlinks=False).st_mtime
        except OSError:
            return None

    def open_shared(self, name: str) -> int | None:
        """Open a file that stays, and make it if it is absent; the caller closes it."""
        try:
            _make(self.path)
            with _OpenFolder(self.path) as folder:
                return folder.open(name, os.O_RDWR | os.O_CREAT)
        except OSError:
            return None


class _OpenFolder:
    """The folder, opened and checked; ``fd`` is ``None`` on a system without such descriptors."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.fd: int | None = None
        if not _POSIX:
            return
        try:
            self.fd = os.open(path, os.O_RDONLY | _FOLDER)
        except ValueError:  # a NUL byte
            raise NotPrivate("the path is not valid") from None
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
        return os.open(self.at(name), flags | _FILE, 0o600, dir_fd=self.fd)

    def at(self, name: str) -> str:
        """A file's path, relative to ``fd`` if there is one."""
        return os.path.join(self._path, name) if self.fd is None else name


def is_private(path: str) -> bool:
    """Whether this is a folder that belongs to this user and is closed to others."""
    try:
        status = files.status(path)
        _check_private(status)
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(status.st_mode)


def _check_private(status: os.stat_result) -> None:
    if sys.platform != "win32":
        if status.st_uid != os.geteuid():
            raise NotPrivate("it belongs to another user")
        if status.st_mode & _OTHERS:
            raise NotPrivate("it is open to other users")


def _make(path: str) -> None:
    """Make the folder, and the one above it (``~/.cache``) if that is missing; no more."""
    for wanted in (os.path.dirname(path), path):
        if os.path.isdir(wanted):
            continue
        try:
            above = os.stat(os.path.dirname(wanted))
        except ValueError:
            raise NotPrivate("the path is not valid") from None
        if sys.platform != "win32" and os.geteuid() == 0 and above.st_uid != 0:
            # sudo may keep the user's HOME: what root makes there would lock its owner out.
            raise NotPrivate("root makes no folder in another user's")
        try:
            os.mkdir(wanted, 0o700)
        except FileExistsError:
            pass  # another process was quicker; what it made is checked like anything else
