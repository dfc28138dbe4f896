"""What a frozen file has inside, found by nothing but its bytes: ``inside.py FILE FOLDER``.

Run by the Python that froze it, which has zstandard and reads the marshalled table of contents.
Every ELF file goes to the folder; on standard output, as JSON: the names of the modules.
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
    """Every entry that is deflated without a dictionary; modules are deflated with one."""
    entries = []
    for at in places(content, ZSTD):
        try:
            entries.append(zstandard.ZstdDecompressor().decompressobj().decompress(content[at:]))
        except (zstandard.ZstdError, MemoryError):
            pass  # a module, or four bytes that happen to look so
    return entries


def main(file: Path, folder: Path) -> None:
    content = file.read_bytes()
    entries = inflated(content)
    # At the start of a page, as the build lays them, and by its type a program or library: glibc's
    # loader has the mark among its code and data too.
    starts = [at for at in places(content, ELF) if at % 4096 == 0 and content[at + 16] in (2, 3)]
    raw = [content[at:end] for at, end in zip(starts, [*starts[1:], None], strict=True)]
    for number, elf in enumerate([*raw, *(entry for entry in entries if entry.startswith(ELF))]):
        (folder / f"{number}.elf").write_bytes(elf)
    (table,) = (entry for entry in entries if entry.startswith(b"{") and b"libraries" in entry)
    contents = marshal.loads(table)
    print(json.dumps(sorted(contents["modules"])))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
