"""What reaches a terminal: nothing that drives it, folded where it is too narrow."""

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
def test_what_could_drive_a_terminal_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_long_text_is_folded_under_itself_on_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
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
