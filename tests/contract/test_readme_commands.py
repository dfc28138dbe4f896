"""The command lines in README are command lines of ours, and the make targets exist."""

from __future__ import annotations

import re
import shlex

import pytest

from cred_helper.commands import NAMES
from tests.readme import README
from tests.support.executable import PROGRAM, ROOT
from tests.support.machine import Person, person

__all__ = ["person"]

# What README has from the program's own mouth is checked word by word elsewhere.
_TEXT = re.sub(r"<!-- (\w+).*?<!-- end -->", "", README.read_text("utf-8"), flags=re.DOTALL)
_CALLED_BY_NAME = re.compile(rf"{PROGRAM}((?: +[^\s`|;&<>)#\\\]]+)+)")
_IN_PASSING = re.compile(rf"`((?:{'|'.join(sorted(n for n in NAMES if n.isalpha()))})\b[^`]*)`")
_STANDS_FOR = {"HOST": "registry.example", "SERVER_URL": "registry.example", "NAME": "me"}
_VERBS = ("get", "store", "erase", "list", "version")


def _commands() -> list[str]:
    """Each command line, with something in the place of its placeholders."""
    lines = [*_CALLED_BY_NAME.findall(_TEXT), *_IN_PASSING.findall(_TEXT)]
    commands = {line.strip() for line in lines if line.split()[0] in (*NAMES, *_VERBS)}
    return sorted(c for c in commands if not c.startswith(("config.json", "cache =")))


@pytest.mark.parametrize("command", _commands())
def test_it_is_one(person: Person, command: str) -> None:
    arguments = [_STANDS_FOR.get(word, word) for word in shlex.split(command)]
    done = person.run(*arguments, stdin="registry.example")
    mistakes = ("no such option", "no such command", "unexpected extra argument", "should not have")
    assert not [words for words in mistakes if words in done.stderr], done


def test_there_are_many() -> None:
    assert len(_commands()) >= 10


def test_every_make_target_is_there() -> None:
    makefiles = [ROOT / "Makefile", *ROOT.rglob("*.mk")]
    rules = "\n".join(path.read_text() for path in makefiles)
    named = set(re.findall(r"`make ([a-z/]+)", _TEXT)) | set(
        re.findall(r"^make ([a-z/]+)", _TEXT, re.MULTILINE)
    )
    assert {"demo", "test", "install", "frozen"} <= named
    missing = [
        name for name in named if not re.search(rf"^[^\t#=]*\b{name}\b.*:", rules, re.MULTILINE)
    ]
    assert not missing
