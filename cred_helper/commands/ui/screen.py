"""The output of commands: coloured on a terminal, plain in a pipe, without control characters.

Shows no credential. Texts that come from files, arguments and the network go through ``shown`` or
``printable`` before they are styled.

Source: https://no-color.org
"""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Iterable
from time import monotonic
from typing import Any, Self, TextIO

import click

from cred_helper import stdio
from cred_helper.errors import printable
from cred_helper.files import user_folders

_CLEAR_LINE = "\r\x1b[K"


def colour_wanted() -> bool | None:
    """False where the user wants no colour; ``None``: coloured if it is a terminal."""
    dull = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return False if dull else None


def shown(text: str) -> str:
    """The text without control characters, and with ~ for the home folder.

    Not for command lines, in which a quoted ~ is not expanded.
    """
    home = user_folders.home(os.environ).rstrip(os.sep)
    return printable(text.replace(home + os.sep, f"~{os.sep}") if home else text)


def dim(text: str) -> str:
    return click.style(text, dim=True) if text else ""


def bold(text: str) -> str:
    return click.style(text, bold=True) if text else ""


class Screen:
    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file or sys.stdout

    @classmethod
    def guarded(cls) -> Screen:
        """The screen of a command that runs SDKs or helpers: what they print goes to stderr."""
        return cls(stdio.guard().text())

    def line(self, text: str = "") -> None:
        try:
            click.echo(text.rstrip(), file=self._file)
        except BrokenPipeError:
            # The rest is written when the file is closed, and Python 3.13 prints that failure.
            stdio.silence(self._file.fileno())
            raise

    def labelled(self, label: str, text: str, *, width: int) -> None:
        """Show a text beside its label, which may have style; folded on a terminal."""
        first, *more = self._folded(text, width)
        padding = " " * (width - len(click.unstyle(label)))
        self.line(f"{label}{padding}{first}")
        for line in more:
            self.line(f"{'':<{width}}{line}")

    def _folded(self, text: str, indent: int) -> list[str]:
        """The lines of a text beside a label; one line if this is not a terminal.

        A text with style is not folded: its length is unknown.
        """
        if "\x1b" in text or not self._file.isatty():
            return [text]
        width = max(40, _terminal_width(self._file) - indent)
        return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]

    def table(self, rows: Iterable[tuple[str, ...]]) -> None:
        """Show rows with their columns aligned."""
        kept = list(rows)
        widths = [max(map(len, column)) + 2 for column in zip(*kept, strict=True)]
        for row in kept:
            self.line("".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)))

    def json(self, document: Any) -> None:
        self.line(json.dumps(document, indent=2))


def _terminal_width(file: TextIO) -> int:
    try:
        return int(os.environ.get("COLUMNS", "")) or os.get_terminal_size(file.fileno()).columns
    except (ValueError, OSError):
        return 80


class Progress:
    """One line on standard error with the progress, if that is a terminal."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._has_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._is_shown = False
        self._begun_s = monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.clear()

    def show(self, how_far: str) -> None:
        if self._has_terminal:
            self._is_shown = True
            took_s = monotonic() - self._begun_s
            text = f"{_CLEAR_LINE}{self._what}: {how_far}, {took_s:.0f} s"
            click.echo(text, file=sys.stderr, nl=False, color=True)

    def clear(self) -> None:
        if self._is_shown:
            self._is_shown = False
            click.echo(_CLEAR_LINE, file=sys.stderr, nl=False, color=True)
