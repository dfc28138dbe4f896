"""A record of what an answer depended on: questions about this machine and their results.

A question is a line: a letter, a blank and a path or a name. The launcher of the frozen file asks
the same questions (``packaging/launcher/memo.c``); packaging/docs/memo.md describes each. A ``get``
loads this module in the frozen file alone.
"""

from __future__ import annotations

import os
from _collections_abc import MutableMapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# The limits of the launcher.
MAX_FILE_BYTES = 256 << 10
MAX_PRIVATE_FILE_BYTES = 64 << 10
# The first byte of a result: it is there, or not.
FOUND, ABSENT = b"=", b"-"


class Recording:
    """The questions of one call and their results, in the order of the questions.

    ``request`` is set when standard input has been read. ``secret`` is the cached answer's,
    which is given until ``until_s``.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.request = b""
        self.results: dict[bytes, bytes] = {}
        self.is_plain = True
        self.secret = ""
        self.until_s = 0.0
        self.variables = Variables(self, environ)
        # Paths are expanded by it. One that is relative, or not there, is replaced by cli.
        if not self.variable("HOME").startswith(b"=/"):
            self.is_plain = False

    def spoil(self) -> None:
        """Say that the results are not all that the answer depends on."""
        self.is_plain = False

    def cached(self, secret: str, until_s: float) -> None:
        self.secret, self.until_s = secret, until_s

    def _note(self, kind: bytes, subject: str, result: bytes) -> None:
        question = kind + b" " + os.fsencode(subject)
        if b"\n" in question or b"\0" in question:
            self.spoil()
        if self.results.setdefault(question, result) != result:
            self.spoil()  # it changed meanwhile

    def _note_path(self, kind: bytes, path: str, result: bytes) -> None:
        if path.startswith("/"):
            self._note(kind, path, result)
        elif path:  # relative; nothing is at an empty path
            self.spoil()

    def variable(self, name: str) -> bytes:
        value = self.variables.original.get(name)
        result = ABSENT if value is None else FOUND + os.fsencode(value)
        self._note(b"V", name, result)
        return result

    def looked_up(self) -> dict[str, bool]:
        """The variables that were looked up, and whether each is set."""
        return {
            os.fsdecode(question[2:]): result != ABSENT
            for question, result in self.results.items()
            if question.startswith(b"V ")
        }

    def names(self, prefix: str, suffix: str) -> list[str]:
        """Names of variables were searched; each found variable counts with its value."""
        names = self.variables.original
        found = sorted(name for name in names if name.startswith(prefix) and name.endswith(suffix))
        if prefix and suffix:
            self.spoil()
        kind, text = (b"Q", suffix) if suffix else (b"P", prefix)
        self._note(kind, text, FOUND + b"%d" % len(found))
        for name in found:
            self.variable(name)
        return found

    def file(self, path: str, found: bytes | OSError, at_most: int) -> None:
        if isinstance(found, OSError):
            result = _error(found)
        else:
            result = FOUND + found
            if len(found) >= min(at_most, MAX_FILE_BYTES):
                self.spoil()
        self._note_path(b"F", path, result)

    def private_file(self, path: str, content: bytes | None, at_most: int) -> None:
        if at_most != MAX_PRIVATE_FILE_BYTES:
            self.spoil()
        self._note_path(b"E", path, ABSENT if content is None else FOUND + content)

    def status(self, path: str, found: os.stat_result | OSError) -> None:
        if isinstance(found, OSError):
            result = _error(found)
        else:
            result = FOUND + b"%o %d" % (found.st_mode, found.st_uid)
        self._note_path(b"S", path, result)

    def executable(self, path: str, found: bool) -> None:
        self._note_path(b"X", path, FOUND if found else ABSENT)

    def real_path(self, path: str, found: str) -> None:
        """The links of a path were followed. An absent file is absent at every path."""
        is_there = os.path.exists(path)
        self._note_path(b"R", path, FOUND + os.fsencode(found) if is_there else ABSENT)

    def machine_name(self, name: str) -> None:
        self._note(b"N", "", FOUND + os.fsencode(name))


def _error(error: OSError) -> bytes:
    return ABSENT + b"%d" % (error.errno or 0)


class Variables(MutableMapping[str, str]):
    """The environment, with a record of what is looked up. Changes are for this process alone."""

    def __init__(self, recording: Recording, environ: Mapping[str, str]) -> None:
        self.original = dict(environ)
        self._now = dict(environ)
        self._recording = recording

    def __getitem__(self, name: str) -> str:
        self._recording.variable(name)
        return self._now[name]

    def __setitem__(self, name: str, value: str) -> None:
        self._now[name] = value

    def __delitem__(self, name: str) -> None:
        del self._now[name]

    def __iter__(self) -> Iterator[str]:
        self._recording.spoil()
        return iter(self._now)

    def __len__(self) -> int:
        self._recording.spoil()
        return len(self._now)
