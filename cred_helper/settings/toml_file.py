"""One document of settings in TOML, read and checked whole. Loaded only where there is one.

Whatever is wrong is told by file and line with what was probably meant, and never by what is
written there: a settings file may hold what its owner would not show.

Source: https://toml.io/en/v1.0.0
"""

from __future__ import annotations

from cred_helper import clouds
from cred_helper.errors import Misconfigured
from cred_helper.settings.rules import Options, Place, Rule, likely

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from cred_helper.settings.parsed import ParsedSettings

_BOM = b"\xef\xbb\xbf"  # what some editors begin a file with; TOML has none
_RULE = "rule"


class SettingsDocument:
    """What one document sets: values by name, options by provider, and rules in order.

    The values are as TOML has them, and as yet unchecked.
    """

    __slots__ = ("_unkept", "option_tables", "place", "rules", "values")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.values: dict[str, object] = {}
        self.option_tables: list[tuple[str, Options]] = []
        self.rules: list[Rule] = []
        self._unkept: tuple[str, bytes, dict[str, Any]] | None = None

    @classmethod
    def read(
        cls, origin: str, text: bytes, names: Collection[str], kept: ParsedSettings | None = None
    ) -> SettingsDocument:
        """Read a document; ``origin`` is what messages call it, ``names`` are the settings'.

        ``kept`` is where what was parsed before is looked for.

        Raises:
            Misconfigured: it is no TOML, or a key in it is none of ours.
        """
        toml = _decoded(origin, text)
        tables = kept.read(origin, text) if kept else None
        place = Place(origin, toml)
        document = cls(place)
        if tables is None:
            tables = _parsed(origin, toml)
            document._unkept = (origin, text, tables)
        for key, value in tables.items():
            if key in names:
                document.values[key] = value
            elif key in clouds.NAMES:
                inside = place.inside(key)
                document.option_tables.append(
                    (key, Options.read(_table(key, value, place), inside))
                )
            elif key == _RULE:
                document.rules = _rules(value, place)
            else:
                hint = likely(key, (*names, *clouds.NAMES, _RULE))
                raise place.wrong(key, f"unknown setting {key!r}", hint=hint)
        return document

    def keep(self, kept: ParsedSettings) -> None:
        """Keep what was parsed, where it was not known."""
        if self._unkept:
            kept.keep(*self._unkept)


def _decoded(origin: str, text: bytes) -> str:
    try:
        return text.removeprefix(_BOM).decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise Misconfigured(f"{origin}:{line}: this is not UTF-8") from None


def _parsed(origin: str, toml: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        # The parser's own text can quote what it choked on; only its last words are passed on.
        _, found, place = str(error).rpartition("(at line ")
        line = int(place.partition(",")[0]) if found else toml.count("\n") + 1
        raise Misconfigured(f"{origin}:{line}: this is not TOML") from None
    except RecursionError:
        raise Misconfigured(f"{origin}: this is nested too deeply") from None


def _table(key: str, value: object, place: Place) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise place.wrong(key, f"{key} is not a table", hint=f"write [{key}] above its options")
    return value


def _rules(value: object, place: Place) -> list[Rule]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise place.wrong(_RULE, "rule is not a list of tables", hint="write [[rule]] above each")
    return [Rule.read(table, place.inside(_RULE, at)) for at, table in enumerate(value)]
