"""Draws terminal output as an SVG picture that needs no font file.

It supports the escape sequences of our commands: colours, bold, dim, and clearing a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

_ADVANCE, _LINE = 8.4, 19
_FONT_SIZE = 14
_MARGIN, _BAR = 16, 34
_SEQUENCE = re.compile(r"\x1b\[([\d;]*)([A-Za-z])")
_WORDS = re.compile(r"\S+(?: \S+)*")
# Colours that differ clearly on a dark background.
_STYLE = """\
<style>
.t{font:%dpx ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d6dce4}
.s1{font-weight:bold}.s2{fill-opacity:.62}
.s31{fill:#ff7b72}.s32{fill:#3fb950}.s33{fill:#e2b341}.s36{fill:#39c5cf}
</style>
"""
_BUTTONS = ("#ff5f57", "#febc2e", "#28c840")


def picture(command: str, seen: str, columns: int) -> str:
    lines = [f"\x1b[2m$\x1b[0m \x1b[1m{command}\x1b[0m", *seen.rstrip().split("\n")]
    width = round(columns * _ADVANCE + 2 * _MARGIN)
    height = _BAR + len(lines) * _LINE + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">\n',
        _STYLE % _FONT_SIZE,
        f'<rect width="{width}" height="{height}" rx="9" fill="#0d1117"/>\n',
        *(
            f'<circle cx="{_MARGIN + 6 + 20 * at}" cy="18" r="6" fill="{colour}"/>\n'
            for at, colour in enumerate(_BUTTONS)
        ),
    ]
    for number, line in enumerate(lines):
        y = _BAR + _LINE * number + _FONT_SIZE
        runs = "".join(_drawn(*run) for run in _runs(line))
        parts.append(f'<text class="t" y="{y}">{runs}</text>\n' if runs else "")
    return "".join([*parts, "</svg>\n"])


def _runs(line: str) -> Iterator[tuple[int, str, str]]:
    """The parts of a line with one style each: column, text and style."""
    # Only the text after the last carriage return is visible.
    line = line.rsplit("\r", maxsplit=1)[-1]
    column, styles, at = 0, list[str](), 0
    for found in (*_SEQUENCE.finditer(line), None):
        text = line[at : found.start() if found else len(line)]
        for words in _WORDS.finditer(text):
            yield column + words.start(), words[0], " ".join(f"s{style}" for style in styles)
        column += len(text)
        if found is None:
            return
        at = found.end()
        if found[2] == "m":
            codes = [code for code in found[1].split(";") if code not in ("", "22")]
            styles = [] if "0" in codes else [*styles, *codes]


def _drawn(column: int, text: str, style: str) -> str:
    x, length = _MARGIN + column * _ADVANCE, len(text) * _ADVANCE
    marked = f' class="{style}"' if style else ""
    return (
        f'<tspan x="{x:.1f}" textLength="{length:.1f}"{marked}>{escape(text, quote=False)}</tspan>'
    )
