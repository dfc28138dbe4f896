"""The payload: the modules of every start, then other modules, libraries, data and their table.

The modules that a cached ``get`` imports come first, uncompressed, under one checksum. Every other
entry is a zstd frame with a checksum of its own, so that an import inflates only what it imports.
zstd inflates four times faster than zlib here. Modules share a dictionary: most are a few KB, and
alike. A file with PyInstaller's bootloader has zlib streams instead, which every Python inflates.
"""

import hashlib
import marshal
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import zstandard

# As runtime/frozen_importer.py reads them.
CODE, PACKAGE, EXTENSION = range(3)

LEVEL = 19
DICTIONARY_BYTES = 256 << 10  # of 64, 112 and 256 KiB, the one with the smallest file
PLAIN = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)


def checksum(content: bytes) -> int:
    """The checksum of the modules of every start, as ``launcher.c`` computes it.

    It reads 32 bytes at a time, since it is computed at every start: 0.05 ms for 600 KB.
    """
    prime, mask = 0x9E3779B185EBCA87, (1 << 64) - 1
    lanes = [1, 2, 3, 4]
    for at, (word,) in enumerate(struct.iter_unpack("=Q", content)):
        mixed = ((lanes[at % 4] ^ word) * prime) & mask
        lanes[at % 4] = mixed ^ (mixed >> 32)
    total = 0
    for lane in lanes:
        mixed = ((total ^ lane) * prime) & mask
        total = mixed ^ (mixed >> 32)
    return total


class Payload:
    """Collects entries, then writes the payload and the launcher's table of modules."""

    def __init__(self, pack: Callable[[bytes], bytes] = PLAIN.compress) -> None:
        self._pack = pack
        self.bytes = bytearray()
        self.code: dict[str, tuple[bytes, bool]] = {}
        self.started_with: list[tuple[str, int, int, bool]] = []
        self.modules: dict[str, tuple] = {}
        self.libraries: dict[str, tuple] = {}
        self.data: dict[str, tuple] = {}
        self.sources: dict[str, str] = {}  # where the building machine has each library
        self.floors: dict[str, tuple[int, ...]] = {}
        self.overhead = (0, 0)
        self._started_with_size = 0

    def add_started_with(self, name: str, code: bytes, *, package: bool) -> None:
        """Add a module of every start: these come before everything else."""
        at, _, size = self._add(code, None)
        self.started_with.append((name, at, size, package))
        self.bytes += bytes(-len(self.bytes) % 32)  # the checksum reads 32 bytes at a time
        self._started_with_size = len(self.bytes)

    def add_module(self, name: str, code: bytes, *, package: bool) -> None:
        self.code[name] = (code, package)

    def add_extension(self, name: str, library: str) -> None:
        self.modules[name] = (EXTENSION, library)

    def add_library(self, name: str, content: bytes | None, needs: tuple[str, ...]) -> None:
        """Add a library; without content, one in the folder beside the executable."""
        entry = self._add(content, self._pack) if content is not None else None
        self.libraries[name] = (entry, needs)

    def add_data(self, name: str, content: bytes) -> None:
        self.data[name] = self._add(content, self._pack)

    def _add(self, content: bytes, pack: Callable[[bytes], bytes] | None) -> tuple[int, int, int]:
        packed = pack(content) if pack else content
        at = len(self.bytes)
        self.bytes += packed
        return at, len(packed), len(content)

    def _add_code(self) -> tuple[int, int]:
        """Compress all modules with a dictionary made from them; its place and size."""
        samples = [code for code, _ in self.code.values()]
        dictionary = zstandard.train_dictionary(DICTIONARY_BYTES, samples, level=LEVEL)
        at, _, size = self._add(dictionary.as_bytes(), None)
        compressor = zstandard.ZstdCompressor(
            level=LEVEL, dict_data=dictionary, write_checksum=True
        )
        self._add_modules(compressor.compress)
        return at, size

    def _add_modules(self, pack: Callable[[bytes], bytes]) -> None:
        for name, (code, package) in self.code.items():
            self.modules[name] = (PACKAGE if package else CODE, *self._add(code, pack))

    def _add_contents(self) -> tuple[int, int, int]:
        table = {"modules": self.modules, "libraries": self.libraries, "data": self.data}
        return self._add(marshal.dumps(table, 2), self._pack)

    def write(self, directory: Path) -> None:
        """Write ``payload.bin`` and ``modules.h``."""
        started_with = bytes(self.bytes[: self._started_with_size])
        dictionary_at, dictionary_size = self._add_code()
        at, stored, size = self._add_contents()
        padding = len(started_with) - sum(size for _, _, size, _ in self.started_with)
        besides = dictionary_size + padding
        self.overhead = (stored + besides, size + besides)
        rows = [
            f'MODULE("{name}", {offset}, {size}, {int(package)})'
            for name, offset, size, package in self.started_with
        ]
        (directory / "modules.h").write_text("\n".join(rows) + "\n")
        (directory / "contents.h").write_text(
            f'#define BUILD "{hashlib.blake2b(self.bytes, digest_size=16).hexdigest()}"\n'
            f"#define PAYLOAD_SIZE {len(self.bytes)}\n"
            f"#define STARTED_WITH_SIZE {len(started_with)}\n"
            f"#define STARTED_WITH_SUM {checksum(started_with)}u\n"
            f"#define CONTENTS_AT {at}\n"
            f"#define CONTENTS_STORED {stored}\n"
            f"#define CONTENTS_SIZE {size}\n"
            f"#define DICTIONARY_AT {dictionary_at}\n"
            f"#define DICTIONARY_SIZE {dictionary_size}\n"
        )
        (directory / "payload.bin").write_bytes(self.bytes)

    def write_for_bootloader(self, directory: Path) -> str:
        """Write ``payload.bin``; the constants of ``runtime/bootloader_payload.py``, as source."""
        started_with = bytes(self.bytes[: self._started_with_size])
        self._add_modules(self._pack)
        at, stored, size = self._add_contents()
        padding = len(started_with) - sum(size for _, _, size, _ in self.started_with)
        self.overhead = (stored + padding, size + padding)
        (directory / "payload.bin").write_bytes(self.bytes)
        rows = {name: (offset, size, package) for name, offset, size, package in self.started_with}
        return (
            f"CONTENTS = {at, stored, size}\n"
            f"STARTED_WITH_SIZE, STARTED_WITH_SUM = {len(started_with), zlib.crc32(started_with)}\n"
            f"STARTED_WITH = {rows}\n"
        )
