"""Whether clients find this program, and which other credential helpers they find."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterator
from glob import glob

from cred_helper import stdio
from cred_helper.commands.doctor.finding import Finding, error, note, ok, warning
from cred_helper.commands.ui import shell, this_program
from cred_helper.fallback.helper import PREFIX
from cred_helper.files import user_folders

_ELF = b"\x7fELF"
_MACH_O = (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
# With it, Linux under Windows starts Windows programs.
_WSL_INTEROP = "/proc/sys/fs/binfmt_misc/WSLInterop*"
# Where an ELF file names its processor.
_ELF_MACHINE = slice(18, 20)
_ELF_64_LITTLE = b"\x02\x01"
_ELF_HEADER_BYTES, _ELF_PROGRAM_HEADER_BYTES, _ELF_LOADER = 64, 56, 3
# Linkers put the name of the loader behind the program headers.
_HEAD_BYTES = 4096


def program() -> Iterator[Finding]:
    """Whether clients find this program, and no other copy of it."""
    if user := os.environ.get("SUDO_USER"):
        yield note("program", "doctor.run-by-sudo", user=user, home=user_folders.home(os.environ))
    copies = [path for name, path in _on_path() if name == stdio.PROGRAM]
    own = this_program.file()
    if not copies:
        command = shell.put_on_path(os.path.dirname(own)) if own else None
        code = "doctor.program-not-on-path" if own else "doctor.program-not-installed"
        yield error("program", code, command)
        return
    found, *others = copies
    if own and not this_program.is_this(found):
        command = shell.line(found, "version")
        yield warning("program", "doctor.program-other-copy", command, path=found, own=own)
    else:
        yield ok("program", "doctor.program-found", path=found)
    for other in others:
        if not this_program.is_same_file(found, other):
            command = shell.line(other, "version")
            yield warning("program", "doctor.shadowed", command, path=other, first=found)


def helpers() -> Iterator[Finding]:
    """The other helpers on PATH: which can be started, and which are links to this program."""
    first: dict[str, str] = {}
    for name, path in _on_path():
        if name == stdio.PROGRAM:
            continue
        if not os.path.exists(path):
            yield warning("helpers", "doctor.dangling-link", shell.line("rm", path), path=path)
        elif name not in first:
            first[name] = path
            if code := unstartable(path):
                yield warning("helpers", code, path=path)
            elif this_program.is_this(path):
                yield note("helpers", "doctor.helper-is-this-program", path=path)
            else:
                yield note("helpers", "doctor.helper-found", path=path)
        elif not this_program.is_same_file(first[name], path):
            yield note("helpers", "doctor.shadowed", path=path, first=first[name])


def unstartable(path: str, root: str = "/") -> str | None:
    """The code of the reason why this system cannot start a program; ``None`` if it can.

    ``root`` is the root folder of the system that starts it, if that is another one.
    """
    head = _head(path) if sys.platform.startswith("linux") else None
    if head is None:
        return None
    if head.startswith(b"MZ"):
        return None if glob(_WSL_INTEROP) else "doctor.helper-for-windows"
    if head.startswith(_MACH_O):
        return "doctor.helper-for-macos"
    if head.startswith(_ELF):
        own = _head(sys.executable) or b""
        if own.startswith(_ELF) and own[_ELF_MACHINE] != head[_ELF_MACHINE]:
            return "doctor.helper-for-other-processor"
        loader = _loader(head)
        is_there = loader is None or os.path.lexists(os.path.join(root, loader.lstrip("/")))
        return None if is_there else "doctor.helper-without-loader"
    if head.startswith(b"#!"):
        words = head[2:].split(b"\n", 1)[0].split(b" ") if b"\n" in head else []
        interpreter = os.fsdecode(next((word for word in words if word), b"/"))
        if interpreter.endswith("\r"):
            return "doctor.helper-windows-line-ends"
        is_there = os.path.lexists(os.path.join(root, interpreter.lstrip("/")))
        return None if is_there else "doctor.helper-without-interpreter"
    return "doctor.helper-without-format"


def _loader(head: bytes) -> str | None:
    """The dynamic loader that an ELF file of 64 bits names; ``None`` for a static one.

    Source: elf(5)
    """
    if head[4:6] != _ELF_64_LITTLE or len(head) < _ELF_HEADER_BYTES:
        return None
    at, size, count = *struct.unpack_from("<Q", head, 32), *struct.unpack_from("<HH", head, 54)
    for start in range(at, at + size * count, size or 1):
        if start + size > len(head) or size < _ELF_PROGRAM_HEADER_BYTES:
            return None
        kind, offset = struct.unpack_from("<I4xQ", head, start)
        if kind == _ELF_LOADER:
            return os.fsdecode(head[offset:].partition(b"\0")[0]) or None
    return None


def _head(path: str) -> bytes | None:
    """The first bytes of a program; ``None`` for one that may be started and not read."""
    try:
        with open(path, "rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError:
        return None


def _on_path() -> Iterator[tuple[str, str]]:
    """Every helper on PATH, in the order in which they are found: its name and its file.

    Relative folders do not count, as for clients written in Go and for us.
    """
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        try:
            entries = sorted(os.listdir(folder)) if os.path.isabs(folder) else []
        except OSError:
            continue
        for entry in entries:
            if not entry.startswith(PREFIX):
                continue  # PATH has thousands of other files
            path = os.path.join(folder, entry)
            is_program = os.path.isfile(path) and os.access(path, os.X_OK)
            if is_program or not os.path.exists(path):
                name = entry.removesuffix(".exe") if sys.platform == "win32" else entry
                yield name, path
