"""The bytes behind the executable: modules started with, the rest, libraries, data, their table.

What a cached ``get`` touches comes first and is stored as it is. The rest is deflated with zstd,
entry by entry, so that an import inflates what it imports: four times quicker than zlib here, and
smaller; modules share a dictionary, since most are a few KB and much alike.
"""

import marshal
from pathlib import Path

import zstandard

# As runtime/frozen_importer.py reads them.
CODE, PACKAGE, EXTENSION = range(3)

LEVEL = 19
DICTIONARY_BYTES = 256 << 10  # of 64, 112 and 256 KiB the one with the smallest sum


PLAIN = zstandard.ZstdCompressor(level=LEVEL)


class Payload:
    """Collects entries, then writes the payload and the launcher's table of modules."""

    def __init__(self) -> None:
        self.bytes = bytearray()
        self.code: dict[str, tuple[bytes, bool]] = {}
        self.started_with: list[tuple[str, int, int, bool]] = []
        self.modules: dict[str, tuple] = {}
        self.libraries: dict[str, tuple] = {}
        self.data: dict[str, tuple] = {}
        self.sources: dict[str, str] = {}  # where the building machine has each library
        self.floors: dict[str, tuple[int, ...]] = {}
        self.overhead = (0, 0)

    def add_started_with(self, name: str, code: bytes, *, package: bool) -> None:
        at, _, size = self._add(code, None)
        self.started_with.append((name, at, size, package))

    def add_module(self, name: str, code: bytes, *, package: bool) -> None:
        self.code[name] = (code, package)

    def add_extension(self, name: str, library: str) -> None:
        self.modules[name] = (EXTENSION, library)

    def add_library(self, name: str, content: bytes | None, needs: tuple[str, ...]) -> None:
        """A library, or with no content one that lies beside the executable."""
        entry = self._add(content, PLAIN) if content is not None else None
        self.libraries[name] = (entry, needs)

    def add_data(self, name: str, content: bytes) -> None:
        self.data[name] = self._add(content, PLAIN)

    def _add(
        self, content: bytes, compressor: zstandard.ZstdCompressor | None
    ) -> tuple[int, int, int]:
        packed = compressor.compress(content) if compressor else content
        if len(packed) >= len(content):
            packed = content
        at = len(self.bytes)
        self.bytes += packed
        return at, len(packed), len(content)

    def _add_code(self) -> tuple[int, int]:
        """Deflate all modules with a dictionary trained on them; where that lies."""
        samples = [code for code, _ in self.code.values()]
        dictionary = zstandard.train_dictionary(DICTIONARY_BYTES, samples, level=LEVEL)
        at, _, size = self._add(dictionary.as_bytes(), None)
        compressor = zstandard.ZstdCompressor(level=LEVEL, dict_data=dictionary)
        for name, (code, package) in self.code.items():
            self.modules[name] = (PACKAGE if package else CODE, *self._add(code, compressor))
        return at, size

    def write(self, directory: Path) -> None:
        """Write ``payload.bin`` and ``modules.h``."""
        dictionary_at, dictionary_size = self._add_code()
        table = {"modules": self.modules, "libraries": self.libraries, "data": self.data}
        at, stored, size = self._add(marshal.dumps(table, 2), PLAIN)
        self.overhead = (stored + dictionary_size, size + dictionary_size)
        rows = [
            f'MODULE("{name}", {offset}, {size}, {int(package)})'
            for name, offset, size, package in self.started_with
        ]
        (directory / "modules.h").write_text("\n".join(rows) + "\n")
        (directory / "contents.h").write_text(
            f"#define PAYLOAD_SIZE {len(self.bytes)}\n"
            f"#define CONTENTS_AT {at}\n"
            f"#define CONTENTS_STORED {stored}\n"
            f"#define CONTENTS_SIZE {size}\n"
            f"#define DICTIONARY_AT {dictionary_at}\n"
            f"#define DICTIONARY_SIZE {dictionary_size}\n"
        )
        (directory / "payload.bin").write_bytes(self.bytes)
