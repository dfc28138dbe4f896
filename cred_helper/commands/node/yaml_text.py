"""The part of YAML that kubelet's configuration files are written in.

Block mappings and sequences, flow collections, one-line scalars and comments: all that the
configurations of the distributions use, and JSON, which is YAML. Anything else (anchors, tags,
block scalars, more than one document) is refused with its line, so that no file is read otherwise
than kubelet reads it.

Sources: https://yaml.org/spec/1.1/ (kubelet's parser has the words of 1.1 for true and false);
sigs.k8s.io/yaml, which kubelet reads with
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from cred_helper.record import Record

_QUOTED = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^']|'')*'""")
_PLAIN_KEY = r"[A-Za-z0-9_][\w./-]*"
_KEY = re.compile(rf"(?:({_QUOTED.pattern})|({_PLAIN_KEY})) *:(?= |$)")
# In a flow collection, as in JSON, no space is needed after a quoted key.
_FLOW_KEY = re.compile(rf"({_QUOTED.pattern}) *:|({_PLAIN_KEY}) *:(?= )")
# What a plain scalar cannot begin with.
_INDICATORS = tuple("[]{},#&*!|>'\"%@`")
_FLOW_PLAIN = re.compile(r"[^\[\]{},]*")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_INTEGER = re.compile(r"[-+]?[0-9][0-9_]*")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*)?\.?[0-9_]+(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+\.")
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*(?::/*[A-Za-z0-9_./-]+)*")
_MOST_DEEP = 64


class NotUnderstood(ValueError):
    """A construct outside the part that is read here, or an error; ``line`` counts from 1."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class Items(list[Any]):
    """A sequence; of one in block style also where each item stands.

    ``spans`` are the first line of each item and the line after its last, from 0; ``column`` is
    where its dash stands.
    """

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[tuple[int, int]] = []
        self.column = 0


class _Line(Record):
    """A line that has more than a comment; ``number`` counts from 1."""

    number: int
    column: int
    text: str


def parse(text: str) -> Any:
    """Read one document.

    Raises:
        NotUnderstood: the text is not YAML, or has more than is read here.
    """
    return _Parser(text).document()


class _Parser:
    def __init__(self, text: str) -> None:
        self._lines = list(_content_lines(text))
        self._at = 0

    def document(self) -> Any:
        if not self._lines:
            return None
        value = self._block(self._lines[0].column, 0)
        if self._at < len(self._lines):
            raise NotUnderstood(self._lines[self._at].number)
        return value

    def _next(self) -> _Line | None:
        return self._lines[self._at] if self._at < len(self._lines) else None

    def _block(self, column: int, depth: int) -> Any:
        line = self._lines[self._at]
        if depth > _MOST_DEEP:
            raise NotUnderstood(line.number)
        if _is_item(line.text):
            return self._sequence(column, depth)
        if _KEY.match(line.text):
            return self._mapping(column, depth)
        return self._value(line.text, line)

    def _sequence(self, column: int, depth: int) -> Items:
        items = Items()
        items.column = column
        while (line := self._next()) and line.column == column and _is_item(line.text):
            rest = line.text[1:].lstrip(" ")
            if rest:
                # The item begins in the line of its dash.
                begins = column + len(line.text) - len(rest)
                self._lines[self._at] = _Line(line.number, begins, rest)
                items.append(self._block(begins, depth + 1))
            else:
                self._at += 1
                items.append(self._nested(column, depth))
            items.spans.append((line.number - 1, self._lines[self._at - 1].number))
        self._end(column)
        return items

    def _mapping(self, column: int, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (line := self._next()) and line.column == column and not _is_item(line.text):
            match = _KEY.match(line.text)
            if not match:
                raise NotUnderstood(line.number)
            key = match[2] or _scalar(match[1], line.number)
            if key in found:
                raise NotUnderstood(line.number)
            rest = line.text[match.end() :].strip()
            if rest:
                found[key] = self._value(rest, line)
                continue
            self._at += 1
            following = self._next()
            if following and following.column == column and _is_item(following.text):
                found[key] = self._block(column, depth + 1)
            else:
                found[key] = self._nested(column, depth)
        self._end(column)
        return found

    def _nested(self, column: int, depth: int) -> Any:
        """The block below a line, if it stands further to the right."""
        line = self._next()
        return self._block(line.column, depth + 1) if line and line.column > column else None

    def _end(self, column: int) -> None:
        line = self._next()
        if line and line.column > column:
            raise NotUnderstood(line.number)

    def _value(self, text: str, line: _Line) -> Any:
        """A scalar of this line, or a flow collection that begins in it."""
        self._at += 1
        if text[0] not in "[{":
            return _scalar(text, line.number)
        while True:
            flow = _Flow(text, line.number)
            try:
                value = flow.value(0)
            except IndexError:
                following = self._next()
                if following is None:
                    raise NotUnderstood(line.number) from None
                text += f" {following.text}"
                self._at += 1
                continue
            if text[flow.at :].strip():
                raise NotUnderstood(line.number)
            return value


class _Flow:
    """A flow collection; ``IndexError`` where the text ends within it."""

    def __init__(self, text: str, line: int) -> None:
        self._text = text
        self._line = line
        self.at = 0

    def _skip(self) -> str:
        while self._text[self.at] == " ":
            self.at += 1
        return self._text[self.at]

    def value(self, depth: int) -> Any:
        if depth > _MOST_DEEP:
            raise NotUnderstood(self._line)
        match self._skip():
            case "[":
                return self._list(depth)
            case "{":
                return self._object(depth)
            case '"' | "'":
                quoted = _QUOTED.match(self._text, self.at)
                if not quoted:
                    raise IndexError
                self.at = quoted.end()
                return _scalar(quoted[0], self._line)
        plain = _FLOW_PLAIN.match(self._text, self.at)
        assert plain is not None
        if plain.end() == len(self._text):
            raise IndexError
        text = plain[0].strip()
        if not text or "?" in text or text.startswith(":"):
            raise NotUnderstood(self._line)
        self.at = plain.end()
        return _scalar(text, self._line)

    def _list(self, depth: int) -> Items:
        items = Items()
        self.at += 1
        while self._skip() != "]":
            items.append(self.value(depth + 1))
            self._comma("]")
        self.at += 1
        return items

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self.at += 1
        while self._skip() != "}":
            key = _FLOW_KEY.match(self._text, self.at)
            if not key:
                raise NotUnderstood(self._line)
            self.at = key.end()
            name = key[2] or _scalar(key[1], self._line)
            if name in found:
                raise NotUnderstood(self._line)
            found[name] = self.value(depth + 1)
            self._comma("}")
        self.at += 1
        return found

    def _comma(self, end: str) -> None:
        if self._skip() == ",":
            self.at += 1
        elif self._text[self.at] != end:
            raise NotUnderstood(self._line)


def _is_item(text: str) -> bool:
    return text == "-" or text.startswith("- ")


def _content_lines(text: str) -> Iterator[_Line]:
    """The lines that are more than a comment, without it."""
    is_first = True
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        content = _without_comment(raw.removesuffix("\r"))
        stripped = content.lstrip(" ")
        if not stripped:
            continue
        column = len(content) - len(stripped)
        if stripped == "---" and is_first and not column:
            is_first = False
            continue
        if stripped.startswith(("\t", "---", "...", "%", "? ")) or "\t" in stripped:
            raise NotUnderstood(number)
        is_first = False
        yield _Line(number, column, stripped)


def _without_comment(line: str) -> str:
    if "#" not in line:
        return line.rstrip(" ")
    at = 0
    while at < len(line):
        if line[at] == "#" and (at == 0 or line[at - 1] in " \t"):
            return line[:at].rstrip(" ")
        # A quotation mark within a word quotes nothing.
        quoted = _QUOTED.match(line, at) if at == 0 or line[at - 1] in " [{,:-" else None
        at = quoted.end() if quoted else at + 1
    return line.rstrip(" ")


def _scalar(text: str, line: int) -> Any:
    if text[:1] in ("'", '"'):
        quoted = _QUOTED.fullmatch(text)
        if not quoted:
            raise NotUnderstood(line)
        if text[0] == "'":
            return text[1:-1].replace("''", "'")
        try:
            return json.loads(text)
        except ValueError:
            raise NotUnderstood(line) from None
    if text in _WORDS:
        return _WORDS[text]
    is_key = ": " in text or text.endswith(":")
    if text.startswith((*_INDICATORS, "- ", "? ", ": ")) or is_key:
        raise NotUnderstood(line)
    if _INTEGER.fullmatch(text):
        return int(text.replace("_", ""))
    if _FLOAT.fullmatch(text) and any(c.isdigit() for c in text):
        return float(text.replace("_", ""))
    return text


def render(value: Any, column: int = 0) -> str:
    """A mapping or a sequence in block style."""
    return "".join(f"{' ' * column}{line}\n" for line in _rendered(value))


def _rendered(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, member in value.items():
            if isinstance(member, dict | list):
                yield f"{key}:"
                yield from (f"  {line}" for line in _rendered(member))
            else:
                yield f"{key}: {_rendered_scalar(member)}"
    else:
        for item in value:
            if isinstance(item, dict | list):
                first, *more = _rendered(item)
                yield f"- {first}"
                yield from (f"  {line}" for line in more)
            else:
                yield f"- {_rendered_scalar(item)}"


def _rendered_scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    is_plain = isinstance(value, str) and _PLAIN.fullmatch(value) and value not in _WORDS
    return value if is_plain else json.dumps(value, ensure_ascii=False)
