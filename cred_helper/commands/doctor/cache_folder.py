"""The folder of tokens: why no token can be kept in it, and the command that repairs it.

An existing folder is tried with a file that is removed again; a missing one is not made.
"""

from __future__ import annotations

import errno
import os
import stat
import sys

from cred_helper.cache.entry import TOKEN
from cred_helper.commands.ui import shell
from cred_helper.files.atomic_file import temporary_name
from cred_helper.files.os_errors import invalid_path, os_reason
from cred_helper.settings.settings import SETTINGS

# A leftover of a killed trial is removed like any token's temporary file.
_TRIAL = f"{'0' * 32}.{TOKEN}"
# The size of most tokens.
_TRIAL_BYTES = 4 << 10
_VARIABLE = next(setting.variable for setting in SETTINGS if setting.name == "cache_folder")


def elsewhere() -> str:
    """The command line that sets another folder for tokens."""
    return shell.set_variable(_VARIABLE, "/a/folder/of/yours")


def repair(folder: str) -> str:
    """The command line that repairs a folder that is not used."""
    try:
        status = os.lstat(folder)
    except (OSError, ValueError):
        return elsewhere()
    if stat.S_ISLNK(status.st_mode):
        return shell.line("rm", folder)
    if stat.S_ISDIR(status.st_mode) and _is_ours(status):
        return shell.make_private(folder, is_folder=True)
    aside = f"{folder}.old"
    around = os.path.dirname(folder)
    if not _is_ours(os.stat(around)) or os.path.lexists(aside) or not _is_open(around):
        return elsewhere()
    return shell.line("mv", folder, aside)


def obstacle(folder: str) -> str | None:
    """Why no token can be kept in a private folder; ``None`` where one can."""
    try:
        return _trial(folder) if os.path.lexists(folder) else _making(folder)
    except OSError as error:
        return os_reason(error)
    except ValueError:
        return os_reason(invalid_path())


def _trial(folder: str) -> str | None:
    path = os.path.join(folder, temporary_name(_TRIAL))
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        written = os.write(fd, bytes(_TRIAL_BYTES))
    finally:
        os.close(fd)
        os.unlink(path)
    return None if written == _TRIAL_BYTES else _words(errno.ENOSPC)


def _making(folder: str) -> str | None:
    """Why the folder, or the one above it, cannot be made."""
    around = os.path.dirname(folder)
    if not os.path.lexists(around):
        around = os.path.dirname(around)
    if not os.path.isdir(around):
        return f"{around} {'is not a folder' if os.path.lexists(around) else 'does not exist'}"
    if sys.platform != "win32":
        if os.geteuid() == 0 and not _is_ours(os.stat(around)):
            return f"{around} belongs to another user"
        system = os.statvfs(around)
        if system.f_flag & os.ST_RDONLY:
            return _words(errno.EROFS)
        if system.f_blocks and not system.f_bavail:
            return _words(errno.ENOSPC)
    return None if _is_open(around) else f"{around} cannot be written by this user"


def _words(number: int) -> str:
    return os.strerror(number).lower()


def _is_ours(status: os.stat_result) -> bool:
    return sys.platform == "win32" or status.st_uid == os.geteuid()


def _is_open(folder: str) -> bool:
    is_effective = os.access in os.supports_effective_ids
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=is_effective)
