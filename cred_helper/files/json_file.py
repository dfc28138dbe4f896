"""JSON documents on disk: read once and whole, complained of by line.

Never waits for a file (a pipe, a device), never reads one without end, and never quotes what a file
holds: it may be a secret.
"""

from __future__ import annotations

import os

from cred_helper.errors import Misconfigured

# Thousands of registries fit in one; a file beyond it is a mistake.
MAX_BYTES = 16 << 20
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


class Document:
    """A JSON document, and on which of its lines things stand."""

    __slots__ = ("_text", "value")

    def __init__(self, data: bytes) -> None:
        """Parse.

        What follows the first JSON value is left alone, as docker leaves it.

        Raises:
            Misconfigured: it is not JSON in UTF-8. The reason begins with the line.
        """
        import json

        if data.startswith(_UTF16_BOMS):
            raise Misconfigured("line 1: it is UTF-16", hint="save the file as UTF-8")
        data = data.removeprefix(_UTF8_BOM)
        try:
            self._text = data.decode("utf-8")
            start = len(self._text) - len(self._text.lstrip())
            self.value, _ = json.JSONDecoder().raw_decode(self._text, start)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise Misconfigured(f"line {line}: it is not UTF-8") from None
        except json.JSONDecodeError as error:
            # What comes after a colon in json's messages is a piece of the text.
            complaint = error.msg.partition(":")[0].lower()
            raise Misconfigured(f"line {error.lineno}: it is not JSON ({complaint})") from None
        except RecursionError:
            raise Misconfigured("line 1: it is nested too deeply") from None

    def line_of(self, *keys: str) -> int:
        """The line of the last of these keys, each looked for after the one before it."""
        import json

        at = 0
        for key in keys:
            at = max(at, self._text.find(json.dumps(key, ensure_ascii=False), at))
        return self._text.count("\n", 0, at) + 1


def load(path: str) -> Document | None:
    """Read a document from a file; ``None`` where there is no file, or nothing in it.

    Raises:
        Misconfigured: it cannot be read, or is not JSON.
    """
    try:
        data = read(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Misconfigured(f"it cannot be read: {trouble(error)}") from None
    return parse(data)


def parse(data: bytes) -> Document | None:
    """Parse a document that has to be reasonable in size; ``None`` where there is nothing in it."""
    if len(data) > MAX_BYTES:
        raise Misconfigured(f"it is larger than {MAX_BYTES >> 20} MiB")
    return Document(data) if data.removeprefix(_UTF8_BOM).strip() else None


def read(path: str) -> bytes:
    """Read a file, up to a byte more than a document may have. Symbolic links are followed."""
    fd = open_file(path)
    try:
        return read_open(fd)
    finally:
        os.close(fd)


def open_file(path: str) -> int:
    """Open a file for reading, without being held up by a pipe that nobody writes to."""
    return os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))


def read_open(fd: int) -> bytes:
    """As ``read``, from an open file."""
    chunks = []
    left = MAX_BYTES + 1
    while left and (chunk := os.read(fd, min(left, 1 << 20))):
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)


def trouble(error: OSError) -> str:
    """What the operating system says, in the house's style."""
    return (os.strerror(error.errno) if error.errno else type(error).__name__).lower()
