"""The last line of the single file: the checksum of all bytes before it.

The build appends it. It finds damage, not an attack: who changes the file can change the line.
"""

from __future__ import annotations

import hashlib
import os
import re

_LINE = re.compile(rb"docker-credential-multi sha256 ([0-9a-f]{64})\n")
_LENGTH = 96
# Files of Linux have the line. Those of macOS and Windows may end in a signature.
_ELF = b"\x7fELF"
_CHUNK_BYTES = 1 << 20


def make(content_digest: str) -> bytes:
    return f"docker-credential-multi sha256 {content_digest}\n".encode()


def compare(path: str) -> tuple[str, str | None] | None:
    """The checksum of the file before its last line, and the one in that line, if it has one.

    ``None``: a file of this kind has no such line.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        left = os.fstat(file.fileno()).st_size - _LENGTH
        if file.read(len(_ELF)) != _ELF:
            return None
        file.seek(0)
        while left > 0 and (chunk := file.read(min(left, _CHUNK_BYTES))):
            digest.update(chunk)
            left -= len(chunk)
        line = _LINE.fullmatch(file.read(_LENGTH + 1))
    return digest.hexdigest(), line[1].decode() if line else None
