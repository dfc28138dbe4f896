"""Where the files of a person are: the home folder and those the XDG specification names.

Looks at the environment only; never at what the folders hold, and never makes one.

Source: https://specifications.freedesktop.org/basedir-spec/latest/
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def home(environ: Mapping[str, str]) -> str:
    """The home folder, as docker finds it; the system's word where the environment has none."""
    variable = "USERPROFILE" if sys.platform == "win32" else "HOME"
    return environ.get(variable) or os.path.expanduser("~")


def config(environ: Mapping[str, str]) -> str:
    """Where programs keep their configuration."""
    return _named(environ, "XDG_CONFIG_HOME") or os.path.join(home(environ), ".config")


def data(environ: Mapping[str, str]) -> str:
    """Where programs keep what a person would miss."""
    if sys.platform == "win32":
        return _named(environ, "LOCALAPPDATA") or os.path.join(home(environ), "AppData", "Local")
    if sys.platform == "darwin":
        given = _named(environ, "XDG_DATA_HOME")
        return given or os.path.join(home(environ), "Library", "Application Support")
    return _named(environ, "XDG_DATA_HOME") or os.path.join(home(environ), ".local", "share")


def runtime(environ: Mapping[str, str]) -> str | None:
    """Where programs keep what a session would miss; ``None`` where there is no such place."""
    return _named(environ, "XDG_RUNTIME_DIR")


def _named(environ: Mapping[str, str], variable: str) -> str | None:
    """The folder a variable names. A relative path is to be ignored, says the specification."""
    path = environ.get(variable, "")
    return path if os.path.isabs(path) else None
