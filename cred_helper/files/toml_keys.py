"""A look at the keys of a TOML text before it is parsed.

The time that Python's parser takes grows with the square of the dots in a key: a key of 100 kB
takes half a minute. No settings file and no ``registries.conf`` needs a key of more than three
parts.
"""

from __future__ import annotations

import re

MOST_DOTS = 16
# Each alternative ends at the end of its line or text where its quotation marks are missing, so
# that the time grows with the length alone.
_STRING_OR_COMMENT = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:"{3,5}|\Z)'
    r"|'''(?:[^']|'(?!''))*+(?:'{3,5}|\Z)"
    r'|"(?:[^"\\\n]|\\.)*+"?'
    r"|'[^'\n]*+'?"
    r"|#[^\n]*+",
    re.DOTALL,
)
_BETWEEN_KEYS = re.compile(r"[][{},=]")


def line_of_deep_key(toml: str) -> int:
    """The number of the first line with a key of more than ``MOST_DOTS`` dots; 0 for none."""
    if toml.count(".") <= MOST_DOTS:
        return 0
    bare = _STRING_OR_COMMENT.sub(lambda found: "\n" * found[0].count("\n"), toml)
    for number, line in enumerate(bare.split("\n"), 1):
        if line.count(".") > MOST_DOTS and any(
            part.count(".") > MOST_DOTS for part in _BETWEEN_KEYS.split(line)
        ):
            return number
    return 0
