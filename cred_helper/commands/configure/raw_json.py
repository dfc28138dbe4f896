"""Edits to a JSON text that leave every other byte as it is.

Several programs and the user write config.json: order, indentation, unknown keys and spellings of
numbers are kept, because the text is cut and never rendered anew. Pure: text in, text out.

Source: RFC 8259 (of members with one name, the last counts, as for Go and Python).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

_WHITESPACE = " \t\r\n"
_DECODER = json.JSONDecoder()


class Member(NamedTuple):
    """Where one member of an object stands in the text."""

    name: str
    start: int
    value_start: int
    end: int


class _Object:
    """Where an object stands in the text: its braces and its members."""

    def __init__(self, text: str, at: int) -> None:
        self.open = _skip(text, at)
        if text[self.open : self.open + 1] != "{":
            raise ValueError("not an object")
        self.members: list[Member] = []
        at = _skip(text, self.open + 1)
        while text[at] != "}":
            start = at
            name, at = _DECODER.raw_decode(text, at)
            value_start = _skip(text, _skip(text, at) + 1)
            _, at = _DECODER.raw_decode(text, value_start)
            self.members.append(Member(name, start, value_start, at))
            at = _skip_comma(text, at)
        self.close = at

    def member(self, name: str) -> Member | None:
        """The member that counts, of those with this name."""
        return next((m for m in reversed(self.members) if m.name == name), None)


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in _WHITESPACE:
        at += 1
    return at


def _skip_comma(text: str, at: int) -> int:
    """The place of the next member or item, or of the bracket behind the last one."""
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at


def members(text: str) -> list[Member]:
    """Return the members of an object in their order, including those of one name."""
    return _Object(text, 0).members


def names(text: str) -> list[str]:
    return [member.name for member in members(text)]


def items(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Where each item of an array stands that begins at an offset: its start and its end."""
    at = _skip(text, at + 1)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        yield at, end
        at = _skip_comma(text, end)


def get(text: str, *path: str) -> str | None:
    """Return the raw text of the value at a path of member names, or ``None``.

    A null on the way counts as absent.

    Raises:
        ValueError: the text is not a JSON object, or something on the path is not.
    """
    found = _find(text, path)
    return None if found is None else text[found.value_start : found.end]


def put(text: str, raw: str, *path: str) -> str:
    """Put a value, given as JSON text, at a path; missing objects on the way are made.

    A null counts as missing.
    """
    json.loads(text)  # the scanner assumes valid JSON
    at = 0
    for depth, name in enumerate(path, 1):
        here = _Object(text, at)
        member = here.member(name)
        if member is None or _is_null(text, member.value_start) or depth == len(path):
            for inner in reversed(path[depth:]):
                raw = f"{{{json.dumps(inner)}: {raw}}}"
            if member is None:
                return _insert(text, here, json.dumps(name), raw, depth)
            return text[: member.value_start] + raw + text[member.end :]
        at = member.value_start
    return raw


def _insert(text: str, here: _Object, name: str, raw: str, depth: int) -> str:
    """Add a member at the end of an object, indented as its neighbours are."""
    if here.members:
        first, last = here.members[0], here.members[-1]
        lead = text[here.open + 1 : first.start]
        return f"{text[: last.end]},{lead or ' '}{name}: {raw}{text[last.end :]}"
    newline = "\r\n" if "\r\n" in text else "\n"
    indent, outdent = newline + "\t" * depth, newline + "\t" * (depth - 1)
    return f"{text[: here.open + 1]}{indent}{name}: {raw}{outdent}{text[here.close :]}"


def remove(text: str, *path: str) -> str:
    """Take the member at a path out, with its comma, where the object has several."""
    json.loads(text)
    found = _find(text, path)
    if found is None:
        return text
    parent = _find(text, path[:-1])
    here = _Object(text, parent.value_start if parent else 0)
    before = [m for m in here.members if m.start < found.start]
    after = [m for m in here.members if m.start > found.start]
    if before:
        return text[: before[-1].end] + text[found.end :]
    if after:
        return text[: found.start] + text[after[0].start :]
    return text[: here.open + 1] + text[here.close :]


def _is_null(text: str, at: int) -> bool:
    return text.startswith("null", at)


def _find(text: str, path: tuple[str, ...]) -> Member | None:
    at, found = 0, None
    for name in path:
        found = None if found and _is_null(text, at) else _Object(text, at).member(name)
        if found is None:
            return None
        at = found.value_start
    return found
