"""The judges and clients are pinned by version and hash, and name no server to fetch them from."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.outside.judges import JUDGES
from tests.support.executable import ROOT

HERE = Path(__file__).parent


def _npm(folder: Path) -> bool:
    packages = json.loads((folder / "package-lock.json").read_text())["packages"]
    del packages[""]
    return all("integrity" in found and "resolved" not in found for found in packages.values())


def _cargo(folder: Path) -> bool:
    packages = tomllib.loads((folder / "crates.lock").read_text())["package"]
    others = [found for found in packages if found["version"] != "0.0.0"]
    return all("checksum" in found and "source" not in found for found in others)


def _go(folder: Path) -> bool:
    return (folder / "go.sum").exists()


def _maven(folder: Path) -> bool:
    return (folder / "jars.sha256").exists()


PINNED: dict[str, Callable[[Path], bool]] = {
    "package.json": _npm,
    "Cargo.toml": _cargo,
    "go.mod": _go,
    "pom.xml": _maven,
}


@pytest.mark.parametrize("name", PINNED)
def test_every_package_is_pinned_by_hash(name: str) -> None:
    folders = [found.parent for found in HERE.rglob(name)]
    assert folders
    assert [str(folder) for folder in folders if not PINNED[name](folder)] == []


def test_the_tests_of_the_judges_are_there() -> None:
    tests = [ROOT / test for row in JUDGES for test in row.test.split(", ")]
    assert [str(test) for test in tests if not test.exists()] == []
