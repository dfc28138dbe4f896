"""A cached get imports no module that the frozen file compresses."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.clients.hosted import Hosted
from tests.soak.warm import loaded
from tests.support.executable import COMMAND, ROOT, Executable, pinned_environment

pytestmark = pytest.mark.skipif(
    COMMAND[-1] != "cred_helper", reason="the frozen file does not report its imports"
)


@pytest.fixture
def contents(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of the build that lists the uncompressed modules."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "packaging"), *sys.path])
    return importlib.import_module("freeze.contents")


def test_a_cached_get_of_every_cloud_imports_no_compressed_module(
    cloud: Hosted, home: Path, contents: ModuleType
) -> None:
    environment = {**pinned_environment(home), **cloud.identity}
    first = Executable(environment).get(cloud.host)
    assert first.status == 0, first
    modules = loaded(environment, cloud.host)
    assert "cred_helper.cache.cached" in modules
    ours = {name for name in modules if name.partition(".")[0] == "cred_helper"}
    assert {name for name in ours if not contents.is_started_with(name)} == set()
    assert Executable(environment).get(cloud.host).stdout == first.stdout


def test_a_get_that_finds_nothing_imports_no_slow_module(home: Path, contents: ModuleType) -> None:
    modules = loaded(pinned_environment(home), "registry.example", status=1)
    assert "cred_helper.fallback.dockerconfig" in modules
    ours = {name for name in modules if name.partition(".")[0] == "cred_helper"}
    assert modules - ours <= {"_blake2", "_json", "errno", "gc", "resource", "runpy"}
    assert {name for name in ours if not contents.is_started_with(name)} == set()
