"""One settings document in TOML, read and checked as a whole. Loaded only where there is one.

A mistake is reported by file and line, with what was probably meant. Values are never quoted: a
settings file can hold a secret in the wrong place.

Source: https://toml.io/en/v1.0.0
"""

from __future__ import annotations

from cred_helper import clouds
from cred_helper.errors import Misconfigured
from cred_helper.settings.places import Place, likely, printable_key
from cred_helper.settings.rules import Options, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from cred_helper.settings.parsed import ParsedSettings

_BOM = b"\xef\xbb\xbf"  # some editors begin a file with it; TOML does not allow it
_RULE = "rule"


class SettingsDocument:
    """What one document sets: values by name, options by cloud, and rules in order.

    ``values`` are as TOML has them and not checked yet. ``mistakes`` are those outside of rules.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.values: dict[str, object] = {}
        self.option_tables: list[tuple[str, Options]] = []
        self.rules: list[Rule] = []
        self.mistakes: list[Misconfigured] = []
        self._unkept: tuple[str, bytes, dict[str, Any]] | None = None

    @classmethod
    def read(
        cls, origin: str, text: bytes, names: Collection[str], kept: ParsedSettings | None = None
    ) -> SettingsDocument:
        """Read a document.

        ``origin`` is its name in messages, ``names`` are those of the settings, ``kept`` are copies
        of what was parsed before.

        Raises:
            Misconfigured: the text is not TOML.
        """
        toml = _decoded(origin, text)
        tables = kept.read(origin, text) if kept else None
        document = cls(Place(origin, toml))
        if tables is None:
            tables = _parsed(origin, toml)
            document._unkept = (origin, text, tables)
        for key, value in tables.items():
            if key in names:
                document.values[key] = value
            elif key in clouds.NAMES:
                document._read_options(key, value)
            elif key == _RULE:
                document._read_rules(value)
            else:
                given = {"name": printable_key(key)}
                given["suggestion"] = likely(key, (*names, *clouds.NAMES, _RULE))
                document._wrong(key, "settings.unknown-setting", **given)
        return document

    def keep(self, kept: ParsedSettings) -> None:
        """Keep what was parsed, where there was no copy."""
        if self._unkept:
            kept.keep(*self._unkept)

    def _wrong(self, key: str, code: str, **values: str) -> None:
        self.mistakes.append(self.place.wrong(key, code, **values))

    def _read_options(self, cloud: str, value: object) -> None:
        if not isinstance(value, dict):
            self._wrong(cloud, "settings.not-table", name=cloud)
            return
        options = Options.read(value, self.place.inside(cloud), (cloud,), self.mistakes)
        self.option_tables.append((cloud, options))

    def _read_rules(self, value: object) -> None:
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self._wrong(_RULE, "settings.rules-not-tables")
            return
        self.rules = [
            Rule.read(table, self.place.inside(_RULE, at)) for at, table in enumerate(value)
        ]


def _decoded(origin: str, text: bytes) -> str:
    try:
        return text.removeprefix(_BOM).decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise _error("settings.not-utf", f"{origin}:{line}") from None


def _parsed(origin: str, toml: str) -> dict[str, Any]:
    import tomllib

    from cred_helper.files import toml_keys

    if line := toml_keys.line_of_deep_key(toml):
        error = Misconfigured("settings.deep-key", limit=toml_keys.MOST_DOTS)
        raise error.within("file.at", place=f"{origin}:{line}")
    try:
        return tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        # The parser's text can quote the document; only the line at its end is used.
        _, found, place = str(error).rpartition("(at line ")
        line = int(place.partition(",")[0]) if found else toml.count("\n") + 1
        raise _error("settings.not-toml", f"{origin}:{line}") from None
    except ValueError:
        # Python limits the digits of a number that it parses.
        raise _error("settings.number-too-long", origin) from None
    except RecursionError:
        raise _error("settings.too-deep", origin) from None


def _error(code: str, place: str) -> Misconfigured:
    return Misconfigured(code).within("file.at", place=place)
