"""Files of this machine: readers with limits, atomic writes, private folders, locks.

The functions here are those by which an answer comes to depend on the machine. In the frozen file
each of them records its result: the launcher may give an answer again for as long as all of them
would return the same (see ``cache.memo``). A module on the path of a ``get`` looks at the machine
through them or calls ``unrecorded``.
"""

from __future__ import annotations

import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cred_helper.files.recording import Recording

# What records the results; only the frozen file sets it.
record: Recording | None = None


def unrecorded() -> None:
    """Say that an answer depends on something that is not recorded, or is more than its reply."""
    if record is not None:
        record.spoil()


def read(path: str, at_most: int) -> bytes:
    """The content of a file, or the first part of a larger one. Waits for the writer of a pipe.

    Raises:
        OSError: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            if record is not None and not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                record.spoil()
            content = file.read(at_most)
    except OSError as error:
        note_file(path, error)
        raise
    note_file(path, content, at_most)
    return content


def note_file(path: str, found: bytes | OSError, at_most: int = 1 << 62) -> None:
    """Record what reading a file has come to, where other functions read it."""
    if record is not None:
        record.file(path, found, at_most)


def status(path: str) -> os.stat_result:
    """Type, mode and owner of a file. Nothing else of the result is recorded.

    Raises:
        OSError: it does not exist, or cannot be examined.
        ValueError: no file system has such a path.
    """
    try:
        found = os.stat(path)
    except OSError as error:
        note_status(path, error)
        raise
    note_status(path, found)
    return found


def note_status(path: str, found: os.stat_result | OSError) -> None:
    """Record the status of a file that is open already."""
    if record is not None:
        record.status(path, found)


def exists(path: str) -> bool:
    return _type(path) is not None


def is_file(path: str) -> bool:
    return _type(path) == stat.S_IFREG


def is_folder(path: str) -> bool:
    return _type(path) == stat.S_IFDIR


def _type(path: str) -> int | None:
    try:
        return stat.S_IFMT(status(path).st_mode)
    except (OSError, ValueError):
        return None


def is_executable(path: str) -> bool:
    """Whether a path is a regular file that this user may execute."""
    found = os.path.isfile(path) and os.access(path, os.X_OK)
    if record is not None:
        record.executable(path, found)
    return found


def real_path(path: str) -> str:
    found = os.path.realpath(path)
    if record is not None:
        record.real_path(path, found)
    return found


def machine_name(environ: Mapping[str, str]) -> str:
    """The name that distinguishes machines and pods with one home folder."""
    if sys.platform == "win32":
        name = environ.get("COMPUTERNAME", "")
    else:
        name = os.uname().nodename
    if record is not None:
        record.machine_name(name)
    return name


def variables(environ: Mapping[str, str], *, prefix: str = "", suffix: str = "") -> list[str]:
    """The names of the variables that begin with a text or end with one, sorted."""
    if record is not None:
        return record.names(prefix, suffix)
    return sorted(name for name in environ if name.startswith(prefix) and name.endswith(suffix))
