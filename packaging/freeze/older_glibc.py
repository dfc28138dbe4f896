"""Lowers the version of glibc that a program or library wants.

A newer glibc has many functions in two versions: 2.34 moved those of threads and of the loader
into libc, and gave them a new version there. A file that was linked against it names the newer
one, though the older one does the same. Here it names the older one. Functions that an older glibc
lacks are in ``launcher/older_glibc.c``.

Source: https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html
"""

import re
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from freeze import elf
from freeze.interpreter import glibc

LIBRARIES = ("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1")
# The version of the oldest symbols, by ELF machine: x86-64 and AArch64.
OLDEST = {62: "GLIBC_2.2.5", 183: "GLIBC_2.17"}
DYNSYM, VERNEED, VERSYM = 11, 0x6FFFFFFE, 0x6FFFFFFF
UNVERSIONED = 1


@cache
def _versions() -> dict[str, set[str]]:
    """The versions of every function in the glibc of this machine."""
    found: dict[str, set[str]] = {}
    for library in LIBRARIES:
        for name, version in elf.versions(str(elf.of_compiler(library))):
            found.setdefault(name, set()).add(version)
    return found


def lower(path: Path, provided: frozenset[str]) -> None:
    """Rewrite the versions of a file that are newer than the oldest glibc that is supported.

    ``provided``: the functions that the launcher exports.
    """
    content = bytearray(path.read_bytes())
    if _rewrite(content, provided):
        path.write_bytes(content)


def _rewrite(content: bytearray, provided: frozenset[str]) -> bool:
    [machine] = struct.unpack_from("<H", content, 18)
    sections = list(_sections(content))
    at = {kind: (offset, size, link) for kind, offset, size, link in sections}
    if machine not in OLDEST or VERNEED not in at:
        return False
    oldest = OLDEST[machine]
    strings = sections[at[VERNEED][2]][1]
    name_of_oldest = content.find(f"\0{oldest}\0".encode(), strings) + 1 - strings
    if name_of_oldest <= 0:
        return False  # it takes nothing of the oldest version, and has no string to name it
    changed = False
    for entry in _version_entries(content, at[VERNEED][0]):
        _, flags, index, name, following = struct.unpack_from("<IHHII", content, entry)
        version = _text(content, strings + name)
        if not _is_newer(version):
            continue
        changed = True
        users = {symbol: _symbol(content, at, symbol) for symbol in _users(content, at, index)}
        left = [name for name in users.values() if name not in provided and not _older(name)]
        for symbol, name in users.items():
            if name in provided or (_older(name) and oldest not in _older(name)):
                # The loader takes the launcher's, or the only version that there is.
                struct.pack_into("<H", content, at[VERSYM][0] + 2 * symbol, UNVERSIONED)
        if not left:
            row = (_hash(oldest), flags, index, name_of_oldest, following)
            struct.pack_into("<IHHII", content, entry, *row)
    return changed


def _older(name: str) -> set[str]:
    """The versions of a function that the oldest glibc has."""
    return {version for version in _versions().get(name, ()) if not _is_newer(version)}


def _users(content: bytearray, at: dict, index: int) -> list[int]:
    """The numbers of the symbols of a version."""
    offset, size, _ = at[VERSYM]
    indexes = struct.unpack_from(f"<{size // 2}H", content, offset)
    return [number for number, found in enumerate(indexes) if found & 0x7FFF == index]


def _symbol(content: bytearray, at: dict, number: int) -> str:
    offset, _, link = at[DYNSYM]
    [name] = struct.unpack_from("<I", content, offset + 24 * number)
    return _text(content, list(_sections(content))[link][1] + name)


def _sections(content: bytearray) -> Iterator[tuple[int, int, int, int]]:
    """The type, offset, size and link of each section."""
    [start] = struct.unpack_from("<Q", content, 40)
    size, count = struct.unpack_from("<HH", content, 58)
    for number in range(count):
        _, kind, _, _, offset, length, link = struct.unpack_from(
            "<IIQQQQI", content, start + number * size
        )
        yield kind, offset, length, link


def _version_entries(content: bytearray, file: int) -> Iterator[int]:
    """The offset of each version that is needed, of every file."""
    while True:
        _, count, _, first, following = struct.unpack_from("<HHIII", content, file)
        entry = file + first
        for _ in range(count):
            yield entry
            entry += struct.unpack_from("<I", content, entry + 12)[0]
        if not following:
            return
        file += following


def _is_newer(version: str) -> bool:
    found = re.fullmatch(r"GLIBC_([0-9.]+)", version)
    return bool(found) and tuple(map(int, found[1].split("."))) > glibc()


def _text(content: bytearray, at: int) -> str:
    return content[at : content.index(0, at)].decode()


def _hash(name: str) -> int:
    """The hash of a version, as the ELF specification has it."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high & 0xFFFFFFFF
    return value
