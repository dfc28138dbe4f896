"""Output on a terminal: no control characters, folded to its width."""

from __future__ import annotations

import io

import pytest

from cred_helper.commands.ui.screen import Screen
from cred_helper.errors import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain …é", "plain …é"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\r\nb\t\x00", "a\\r\\nb\\t\\x00"),
        ("\udcff", "\\udcff"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\x9b31m", "\\x9b31m"),
    ],
)
def test_control_characters_are_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_long_text_is_folded_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    text = "word " * 20
    terminal, file = _Terminal(), io.StringIO()
    Screen(terminal).labelled("label", text, width=10)
    Screen(file).labelled("label", text, width=10)
    lines = terminal.getvalue().splitlines()
    assert len(lines) > 1
    assert all(len(line) <= 60 for line in lines)
    assert all(line.startswith(" " * 10) for line in lines[1:])
    assert file.getvalue() == f"label     {text.rstrip()}\n"


def test_columns_of_a_table_are_aligned() -> None:
    file = io.StringIO()
    Screen(file).table([("a", "bb", ""), ("ccc", "d", "e")])
    assert file.getvalue() == "a    bb\nccc  d   e\n"
    Screen(file).table([])
