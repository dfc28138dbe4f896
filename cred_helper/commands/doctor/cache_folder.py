"""The folder of tokens: why nothing can be kept in it, and what mends one that is not used.

Looks at where it would be made, and makes nothing; where it is there, it is tried with a file that
is taken away again.
"""

from __future__ import annotations

import errno
import os
import stat

from cred_helper.cache.entry import TOKEN
from cred_helper.commands.ui import shell
from cred_helper.files.atomic_file import temporary_name
from cred_helper.files.json_file import trouble
from cred_helper.settings.settings import SETTINGS

# What a killed trial leaves behind is tidied away like any other token's.
_TRIAL = f"{'0' * 32}.{TOKEN}"
# As large as most of what is kept.
_TRIAL_BYTES = 4 << 10
_VARIABLE = next(setting.variable for setting in SETTINGS if setting.name == "cache_folder")


def elsewhere() -> str:
    """The line that has tokens kept in another folder."""
    return shell.set_variable(_VARIABLE, "/a/folder/of/yours")


def mending(folder: str) -> str:
    """What to run about a folder that is not used."""
    try:
        status = os.lstat(folder)
    except OSError:
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


def hindrance(folder: str) -> str | None:
    """Why no token can be kept in a folder that may be used; ``None`` where one can."""
    try:
        return _trial(folder) if os.path.lexists(folder) else _making(folder)
    except OSError as error:
        return trouble(error)


def _trial(folder: str) -> str | None:
    path = os.path.join(folder, temporary_name(_TRIAL))
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        written = os.write(fd, bytes(_TRIAL_BYTES))
    finally:
        os.close(fd)
        os.unlink(path)
    return None if written == _TRIAL_BYTES else _said(errno.ENOSPC)


def _making(folder: str) -> str | None:
    """Why the folder cannot be made: no more is than this one and the one around it."""
    around = os.path.dirname(folder)
    if not os.path.lexists(around):
        around = os.path.dirname(around)
    if not os.path.isdir(around):
        return f"{around} is no folder" if os.path.lexists(around) else f"there is no {around}"
    if os.name == "posix" and os.geteuid() == 0 and not _is_ours(os.stat(around)):
        return f"{around} is another user's"
    if hasattr(os, "statvfs"):
        system = os.statvfs(around)
        if system.f_flag & os.ST_RDONLY:
            return _said(errno.EROFS)
        if system.f_blocks and not system.f_bavail:
            return _said(errno.ENOSPC)
    return None if _is_open(around) else f"nothing can be made in {around}"


def _said(number: int) -> str:
    return os.strerror(number).lower()


def _is_ours(status: os.stat_result) -> bool:
    return os.name != "posix" or status.st_uid == os.geteuid()


def _is_open(folder: str) -> bool:
    is_effective = os.access in os.supports_effective_ids
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=is_effective)
