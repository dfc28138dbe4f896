"""Digests that tell one identity from another, at the price of no import worth the name.

Never a way back to what was digested: the digest is what may be written down.
"""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# A credential file is kilobytes; more than this is not one, and is not read.
_MAX_FILE_BYTES = 1 << 20


def digest(parts: Iterable[str | bytes]) -> str:
    """Digest the parts, each kept apart from its neighbours, to 32 hexadecimal digits."""
    try:
        # The extension module itself: hashlib would load OpenSSL, which costs more than the rest
        # of a cached answer together.
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b
    hasher = blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        hasher.update(b"%d:" % len(data))
        hasher.update(data)
    return hasher.hexdigest()


def is_pipe(path: str) -> bool:
    """Whether what is there gives its content to one reader, who may have to wait for it.

    The shell's "<(…)" is such a pipe: a look must not open it, for the SDK needs what it holds.

    Raises:
        OSError: nothing is there, or it may not be looked at.
    """
    mode = os.stat(path).st_mode
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def file_digest(path: str) -> str | None:
    """Digest a file's content, or say ``absent`` or ``unreadable``; ``None`` for a pipe's."""
    try:
        if is_pipe(path):
            return None
        with open(path, "rb") as file:
            return digest([file.read(_MAX_FILE_BYTES)])
    except FileNotFoundError:
        return "absent"
    except OSError:
        return "unreadable"
