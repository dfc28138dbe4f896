"""Finds the contents of a frozen file in its bytes alone: ``inside.py FILE FOLDER``.

It runs under the Python of the build, which has zstandard and reads the table of contents. It
writes every ELF file to the folder, and prints the names of the modules as JSON.
"""

import json
import marshal
import sys
from pathlib import Path

import zstandard  # type: ignore[import-not-found] # of the Python that runs this

ELF = b"\x7fELF\x02\x01\x01"
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


def main(file: Path, folder: Path) -> None:
    content = file.read_bytes()
    entries = inflated(content)
    # The build puts programs and libraries at the start of a page. The loader of glibc contains the
    # same four bytes in other places.
    starts = [at for at in places(content, ELF) if at % 4096 == 0 and content[at + 16] in (2, 3)]
    raw = [content[at:end] for at, end in zip(starts, [*starts[1:], None], strict=True)]
    for number, elf in enumerate([*raw, *(entry for entry in entries if entry.startswith(ELF))]):
        (folder / f"{number}.elf").write_bytes(elf)
    (table,) = (entry for entry in entries if entry.startswith(b"{") and b"libraries" in entry)
    contents = marshal.loads(table)
    print(json.dumps(sorted(contents["modules"])))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
