"""Digests of files and texts, to compare identities without storing their secrets.

Loads no module that a cached answer does not load anyway.
"""

from __future__ import annotations

import stat

from cred_helper import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# A credential file has some kilobytes. What follows the first megabyte is ignored.
_MAX_FILE_BYTES = 1 << 20


def digest(parts: Iterable[str | bytes]) -> str:
    """Digest the parts, with their lengths, to 32 hexadecimal digits."""
    try:
        # The extension module: hashlib loads OpenSSL, which takes longer than all the rest of a
        # cached answer.
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
    """Whether a path is a pipe or a device, which gives its content to one reader only.

    The shell's "<(…)" is such a pipe: it is left to the SDK, which needs its content.

    Raises:
        OSError: it does not exist, or cannot be examined.
    """
    try:
        mode = files.status(path).st_mode
    except ValueError:  # a NUL byte, or a text that no file system encodes
        from cred_helper.files.os_errors import invalid_path

        raise invalid_path() from None
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def file_digest(
    path: str, of: Callable[[bytes], str] = lambda content: digest([content])
) -> str | None:
    """The digest of a file's content, ``absent`` or ``unreadable``; ``None`` for a pipe."""
    try:
        return None if is_pipe(path) else of(files.read(path, _MAX_FILE_BYTES))
    except FileNotFoundError:
        return "absent"
    except OSError:
        return "unreadable"
