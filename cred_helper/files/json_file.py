"""JSON from files and programs: read whole, within limits, with errors that name the line.

Limits are in size, nesting, length of numbers and, where a pipe stands in a file's place, in time.
Never quotes what was read: it may be a secret.
"""

from __future__ import annotations

import errno
import os
import stat

from cred_helper import files
from cred_helper.errors import Misconfigured
from cred_helper.files.os_errors import invalid_path, os_reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Thousands of registries fit into a file of this size.
MAX_BYTES = 16 << 20
# CPython's own limit, without the variable that lifts it: longer numbers take quadratic time.
# Source: https://docs.python.org/3/library/stdtypes.html#integer-string-conversion-length-limitation
MAX_DIGITS = 4300
# The shell's "<(…)" and a FIFO: how long their writer may take in all.
PIPE_TIMEOUT_S = 2.0
_PIPE_POLL_S = 0.01
# How long a program may take to write a file in place.
_WRITTEN_WITHIN_S = 0.5
_REREADS = 3
_REREAD_PAUSE_S = 0.1
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


class ParsedJson:
    """A JSON value and the lines of its text."""

    def __init__(self, data: bytes) -> None:
        """Parse the first JSON value; what follows it is ignored, as docker ignores it.

        Raises:
            Misconfigured: the data is not JSON in UTF-8. The reason begins with the line.
        """
        if data.startswith(_UTF16_BOMS):
            raise Misconfigured("file.wide-encoding")
        data = data.removeprefix(_UTF8_BOM)
        try:
            self._text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise Misconfigured("file.encoding", line=line) from None
        start = len(self._text) - len(self._text.lstrip())
        self.value, _ = first_value(self._text, start)

    def line_of(self, *keys: str) -> int:
        """The line of the last of these keys, each searched for after the one before it."""
        import json

        at = 0
        for key in keys:
            at = max(at, self._text.find(json.dumps(key, ensure_ascii=False), at))
        return self._text.count("\n", 0, at) + 1


def first_value(text: str, start: int = 0) -> tuple[Any, int]:
    """Parse the JSON value that begins at an offset; return it and the offset behind it.

    Raises:
        Misconfigured: there is none, or it is beyond a limit.
    """
    import json

    try:
        return json.JSONDecoder(parse_int=_integer).raw_decode(text, start)
    except json.JSONDecodeError as error:
        # What comes after a colon in json's messages is a piece of the text.
        problem = error.msg.partition(":")[0].lower()
        raise Misconfigured("file.not-json", line=error.lineno, problem=problem) from None
    except _LongNumber as error:
        line = text.count("\n", 0, text.find(error.digits, start)) + 1
        raise Misconfigured("file.long-number", line=line, limit=MAX_DIGITS) from None
    except RecursionError:
        raise Misconfigured("file.deep-nesting") from None


def parse_value(data: bytes | str) -> Any:
    """Parse a text that is one JSON value, for callers with an error of their own.

    Raises:
        ValueError: the text is anything else, or beyond a limit.
    """
    import json

    try:
        return json.loads(data, parse_int=_integer)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def parse_object(data: bytes | str) -> dict[str, Any]:
    """The JSON object that a text is; an empty one for any other text, or beyond a limit."""
    try:
        value = parse_value(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


class _LongNumber(ValueError):
    """A number has more digits than ``MAX_DIGITS``."""

    def __init__(self, digits: str) -> None:
        super().__init__("a number is too long")
        self.digits = digits


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise _LongNumber(digits)
    return int(digits)


def load(path: str) -> ParsedJson | None:
    """Read and parse a file; ``None`` if it does not exist or holds nothing.

    Some programs write such files in place: one that was changed a moment ago and is not whole yet
    is read again.

    Raises:
        Misconfigured: it cannot be read, or is not JSON. The reason does not name the file.
    """
    try:
        return _load_when_written(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Misconfigured("file.cannot-read", problem=os_reason(error)) from None


def _load_when_written(path: str) -> ParsedJson | None:
    """Like ``load``. Raises ``OSError`` if the file cannot be read.

    Source: https://github.com/containers/image/issues/1365 (podman login)
    """
    from time import sleep

    for _ in range(_REREADS):
        try:
            found = parse(read(path))
        except Misconfigured:
            found = None
        if found is not None or not _is_being_written(path):
            break
        sleep(_REREAD_PAUSE_S)
    return parse(read(path)) if found is None else found


def _is_being_written(path: str) -> bool:
    from time import time

    files.unrecorded()  # what is returned depends on the time
    status = os.stat(path)
    return stat.S_ISREG(status.st_mode) and abs(time() - status.st_mtime) < _WRITTEN_WITHIN_S


def parse(data: bytes) -> ParsedJson | None:
    """Parse data of a limited size; ``None`` if it is empty. Raises ``Misconfigured``."""
    if len(data) > MAX_BYTES:
        raise Misconfigured("file.too-large", limit=MAX_BYTES >> 20)
    return ParsedJson(data) if data.removeprefix(_UTF8_BOM).strip() else None


def read(path: str, inspect: Callable[[int], None] = lambda _fd: None) -> bytes:
    """Read a file, up to one byte more than ``MAX_BYTES``. Symbolic links are followed.

    ``inspect`` is called with the open file before it is read.

    Raises:
        OSError: it cannot be read, or is a pipe whose writer takes too long.
    """
    fd = open_file(path)
    try:
        inspect(fd)
        data = read_open(fd)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            files.unrecorded()
    except OSError as error:
        files.note_file(path, error)
        raise
    finally:
        os.close(fd)
    files.note_file(path, data)
    return data


def read_regular(path: str) -> bytes:
    """Like ``read``, for a file that is going to be replaced.

    Raises:
        OSError: it is a pipe or a device, or too large to be read whole.
    """

    def check(fd: int) -> None:
        mode = os.fstat(fd).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise OSError(errno.EINVAL, "not a regular file")

    data = read(path, check)
    if len(data) > MAX_BYTES:
        raise OSError(errno.EFBIG, f"larger than {MAX_BYTES >> 20} MiB")
    return data


def open_file(path: str) -> int:
    """Open a file for reading, without waiting for the writer of a pipe."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        return os.open(path, flags)
    except OSError as error:
        files.note_file(path, error)
        raise
    except ValueError:
        raise invalid_path() from None


def read_open(fd: int) -> bytes:
    from time import monotonic, sleep

    ends_at_s = monotonic() + PIPE_TIMEOUT_S
    chunks: list[bytes] = []
    left = MAX_BYTES + 1
    while left:
        try:
            chunk = os.read(fd, min(left, 1 << 20))
        except BlockingIOError:
            if monotonic() > ends_at_s:
                reason = f"its writer sent no end within {PIPE_TIMEOUT_S:.0f} s"
                raise OSError(errno.ETIMEDOUT, reason) from None
            sleep(_PIPE_POLL_S)
            continue
        if not chunk:
            break
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)
