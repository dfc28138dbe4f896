"""Where a program is, by PATH. Runs nothing.

A relative entry of PATH, and an empty one, mean the working folder. Another user who can write
there could choose the program that is run with this user's keys: these entries are skipped.
"""

from __future__ import annotations

import os

from cred_helper import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_WINDOWS_ENDINGS = (".exe", ".cmd", ".bat")


def find(name: str, environ: Mapping[str, str]) -> str | None:
    """The absolute path of the program that PATH names first, or ``None``."""
    endings = _WINDOWS_ENDINGS if os.name == "nt" else ("",)
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        if not os.path.isabs(folder):
            continue
        for ending in endings:
            path = os.path.join(folder, name + ending)
            if files.is_executable(path):
                return path
    return None


def only_in_working_folder(name: str, environ: Mapping[str, str]) -> bool:
    """Whether PATH has the program, but in a relative entry alone."""
    if find(name, environ):
        return False
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    return any(
        files.is_executable(os.path.join(folder or ".", name))
        for folder in folders
        if not os.path.isabs(folder)
    )
