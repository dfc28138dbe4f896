"""Finds the contents of a frozen file in its bytes alone: ``inside.py FILE FOLDER``.

It runs under the Python of the build, which has zstandard and reads the table of contents. It
writes every ELF file to the folder, and prints the names of the modules as JSON.
"""

import json
import marshal
import sys
import zlib
from pathlib import Path

import zstandard  # type: ignore[import-not-found] # of the Python that runs this

ELF = b"\x7fELF\x02\x01\x01"
ZLIB = b"\x78\xda"
ZSTD = b"\x28\xb5\x2f\xfd"


def places(content: bytes, mark: bytes) -> list[int]:
    found, at = [], content.find(mark)
    while at >= 0:
        found.append(at)
        at = content.find(mark, at + 1)
    return found


def inflated(content: bytes) -> list[bytes]:
    """The entries that are compressed without a dictionary: all but modules."""
    entries = []
    for at in places(content, ZSTD):
        try:
            entries.append(zstandard.ZstdDecompressor().decompressobj().decompress(content[at:]))
        except (zstandard.ZstdError, MemoryError):
            pass  # a module, or four bytes that are no frame
    return entries


def of_bootloader(file: Path) -> tuple[list[bytes], list[bytes]]:
    """The parts that PyInstaller's bootloader unpacks, the bootloader, and the program's parts."""
    from PyInstaller.archive.readers import CArchiveReader

    archive = CArchiveReader(str(file))
    unpacked = [archive.extract(name) for name, (*_, kind) in archive.toc.items() if kind == "b"]
    content = file.read_bytes()
    payload = archive.extract("PYZ.pyz")
    entries = []
    for at in places(payload, ZLIB):
        try:
            entries.append(zlib.decompressobj().decompress(payload[at:]))
        except zlib.error:
            pass
    return [content[: content.index(payload)], *unpacked], entries


def main(file: Path, folder: Path) -> None:
    content = file.read_bytes()
    if b"MEI\014\013\012\013\016" in content:
        write(*of_bootloader(file), folder)
        return
    entries = inflated(content)
    # The build puts programs and libraries at the start of a page. The loader of glibc contains the
    # same four bytes in other places.
    starts = [at for at in places(content, ELF) if at % 4096 == 0 and content[at + 16] in (2, 3)]
    raw = [content[at:end] for at, end in zip(starts, [*starts[1:], None], strict=True)]
    write(raw, entries, folder)


def write(raw: list[bytes], entries: list[bytes], folder: Path) -> None:
    for number, elf in enumerate([*raw, *(entry for entry in entries if entry.startswith(ELF))]):
        (folder / f"{number}.elf").write_bytes(elf)
    (table,) = (entry for entry in entries if entry.startswith(b"{") and b"libraries" in entry)
    contents = marshal.loads(table)
    print(json.dumps(sorted(contents["modules"])))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
