"""The changes that put this program on a node: the executable, its links, and the configuration.

The executable comes first: kubelet does not start where a configuration names one that is missing.
A configuration that is changed is kept beside the new one. Nothing outside the node's root is
written, whatever links lead there.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from pathlib import Path

from cred_helper import stdio
from cred_helper.commands.configure.changes import Change, FileChange, LinkChange
from cred_helper.commands.doctor.program import unstartable
from cred_helper.commands.node.layouts import Layout, allows_programs, below
from cred_helper.commands.node.provider_config import PROGRAM, ConfigFile, Entry, masked
from cred_helper.commands.ui import this_program
from cred_helper.errors import Misconfigured
from cred_helper.files import atomic_file
from cred_helper.files.os_errors import os_reason
from cred_helper.record import Record

_MODE = 0o755
_KEPT = ".before-docker-credential-multi"


class CopyChange(Record):
    """A copy of a file that takes the place of another, if that differs.

    ``content`` is what was read already, where another run can have changed the file since.
    """

    source: Path
    target: Path
    mode: int
    content: bytes | None = None

    @property
    def is_change(self) -> bool:
        """Whether the target is missing, another file or link, or has another mode."""
        try:
            status = os.lstat(self.target)
        except OSError:
            return True
        is_same = stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) == self.mode
        return not is_same or _digest(self.target) != _digest(self.source)

    def diff(self) -> str:
        return f"+ {self.target} (a copy of {self.source}, mode {self.mode:o})"

    def apply(self) -> None:
        """Make the copy; a pull that runs the old program meanwhile goes on."""
        try:
            atomic_file.make_folders(str(self.target.parent), _MODE)
            content = self.source.read_bytes() if self.content is None else self.content
            atomic_file.replace(str(self.target), content, durable=True, mode=self.mode)
        except OSError as error:
            cause = os_reason(error)
            raise Misconfigured("configure.unwritable", path=self.target, cause=cause) from None


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def program(named: Path | None) -> Path:
    """The single file to install: the one that is named, or this program."""
    if named is None:
        if not getattr(sys, "frozen", False):
            raise Misconfigured("node.not-a-single-file", program=stdio.PROGRAM)
        return Path(os.path.realpath(this_program.file() or sys.executable))
    path = Path(os.path.realpath(named))
    if not path.is_file():
        raise Misconfigured("node.no-program", path=named)
    return path


def changes(root: Path, layout: Layout, entries: list[Entry], source: Path) -> list[Change]:
    """What is to be written below a root, in its order."""
    folder, config = below(root, layout.folder), below(root, layout.config)
    inside = os.path.realpath(root)
    for path in (folder, config.parent, config):
        real = os.path.realpath(path)
        if os.path.commonpath((real, inside)) != inside:
            raise Misconfigured("node.outside", path=path, real=real, root=root)
    code = unstartable(str(source), str(root))
    if code and (code != "doctor.helper-for-other-processor" or root.samefile("/")):
        raise Misconfigured(code, path=source)
    if not allows_programs(folder):
        raise Misconfigured("node.noexec", path=folder)
    if config.is_dir():
        # Kubelet merges the files in it.
        config /= f"{PROGRAM}.yaml"
    found: list[Change] = []
    copy = CopyChange(source, folder / PROGRAM, _MODE)
    if copy.is_change:
        found.append(copy)
    for entry in entries:
        if entry["name"] != PROGRAM:
            found += _link(folder / entry["name"])
    if not layout.in_machine_config:
        found += _configuration(config, entries)
    return found


def _link(path: Path) -> list[Change]:
    """A link to the program beside it; it goes on working wherever the folder is mounted."""
    if path.is_symlink() and os.readlink(path) == PROGRAM:
        return []
    if os.path.lexists(path):
        raise Misconfigured("node.in-the-way", path=path)
    return [LinkChange(path, PROGRAM)]


def _configuration(path: Path, entries: list[Entry]) -> list[Change]:
    file = ConfigFile(path)
    after = file.merged(entries)
    if after == file.text:
        return []
    change = FileChange(path, file.text, after, masked)
    if file.text is None:
        return [change]
    # A name that does not end in .yaml, which kubelet would read in a folder of configurations.
    kept = path.with_name(path.name + _KEPT)
    number = 1
    while os.path.lexists(kept):
        number += 1
        kept = path.with_name(f"{path.name}{_KEPT}.{number}")
    mode = stat.S_IMODE(path.stat().st_mode)
    return [CopyChange(path, kept, mode, file.text.encode("utf-8")), change]
