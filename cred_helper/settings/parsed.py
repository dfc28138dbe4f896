"""What settings files were parsed to the last time, so that no call loads a TOML parser for it.

A copy is believed for the very text that it was made from, and for nothing else. One for each place
where settings are written; whatever is not a whole copy of this text reads as nothing. Knows no
setting.
"""

from __future__ import annotations

from cred_helper.files.fingerprints import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cred_helper.files.private_folder import PrivateFolder

ENDING = ".settings"
# What would be read at every call has to be worth it; a longer one is parsed.
MOST_BYTES = 64 << 10
# Counts up when copies are made otherwise.
_TITLE = "docker-credential-multi settings 1"


class ParsedSettings:
    """The copies in one folder."""

    __slots__ = ("_folder",)

    def __init__(self, folder: PrivateFolder) -> None:
        self._folder = folder

    def read(self, origin: str, text: bytes) -> dict[str, Any] | None:
        """The tables that a text stands for, if that was kept."""
        content = self._folder.read(_file_name(origin), MOST_BYTES) or b""
        title, _, body = content.partition(b"\n")
        return _parsed(body.decode()) if title == _title(text, body) else None

    def keep(self, origin: str, text: bytes, tables: dict[str, Any]) -> None:
        """Keep what a text stands for, where that can be done."""
        import json

        try:
            body = json.dumps(tables, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError):
            return  # a date, say, which no setting is
        content = _title(text, body) + b"\n" + body
        if len(content) <= MOST_BYTES:
            self._folder.write(_file_name(origin), content)


def _file_name(origin: str) -> str:
    return f"{digest([origin])}{ENDING}"


def _title(text: bytes, body: bytes) -> bytes:
    """The first line: whose this is, and a digest that nothing but a whole copy of the text has."""
    return f"{_TITLE} {digest([text, body])}".encode()


def _parsed(body: str) -> Any:
    """Parse what ``json.dumps`` wrote, and nothing else: what is no JSON is not complained of."""
    try:
        # The C function behind json.loads; the json package itself loads re.
        from _json import make_scanner
    except ImportError:  # another interpreter than CPython
        import json

        return json.loads(body)
    value, _ = make_scanner(_AsUsual)(body, 0)  # type: ignore[arg-type]
    return value


class _AsUsual:
    """How ``json.loads`` has its scanner read."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = None
