"""The file has every module that its modules import."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.frozen.files import FILE, needs_file
from tests.support.executable import ROOT

FREEZER = ROOT / "build/freeze/venv"
# platform and sysconfig ask about Apple's systems; six makes its modules as it is imported.
ABSENT = {"_ios_support", "_osx_support", "plistlib", "six.moves", "six.moves._thread"}


def version(venv: Path) -> str:
    found = [line for line in (venv / "pyvenv.cfg").read_text().splitlines() if "version" in line]
    return found[0]


@cache
def spec(name: str) -> ModuleSpec | None:
    """The module of this name, if there is one; no module but a package is imported."""
    package = name.rpartition(".")[0]
    if package:
        found = spec(package)
        if found is None or found.submodule_search_locations is None:
            return None
    try:
        found = find_spec(name)
    except (ImportError, ValueError):  # a package of another system; a module without a spec
        return None
    # Another module may take the name: _collections_abc is collections.abc.
    return found if found and found.name == name else None


def imported(module: ModuleSpec) -> Iterator[str]:
    """The names in a module's import statements, in functions too."""
    is_package = module.submodule_search_locations is not None
    package = (module.name if is_package else module.name.rpartition(".")[0]).split(".")
    for node in ast.walk(ast.parse(Path(str(module.origin)).read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


@needs_file
def test_a_module_that_a_module_of_the_file_imports_is_in_it_or_left_out_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if not FREEZER.exists() or version(FREEZER) != version(Path(sys.prefix)):
        pytest.skip("the file is of another Python")
    monkeypatch.setattr(sys, "path", [str(ROOT / "packaging"), *sys.path])
    contents = importlib.import_module("freeze.contents")
    command = [FREEZER / "bin/python", Path(__file__).with_name("inside.py"), FILE, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    names = set(json.loads(done.stdout))
    assert {"botocore.client", "json", "msal.application"} <= names
    left_out = set(contents.EXCLUDED)
    absent: dict[str, str] = {}
    for name in sorted(names):
        module = spec(name)
        if module is None or not str(module.origin).endswith(".py"):
            continue
        for wanted in imported(module):
            parts = wanted.split(".")
            packages = {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
            is_known = wanted in names or wanted in ABSENT or packages & left_out
            if is_known or contents.is_started_with(wanted) or not contents.is_kept(wanted):
                continue
            found = spec(wanted)
            if found and found.origin not in ("built-in", "frozen"):
                absent[wanted] = name
    assert absent == {}
