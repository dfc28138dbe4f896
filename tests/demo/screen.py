"""The output of the demo: plain lines, coloured on a terminal only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

GREEN, RED, BOLD, FAINT = "32", "31", "1", "2"


@dataclass(frozen=True)
class Mark:
    """The result of one step: right, wrong, or (``None``) not tried."""

    ok: bool | None = None
    words: str = ""

    def __str__(self) -> str:
        return f"{self.verdict} {self.words}".strip()

    @property
    def verdict(self) -> str:
        return {True: "ok", False: "WRONG", None: ""}[self.ok]


Row = tuple[str, Sequence[Mark]]


class Screen:
    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self._stream = stream
        # Source: https://no-color.org
        plain = environ.get("NO_COLOR") or environ.get("TERM", "dumb") == "dumb"
        self._coloured = stream.isatty() and not plain

    def text(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def heading(self, text: str) -> None:
        self.text(f"\n{self._in(BOLD, text)}")

    def command(self, text: str) -> None:
        self.text(f"  {self._in(BOLD, '$')} {text}")

    def said(self, text: str) -> None:
        """The output of a command."""
        self.text(f"    {text}")

    def fact(self, text: str) -> None:
        """A comment on the output."""
        self.text(f"    {self._in(FAINT, f'# {text}')}")

    def wrong(self, text: str) -> None:
        self.text(f"    {self._in(RED, 'WRONG')} {text}")

    def table(self, head: Sequence[str], rows: Sequence[Row]) -> None:
        cells = [list(head), *([name, *map(str, marks)] for name, marks in rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        self.heading("  ".join(map(str.ljust, head, widths)).rstrip())
        for name, marks in rows:
            padded = [name.ljust(widths[0])]
            for mark, width in zip(marks, widths[1:], strict=True):
                colour = GREEN if mark.ok else RED
                verdict = self._in(colour, mark.verdict) if mark.verdict else ""
                padded.append(verdict + str(mark).ljust(width).removeprefix(mark.verdict))
            self.text("  ".join(padded).rstrip())

    def _in(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._coloured else text
