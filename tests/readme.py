"""`python -m tests.readme`: put into README what is made from the program itself.

README has places for it, which begin with a comment and end with ``<!-- end -->``::

    <!-- help: config show -->      what a command says with --help; <!-- help: --> is for all
    <!-- settings -->               the table of settings
    <!-- errors -->                 messages with cause and cure, written by people: only checked
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from cred_helper.settings.settings import SETTINGS
from tests.messages import Message, collected
from tests.support.executable import PROGRAM, ROOT
from tests.support.machine import Person

README = ROOT / "README.md"
_PLACE = re.compile(
    r"(<!-- (help|settings|errors)(?:: *([\w -]*?))? *-->\n)((?:(?!<!--).)*)(<!-- end -->)",
    re.DOTALL,
)
_ROW = re.compile(r"^\| (.+?) \|", re.MULTILINE)


def made_anew(text: str) -> str:
    """The text with every place filled that is made from the program."""

    def fill(place: re.Match[str]) -> str:
        begin, kind, what, old, end = place.groups()
        make = _MAKERS.get(kind)
        return f"{begin}{make(what or '') if make else old}{end}"

    return _PLACE.sub(fill, text)


def places(text: str, kind: str) -> list[str]:
    """What stands at the places of a kind."""
    return [place[4] for place in _PLACE.finditer(text) if place[2] == kind]


def _help(words: str) -> str:
    with tempfile.TemporaryDirectory() as home:
        said = Person(Path(home)).run(*words.split(), "--help")
    assert said.status == 0, said
    return (
        f"\n```console\n$ {PROGRAM}{' ' * bool(words)}{words} --help\n{said.stdout.decode()}```\n\n"
    )


def _settings(_: str) -> str:
    rows = [("Setting", "Variable", "What it may be", "Default", "What it is for"), ("---",) * 5]
    for setting in SETTINGS:
        names = f"`{setting.name}`", f"`{setting.variable}`"
        rows.append((*names, setting.kind.words, _default(setting.default), setting.purpose))
    return "\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows) + "\n"


def _default(value: object) -> str:
    match value:
        case bool():
            return "on" if value else "off"
        case float():
            return f"{value:g}"
        case tuple():
            return ", ".join(value)
    return str(value)


_MAKERS: dict[str, Callable[[str], str]] = {"help": _help, "settings": _settings}


def told_messages(text: str) -> list[str]:
    """The messages that the table of errors has a row for."""
    cells = [cell for table in places(text, "errors") for cell in _ROW.findall(table)]
    return [words.replace("\\|", "|") for cell in cells for words in re.findall(r"`([^`]+)`", cell)]


def untold(text: str) -> list[Message]:
    """The code's messages that have no row. That a source has nothing is no error to be told."""
    told = told_messages(text)
    return [
        message
        for message in collected()
        if message.kind != "NotFound" and not any(map(message.is_told_by, told))
    ]


def never_told(text: str) -> list[str]:
    """The rows for messages that the code does not have."""
    messages = collected()
    return [w for w in told_messages(text) if not any(m.is_told_by(w) for m in messages)]


def main() -> None:
    """Fill README's places anew."""
    before = README.read_text("utf-8")
    after = made_anew(before)
    README.write_text(after, "utf-8")
    sys.stdout.write(f"README.md is {'as it was' if before == after else 'filled anew'}\n")
    for message in untold(after) if places(after, "errors") else []:
        sys.stdout.write(f"no row for {message.module}:{message.line}: {message.text}\n")
    for words in never_told(after):
        sys.stdout.write(f"a row for nothing: {words}\n")


if __name__ == "__main__":
    main()
