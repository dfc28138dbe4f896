"""An INI file is read as configparser reads it, and a wrong line is named."""

from __future__ import annotations

import os
from configparser import ConfigParser, DuplicateOptionError, DuplicateSectionError, ParsingError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cred_helper.errors import Misconfigured
from cred_helper.providers.common.ini_file import IniFile, parse

_LINES = [
    "[default]",
    "[profile dev]",
    "[DEFAULT]",
    "name = value",
    "Name: other",
    "url = https://h:443/a=b",
    "empty =",
    "  indented = more",
    "    deeper",
    "",
    "# comment",
    "  ; comment",
    "no delimiter",
    "= no name",
]


def by_configparser(text: str) -> dict[str, dict[str, str]] | None:
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except (ParsingError, DuplicateOptionError, DuplicateSectionError):
        return None
    return {name: dict(parser.items(name)) for name in parser.sections()}


@given(st.lists(st.sampled_from(_LINES), max_size=8))
def test_any_lines_are_read_as_configparser_reads_them(lines: list[str]) -> None:
    text = "\n".join(lines)
    sections, wrong_line = parse(text)
    assert (None if wrong_line else sections) == by_configparser(text)
    assert wrong_line <= len(lines)


@pytest.mark.parametrize(
    ("text", "line"),
    [("[a]\nx = 1\ns3cret\n", 3), ("x = 1\n", 1), ("[a]\n[a]\n", 2), ("[a]\nx=1\nx=2\n", 3)],
)
def test_the_wrong_line_is_named_and_not_quoted(text: str, line: int, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    with pytest.raises(Misconfigured) as raised:
        _ = IniFile(str(file)).sections
    assert raised.value.code == "file.not-ini"
    assert f"line {line}" in raised.value.reason
    assert "s3cret" not in raised.value.reason


def test_the_line_of_an_option_is_found(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("[a]\nx = 1\n\n[b]\n# x = 2\nx = 3\n")
    assert IniFile(str(file)).line_of("b", "x") == 6
    assert IniFile(str(file)).line_of("b", "y") == 0


def test_a_file_that_is_absent_or_a_pipe_is_empty(tmp_path: Path) -> None:
    assert IniFile(str(tmp_path / "missing")).sections == {}
    os.mkfifo(tmp_path / "pipe")
    assert IniFile(str(tmp_path / "pipe")).sections == {}


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    problem = IniFile(str(tmp_path)).unreadable
    assert problem is not None
    assert problem.code == "file.unreadable"
    assert str(tmp_path) in problem.reason
