"""The catalogue: every code that the source mentions has a message, and every message is used."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from cred_helper import clouds, errors, messages
from cred_helper.errors import CredentialError, Denied, NotFound, fault
from tests.support.executable import ROOT

_AREAS = (*messages.AREAS, *clouds.NAMES)
_CATALOGUE = {
    code: message for area in _AREAS for code, message in messages.catalogue(area).items()
}
# Codes that are put together of a prefix and what the SDKs' exceptions are classified as.
_COMPOSED = ("network.",)
# Messages that the launchers of the frozen file print by themselves.
_OF_LAUNCHERS = ("internal.cannot-load", "internal.cannot-start", "internal.damaged")


@cache
def _mentioned() -> list[tuple[str, Path, int]]:
    """Every text of the source that has the form of a code."""
    found = []
    for text, path, line in _texts():
        area, dot, name = text.partition(".")
        letters = name.replace("-", "")
        if area in _AREAS and dot and letters.isalpha() and letters.islower():
            found.append((text, path, line))
    return found


@cache
def _texts() -> list[tuple[str, Path, int]]:
    """Every text of the source, except the keys of the catalogue."""
    found = []
    for path in (ROOT / "cred_helper").rglob("*.py"):
        nodes = [*ast.walk(ast.parse(path.read_text("utf-8")))]
        keys: set[int] = set()
        if path.name == "messages.py" or path.parent.name == "messages":
            catalogues = [node for node in nodes if isinstance(node, ast.Dict)]
            keys = {id(key) for node in catalogues for key in node.keys}
        for node in nodes:
            if not isinstance(node, ast.Constant) or id(node) in keys:
                continue
            if isinstance(node.value, str):
                found.append((node.value, path, node.lineno))
    return found


def test_every_code_has_a_message() -> None:
    unknown = [
        f"{path.relative_to(ROOT)}:{line}: {code}"
        for code, path, line in _mentioned()
        if code not in _CATALOGUE and not _is_other(code)
    ]
    assert unknown == []


def _is_other(code: str) -> bool:
    """Whether a text with the form of a code is a host, or the beginning of codes."""
    return code == "gcr.io" or code.endswith("-")


def test_a_provider_uses_no_message_of_another_cloud() -> None:
    folder = ROOT / "cred_helper/providers"
    foreign = [
        f"{path.relative_to(ROOT)}:{line}: {code}"
        for code, path, line in _mentioned()
        if code in _CATALOGUE and path.is_relative_to(folder)
        if code.partition(".")[0] in {*clouds.NAMES} - {path.relative_to(folder).parts[0]}
    ]
    assert foreign == []


# The calls that take a code and the values for its message: the classes of errors, and these.
_TAKES_VALUES = {"within", "wrong"} | {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, CredentialError)
}


def _without_values(source: str) -> Iterator[tuple[int, str, set[str]]]:
    """Each use of a code without a value for a placeholder: the line, the code, the names."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        values = {keyword.arg for keyword in node.keywords}
        if name not in _TAKES_VALUES or None in values:  # None: a call with ``**values``
            continue
        given = values | ({"reason"} if name == "within" else set())
        for argument in node.args:
            for text in ast.walk(argument):
                code = text.value if isinstance(text, ast.Constant) else None
                if isinstance(code, str) and code in _CATALOGUE:
                    message = _CATALOGUE[code]
                    texts = (message.text,) if "hint" in values else (message.text, message.hint)
                    missing = {field for text in texts for field in _fields(text)} - given
                    if missing:
                        yield node.lineno, code, missing


def _fields(text: str) -> set[str]:
    """The names of the placeholders of a text."""
    return {re.split(r"[.\[]", name)[0] for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_placeholder_of_a_message_has_a_value() -> None:
    missing = [
        f"{path.relative_to(ROOT)}:{line}: {code} has no {', '.join(sorted(names))}"
        for path in (ROOT / "cred_helper").rglob("*.py")
        for line, code, names in _without_values(path.read_text("utf-8"))
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('raise Denied("file.at", place="a")', [{"reason"}]),
        ('error.within("file.at")', [{"place"}]),
        ('request.wrong("profile", "file.at", **values)', []),
        ('errors.Denied("file.at" if x else "provider.anonymous", reason=x)', [{"place"}]),
    ],
)
def test_a_value_that_is_missing_is_found(source: str, names: list[set[str]]) -> None:
    assert [found for _, _, found in _without_values(source)] == names


def test_every_message_is_used() -> None:
    used = {code for code, _, _ in _mentioned()}
    # Where a provider puts a code together, its name stands by itself.
    names = {text for text, _, _ in _texts()}
    unused = [
        code
        for code, message in _CATALOGUE.items()
        if code not in used | {*_OF_LAUNCHERS}
        and not getattr(message, "numbers", ())  # looked up by a cloud's own number
        and code.partition(".")[2] not in names
        and not code.startswith(_COMPOSED)
    ]
    assert unused == []


def test_a_message_is_one_line_without_a_final_stop_or_a_numbered_placeholder() -> None:
    assert [code for code, message in _CATALOGUE.items() if not message.text] == []
    for code, message in _CATALOGUE.items():
        for text in (message.text, message.hint):
            assert "\n" not in text, code
            assert not text.endswith((".", ";", ",")), code
    for code, message in _CATALOGUE.items():
        for text in (message.text, message.hint):
            assert all(name != "" for _, name, _, _ in string.Formatter().parse(text)), code


def test_an_error_in_the_words_of_another_message_keeps_class_code_and_hint() -> None:
    inner = Denied("settings.rule-refuses", place="a:1", hint="try this")
    outer = inner.within("file.at", place="b:2").within("provider.anonymous")
    assert type(outer) is Denied
    assert (outer.code, outer.hint) == ("settings.rule-refuses", "try this")
    assert outer.reason.startswith(f"b:2: {inner.reason}")
    assert outer.line.endswith(" [settings.rule-refuses]")


def test_errors_found_together_stay_together() -> None:
    first, second = NotFound("client.no-credential"), CredentialError("internal.no-memory")
    both = first.with_others([second]).within("file.at", place="a").with_hint("x")
    assert both.others == (second,)
    assert first.others == ()


def test_the_cause_of_an_error_is_looked_for_in_a_circle_of_causes_too() -> None:
    first, second = ValueError("1"), ValueError("2")
    first.__cause__, second.__cause__ = second, first
    assert fault(first).code == "internal.fault"
    second.__cause__, second.__context__ = None, MemoryError()
    assert fault(first).code == "internal.no-memory"
