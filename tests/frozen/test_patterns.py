"""The compiled patterns that the build records, compared with those that Python compiles."""

from __future__ import annotations

import importlib
import marshal
import re
import sys

import pytest

from tests.support.executable import ROOT


def test_patterns_of_the_file_are_those_that_python_compiles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "packaging"), *sys.path])
    patterns = importlib.import_module("freeze.patterns")
    assemble = importlib.import_module("_sre").compile

    table = marshal.loads(patterns.table(["cred_helper.providers.gcr.transport"], ROOT))
    assert len(table) > 50
    for (pattern, flags), (found, code, *groups) in table.items():
        made = assemble(pattern, found, memoryview(code).cast("I").tolist(), *groups)
        assert made == re.compile(pattern, flags)  # compares the code too
        assert made.groupindex == re.compile(pattern, flags).groupindex


def test_re_looks_a_pattern_up_by_type_pattern_and_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Asked(dict[object, object]):
        def __missing__(self, key: object) -> object:
            asked.append(key)
            raise KeyError(key)

    monkeypatch.setattr(re, "_cache", Asked())
    monkeypatch.setattr(re, "_cache2", re._cache, raising=False)  # type: ignore[attr-defined]
    re.compile("a[b]", re.IGNORECASE)
    assert asked == [(str, "a[b]", int(re.IGNORECASE))]
