"""The tables of settings files as they were parsed before, so that a call loads no TOML parser.

A copy counts for the very text that it was made from. Anything else than a whole copy of that text
reads as nothing. Knows no setting.
"""

from __future__ import annotations

import marshal

from cred_helper.files.fingerprints import digest
from cred_helper.files.private_folder import PARSED_SETTINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cred_helper.files.private_folder import PrivateFolder

# A copy is read at every call: parsing is as quick for a longer text.
MAX_BYTES = 64 << 10
# Counts up when the format of copies changes.
_TITLE = "docker-credential-multi settings 2"
# The format of Python 3.4 and later.
_FORMAT = 4


class ParsedSettings:
    """The copies in one folder, one for each place where settings are written."""

    __slots__ = ("_folder",)

    def __init__(self, folder: PrivateFolder) -> None:
        self._folder = folder

    def read(self, origin: str, text: bytes) -> dict[str, Any] | None:
        """The tables of a text; ``None`` where there is no copy."""
        content = self._folder.read(_file_name(origin), MAX_BYTES) or b""
        title, _, body = content.partition(b"\n")
        if title != _title(text, body):
            return None
        # The digest and the private folder say that this program wrote the body.
        tables: dict[str, Any] = marshal.loads(body)  # noqa: S302
        return tables

    def keep(self, origin: str, text: bytes, tables: dict[str, Any]) -> None:
        """Keep the tables of a text, if that is possible."""
        try:
            body = marshal.dumps(tables, _FORMAT)
        except ValueError:
            return  # a date, for instance: the value of no setting
        content = _title(text, body) + b"\n" + body
        if len(content) <= MAX_BYTES:
            self._folder.write(_file_name(origin), content)


def _file_name(origin: str) -> str:
    return f"{digest([origin])}{PARSED_SETTINGS}"


def _title(text: bytes, body: bytes) -> bytes:
    """The first line: a name, and a digest that only a whole copy of this text has."""
    return f"{_TITLE} {digest([text, body])}".encode()
