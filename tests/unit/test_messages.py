"""The catalogue: every code that the source mentions has a message, and every message is used."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from cred_helper import clouds, messages
from cred_helper.errors import CredentialError, Denied, NotFound
from tests.support.executable import ROOT

_AREAS = (*messages.AREAS, *clouds.NAMES)
_CATALOGUE = {
    code: message for area in _AREAS for code, message in messages.catalogue(area).items()
}
# Codes that are put together of a prefix and what the SDKs' exceptions are classified as.
_COMPOSED = ("network.",)
# Messages that the launchers of the frozen file print by themselves.
_OF_LAUNCHERS = ("internal.cannot-load", "internal.cannot-start", "internal.damaged")


def _mentioned() -> Iterator[tuple[str, Path, int]]:
    """Every text of the source that has the form of a code."""
    for text, path, line in _texts():
        area, dot, name = text.partition(".")
        letters = name.replace("-", "")
        if area in _AREAS and dot and letters.isalpha() and letters.islower():
            yield text, path, line


def _texts() -> Iterator[tuple[str, Path, int]]:
    """Every text of the source, except the keys of the catalogue."""
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
                yield node.value, path, node.lineno


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


def test_every_message_is_used() -> None:
    used = {code for code, _, _ in _mentioned()}
    # Where a provider puts a code together, its name stands by itself.
    names = {text for text, _, _ in _texts()}
    unused = [
        code
        for code in _CATALOGUE
        if code not in used | {*_OF_LAUNCHERS}
        and code.partition(".")[2] not in names
        and not code.startswith(_COMPOSED)
    ]
    assert unused == []


@pytest.mark.parametrize("code", sorted(_CATALOGUE))
def test_a_message_is_one_line_without_a_final_stop(code: str) -> None:
    message = _CATALOGUE[code]
    for text in (message.text, message.hint):
        assert "\n" not in text
        assert not text.endswith((".", ";", ","))
    assert message.text


@pytest.mark.parametrize("code", sorted(_CATALOGUE))
def test_a_hint_has_no_placeholder_of_its_own_number(code: str) -> None:
    for text in (_CATALOGUE[code].text, _CATALOGUE[code].hint):
        assert all(name != "" for _, name, _, _ in string.Formatter().parse(text))


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
