"""The folders of a user: the home folder, and those that the XDG specification names.

Looks at variables and the password database only, never into the folders, and makes none.

Source: https://specifications.freedesktop.org/basedir-spec/latest/
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def home(environ: Mapping[str, str]) -> str:
    """The home folder: what HOME says or, without it, the password database, as docker has it.

    ``cli`` has set HOME to an absolute path, and to /dev/null where there is no home folder.
    """
    variable = "USERPROFILE" if sys.platform == "win32" else "HOME"
    return environ.get(variable) or os.path.expanduser("~")


def config(environ: Mapping[str, str]) -> str:
    return _named(environ, "XDG_CONFIG_HOME") or os.path.join(home(environ), ".config")


def data(environ: Mapping[str, str]) -> str:
    variable, folders = "XDG_DATA_HOME", [".local", "share"]
    if sys.platform == "win32":
        variable, folders = "LOCALAPPDATA", ["AppData", "Local"]
    elif sys.platform == "darwin":
        folders = ["Library", "Application Support"]
    return _named(environ, variable) or os.path.join(home(environ), *folders)


def runtime(environ: Mapping[str, str]) -> str | None:
    """The folder for data of this session; ``None`` if there is none."""
    return _named(environ, "XDG_RUNTIME_DIR")


def _named(environ: Mapping[str, str], variable: str) -> str | None:
    """The folder that a variable names. The specification has relative paths ignored."""
    path = environ.get(variable, "")
    return path if os.path.isabs(path) else None
