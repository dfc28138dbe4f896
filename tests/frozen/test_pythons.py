"""The private parts of every Python here that the single file can be built with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.executable import ROOT

OLDEST, NEWEST = 11, 14


def _pythons() -> dict[str, str]:
    """The path of each Python, by its version."""
    found: dict[str, str] = {}
    names = [sys.executable, *(f"python3.{minor}" for minor in range(OLDEST, NEWEST + 1))]
    paths = [path for path in map(shutil.which, names) if path]
    paths += map(str, Path.home().glob(".pyenv/versions/3.1[1-9]*/bin/python3"))
    for path in paths:
        command = [path, "-c", "import sys; print(*sys.version_info[:2], sep='.')"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:  # pyenv has a shim of each name that fails
            found.setdefault(done.stdout.strip(), path)
    return found


_PYTHONS = _pythons()


@pytest.mark.parametrize("version", [f"3.{minor}" for minor in range(OLDEST, NEWEST + 1)])
def test_what_the_file_depends_on_holds_in_every_python(version: str) -> None:
    if version not in _PYTHONS:
        pytest.skip(f"there is no Python {version} here")
    done = subprocess.run(
        [_PYTHONS[version], "-I", "-S", Path(__file__).with_name("private_parts.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_a_python_named_by_its_path_is_the_one_that_is_built_with() -> None:
    chooser = ROOT / "packaging/freeze/python.py"
    for path in _PYTHONS.values():
        done = subprocess.run(
            [path, "-I", chooser, path], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            assert Path(done.stdout.strip()).resolve() == Path(path).resolve()
        else:
            assert "a shared libpython" in done.stderr
