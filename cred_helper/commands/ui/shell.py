"""Command lines to paste into the shell of this platform: sh, or PowerShell on Windows.

Pure: nothing is run.

Sources: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html (2.2 Quoting);
https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_quoting_rules
"""

from __future__ import annotations

import os
import shlex
import sys

_WINDOWS = "win32"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/\\:=+%")


def line(*words: str, platform: str = sys.platform) -> str:
    """The line that runs a program with these arguments."""
    if platform != _WINDOWS:
        return shlex.join(words)
    quoted = [_powershell(word) for word in words]
    # A quoted text alone is a value; with & it is a command.
    return " ".join(["&", *quoted] if quoted[0] != words[0] else quoted)


def quoted(word: str, platform: str = sys.platform) -> str:
    return _powershell(word) if platform == _WINDOWS else shlex.quote(word)


def _powershell(word: str) -> str:
    if word and _PLAIN.issuperset(word):
        return word
    return "'" + word.replace("'", "''") + "'"


def set_variable(name: str, value: str, platform: str = sys.platform) -> str:
    """The line that sets a variable for programs started later."""
    if platform == _WINDOWS:
        return f"$env:{name} = '{value.replace(chr(39), chr(39) * 2)}'"
    return f"export {name}={shlex.quote(value)}"


def unset_variable(name: str, platform: str = sys.platform) -> str:
    return f"Remove-Item Env:{name}" if platform == _WINDOWS else f"unset {name}"


def put_on_path(folder: str, platform: str = sys.platform) -> str:
    if platform == _WINDOWS:
        return f"$env:PATH = '{folder.replace(chr(39), chr(39) * 2)};' + $env:PATH"
    return f'export PATH={shlex.quote(folder)}:"$PATH"'


def editor(path: str, platform: str = sys.platform) -> str:
    if platform == _WINDOWS:
        return line("notepad", path, platform=platform)
    return f"${{EDITOR:-vi}} {shlex.quote(path)}"


def edit(path: str) -> str | None:
    """The same for a file that is there; ``None`` where this user cannot change it."""
    is_editable = os.path.isfile(path) and os.access(path, os.R_OK | os.W_OK)
    return editor(path) if is_editable else None


def make_private(path: str, *, is_folder: bool = False, platform: str = sys.platform) -> str:
    """The line that closes the user's file or folder to other users."""
    if platform == _WINDOWS:
        user = "${env:USERNAME}:(OI)(CI)F" if is_folder else "${env:USERNAME}:F"
        return f'icacls {quoted(path, platform)} /inheritance:r /grant:r "{user}"'
    return line("chmod", "700" if is_folder else "600", path)


def set_clock(platform: str = sys.platform) -> str:
    """The line that sets the clock from the network."""
    match platform:
        case "win32":
            return "w32tm /resync"
        case "darwin":
            return "sudo sntp -sS time.apple.com"
    return "sudo timedatectl set-ntp true"
