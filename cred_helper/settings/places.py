"""The lines of a settings document's keys, for messages."""

from __future__ import annotations

from cred_helper.errors import Misconfigured
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

# A longer key, or one with other characters, could be a secret in the wrong place.
_MAX_KEY_LENGTH = 40


class Place(Record):
    """A table of a settings document, and the lines of its keys.

    ``origin`` is the document's name in messages, ``toml`` its text. ``header`` names the table,
    ``at`` is its number among the tables of this name; without a header it is the whole document.
    """

    origin: str
    toml: str
    header: str = ""
    at: int = -1

    def inside(self, header: str, at: int = 0) -> Place:
        return self.but(header=header, at=at)

    def of(self, key: str) -> str:
        """The place of a key as ``file:line``; of the table, where the key is ``""``."""
        return f"{self.origin}:{self.line(key)}"

    def wrong(self, key: str, code: str, **values: str | None) -> Misconfigured:
        """The error that says what is wrong with a key, with its place."""
        return Misconfigured(code, hint=None, **values).within("file.at", place=self.of(key))

    def line(self, key: str) -> int:
        """The line of a key; the first line of the table where the key is not found.

        The TOML parser keeps no lines. This search is for messages only: a key inside a string of
        several lines can mislead it.
        """
        header, at, first = "", -1, 0
        for number, line in enumerate(self.toml.split("\n"), 1):
            text = line.strip()
            if text.startswith("["):
                header = text.partition("]")[0].strip("[ \t\"'")
                at += header == self.header
                if header.partition(".")[0] == key and not self.header:
                    return number
            if not header and self.header and _key_of(text) == f"{self.header}.{key}":
                return number
            if header == self.header and at == self.at:
                first = first or number
                named = _key_of(text)
                if key and (named == key or (not header and named.startswith(f"{key}."))):
                    return number
        if first or not self.header:
            return first or 1
        # A table in braces has no header: its line is the line of its key.
        return Place(self.origin, self.toml).line(self.header)


def _key_of(line: str) -> str:
    return line.partition("=")[0].strip().strip("\"'")


def printable_key(key: str) -> str:
    is_name = len(key) <= _MAX_KEY_LENGTH and key.replace("_", "").replace("-", "").isalnum()
    return repr(key) if is_name else "'…'"


def near(word: str, words: Collection[str]) -> str:
    """A hint at the word that was probably meant; ``""`` where none is near."""
    from difflib import get_close_matches

    begun = [known for known in words if len(word) > 2 and known.startswith(word)]
    # Below this likeness "profile" is taken for "provider".
    close = begun or get_close_matches(word, words, n=1, cutoff=0.7)
    return f"did you mean {close[0]}?" if close else ""


def likely(word: str, words: Collection[str]) -> str:
    """A hint at the word that was probably meant, or else at all words that are possible."""
    return near(word, words) or f"known here: {', '.join(words)}"
