"""Replaces a file as a whole: a reader meets the old content or the new, never a part of either.

The new file is made beside the old one, closed to other users, and takes its place by a rename. A
signal that asks for an end takes effect afterwards. A process that is killed leaves its temporary
file behind: ``final_name`` recognises it, ``remove_leftovers`` removes it.
"""

from __future__ import annotations

import os
import stat
import sys

from cred_helper.signals import finish_first

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK | getattr(os, "O_BINARY", 0)
_RANDOM_BYTES = 8
_CLOSED = 0o600


def replace(
    path: str,
    content: bytes,
    *,
    folder_fd: int | None = None,
    durable: bool = False,
    keep_attributes: bool = False,
    mode: int = _CLOSED,
    check: Callable[[], None] | None = None,
) -> None:
    """Put a file with this content in the place of the one before, if any.

    ``path`` is relative to ``folder_fd`` if that is given. ``durable`` waits until both file and
    name survive a loss of power. ``keep_attributes`` gives the new file the old one's mode, owner
    and extended attributes, as far as the system allows; a file that is new has this ``mode``
    and, if root makes it, belongs to the folder's owner. ``check`` runs last before the rename; if
    it raises, nothing changes.

    Raises:
        OSError: the file cannot be written. The old one is as it was.
    """

    def write() -> None:
        folder, name = os.path.split(path)
        temporary = os.path.join(folder, temporary_name(name))
        fd = os.open(temporary, _FLAGS, _CLOSED, dir_fd=folder_fd)
        try:
            try:
                view = memoryview(content)
                while view:
                    view = view[os.write(fd, view) :]
                if mode != _CLOSED and hasattr(os, "fchmod"):
                    os.fchmod(fd, mode)
                if keep_attributes:
                    _copy_attributes(path, fd)
                if durable:
                    os.fsync(fd)
            finally:
                os.close(fd)
            if check is not None:
                check()
            os.replace(temporary, path, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
        except BaseException:
            os.unlink(temporary, dir_fd=folder_fd)
            raise
        if durable:
            _sync_folder(folder)

    finish_first(write)


def _copy_attributes(path: str, fd: int) -> None:
    try:
        old = os.stat(path)
    except FileNotFoundError:
        if sys.platform != "win32" and os.geteuid() == 0:
            above = os.stat(os.path.dirname(path) or ".")
            os.fchown(fd, above.st_uid, above.st_gid)
        return
    if sys.platform != "win32":
        _attempt(os.fchown, fd, old.st_uid, old.st_gid)
    if hasattr(os, "fchmod"):
        os.fchmod(fd, stat.S_IMODE(old.st_mode))
    if sys.platform == "linux":
        for name in os.listxattr(path):
            _attempt(lambda name=name: os.setxattr(fd, name, os.getxattr(path, name)))


def _attempt(action: Callable[..., None], *arguments: object) -> None:
    try:
        action(*arguments)
    except OSError:
        pass  # only root may set some owners and some attributes


def _sync_folder(path: str) -> None:
    try:
        fd = os.open(path or ".", os.O_RDONLY)
    except OSError:
        return  # Windows has no descriptors of folders
    try:
        os.fsync(fd)
    except OSError:
        pass  # some file systems cannot sync a folder
    finally:
        os.close(fd)


def temporary_name(name: str) -> str:
    return f".{name}.{os.urandom(_RANDOM_BYTES).hex()}"


def final_name(temporary: str) -> str | None:
    """The name that a temporary file was going to replace; ``None`` for any other file."""
    random_length = 2 * _RANDOM_BYTES + 1
    dot, name, random = temporary[:1], temporary[1:-random_length], temporary[-random_length:]
    return name if dot == random[:1] == "." else None


def remove_leftovers(path: str) -> None:
    """Remove the temporary files of killed processes. The caller holds the lock of ``path``."""
    folder, name = os.path.split(path)
    for found in os.listdir(folder or "."):
        if final_name(found) == name:
            _attempt(os.unlink, os.path.join(folder, found))


def make_folders(path: str, mode: int) -> None:
    """Make a folder and those above it that are missing; root makes them for the owner above."""
    missing: list[str] = []
    path = os.path.join(os.getcwd(), path)  # above a relative path there would be no end
    while not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    for folder in reversed(missing):
        try:
            os.mkdir(folder, mode)
        except FileExistsError:
            continue  # another process was quicker
        if sys.platform != "win32" and os.geteuid() == 0:
            above = os.stat(os.path.dirname(folder))
            os.chown(folder, above.st_uid, above.st_gid)
