"""Whether clients find this program, and what else of its kind they find."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from cred_helper import stdio
from cred_helper.commands.doctor.finding import ERROR, NOTE, OK, WARNING, Finding
from cred_helper.commands.ui import shell, this_program
from cred_helper.fallback.helper import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

_WINDOWS_ENDING = ".exe"


def program() -> Iterator[Finding]:
    """Whether clients find this program, and find this one."""
    copies = [path for name, path in _on_path() if name == stdio.PROGRAM]
    own = this_program.file()
    if not copies:
        message = f"{stdio.PROGRAM} is not on PATH: no client finds it"
        command = shell.put_on_path(os.path.dirname(own)) if own else None
        yield Finding(ERROR, "program", message, command, None if own else "install it")
        return
    found, *others = copies
    if own and not this_program.is_this(found):
        message = f"clients find {found}, which is another copy than this one, {own}"
        yield Finding(WARNING, "program", message, shell.line(found, "version"))
    else:
        yield Finding(OK, "program", f"clients find {found}")
    for other in others:
        if not _is_same(found, other):
            message = f"{other} is never found: {found} comes first on PATH"
            yield Finding(WARNING, "program", message, shell.line(other, "version"))


def helpers() -> Iterator[Finding]:
    """Which other helpers there are, and which of them are this program by another name."""
    first: dict[str, str] = {}
    for name, path in _on_path():
        if name == stdio.PROGRAM:
            continue
        if not os.path.exists(path):
            message = f"{path} is a link to nothing"
            yield Finding(WARNING, "helpers", message, shell.line("rm", path))
        elif name not in first:
            first[name] = path
            which = (
                "this program by another name" if this_program.is_this(path) else "another helper"
            )
            yield Finding(NOTE, "helpers", f"{path} is {which}")
        elif not _is_same(first[name], path):
            message = f"{path} is never found: {first[name]} comes first on PATH"
            yield Finding(NOTE, "helpers", message)


def _on_path() -> Iterator[tuple[str, str]]:
    """Every helper on PATH, in the order in which they are found: its name and its file.

    Relative folders are passed over, as clients written in Go and we ourselves do.
    """
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if not os.path.isabs(folder) or not os.path.isdir(folder):
            continue
        for entry in sorted(os.listdir(folder)):
            path = os.path.join(folder, entry)
            if entry.startswith(PREFIX) and (_is_program(path) or not os.path.exists(path)):
                yield _name(entry), path


def _name(entry: str) -> str:
    return entry.removesuffix(_WINDOWS_ENDING) if sys.platform == "win32" else entry


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _is_same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
