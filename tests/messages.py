"""Every message that may be told to a person, collected from the code: its text and its place.

What is filled in when it is told is ``…``. A message whose text is put together elsewhere, or is
another program's, is not among them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.executable import ROOT

_PACKAGE = ROOT / "cred_helper"
# Less of a message than this does not say which it is.
_SHORTEST_BEGINNING = 6
# Where something is written, in front of what is wrong with it.
_PLACE = re.compile(r"^(line [\d…]+: |…:[\d…]+: |…: )")
ANY = "…"
# What is called with a reason, and at which place among the arguments that is.
_ERRORS = {
    "CredentialError": 0,
    "NotFound": 0,
    "Denied": 0,
    "AnonymousAllowed": 0,
    "Unreachable": 0,
    "BadReply": 0,
    "Misconfigured": 0,
    "ProtocolError": 0,
    "Damaged": 0,
    "wrong": 1,
    "_problem": 0,
    "error": 0,
    "warning": 0,
    "_warn": 0,
    "warn": 0,
}


@dataclass(frozen=True)
class Message:
    """One message of the code's. ``is_cured`` says that a hint goes with it."""

    text: str
    module: str
    line: int
    kind: str
    is_cured: bool

    def is_told_by(self, words: str) -> bool:
        """Whether words are this message, or its beginning followed by ``…``."""
        begins = words.endswith(ANY) and self.text.startswith(words.removesuffix(ANY))
        return self.text == words or (begins and len(words) > _SHORTEST_BEGINNING)


def collected() -> list[Message]:
    """All of them, in the order of the code."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in sorted(_PACKAGE.rglob("*.py"))}
    constants: dict[str, list[str]] = {}
    for tree in trees.values():
        constants |= _assigned(tree.body, {})
    return [message for path, tree in trees.items() for message in _of(path, tree, constants)]


def _of(path: Path, tree: ast.Module, constants: dict[str, list[str]]) -> Iterator[Message]:
    module = str(path.relative_to(ROOT).with_suffix("")).replace("/", ".").removesuffix(".__init__")
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    for function in functions:
        texts = constants | _assigned(ast.walk(function), constants)
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and (name := _name(call.func)) in _ERRORS:
                yield from _message(call, name, texts, module)


def _message(
    call: ast.Call, name: str, texts: dict[str, list[str]], module: str
) -> Iterator[Message]:
    place = _ERRORS[name]
    if len(call.args) <= place:
        return
    is_cured = any(keyword.arg == "hint" for keyword in call.keywords) or (
        "arn" in name and len(call.args) > 1 and not _is_none(call.args[1])
    )
    for whole in _texts(call.args[place], texts):
        text = _PLACE.sub("", whole)
        if re.sub(r"[\s…:;,()]+", "", text):
            yield Message(text, module, call.lineno, name, is_cured)


def _assigned(nodes: Iterable[ast.AST], known: dict[str, list[str]]) -> dict[str, list[str]]:
    """The texts that names stand for."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            texts = _texts(node.value, known | found)
            found.setdefault(node.targets[0].id, []).extend(texts)
    return found


def _texts(node: ast.expr, names: dict[str, list[str]]) -> list[str]:
    """What an expression may come to, as far as the code says."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            pieces = [p.value if isinstance(p, ast.Constant) else ANY for p in parts]
            return ["".join(map(str, pieces))]
        case ast.IfExp(body=one, orelse=other):
            return [*_texts(one, names), *_texts(other, names)]
        case ast.Name(id=name):
            return names.get(name, [])
        case ast.BinOp(left=left, right=right):
            return [a + b for a in _texts(left, names) for b in _texts(right, names)]
    return []


def _name(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
