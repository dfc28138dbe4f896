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
    for pattern in (".pyenv/versions/3.1[1-9]*", ".local/share/uv/python/cpython-3.1[1-9]*"):
        paths += map(str, Path.home().glob(f"{pattern}/bin/python3"))
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
    assert _problems(_PYTHONS[version]) == []


def _problems(python: str, before: str = "") -> list[str]:
    """What does not hold in a Python, after these statements."""
    path = str(Path(__file__).with_name("private_parts.py"))
    script = f"{before}\nimport runpy\nrunpy.run_path({path!r})"
    command = [python, "-I", "-S", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [str(problem).partition(":")[0] for problem in json.loads(done.stdout)]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("import sys; sys.meta_path.reverse()", "sys.meta_path ends with the finder of folders"),
        ("import _imp; _imp.is_frozen = lambda name: False", "_imp.is_frozen"),
        ("import json, re; re._compiler._compile_info = None", "patterns"),
        ("import zlib; zlib.decompress = lambda *_: b''", "bootloader"),
    ],
)
def test_a_changed_private_part_is_named(change: str, problem: str) -> None:
    assert problem in _problems(sys.executable, change)


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
