"""A cached get imports no module that the frozen file compresses."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from tests.clients.hosted import Hosted
from tests.soak.warm import loaded
from tests.support.executable import COMMAND, ROOT, Executable, pinned_environment

pytestmark = pytest.mark.skipif(
    COMMAND[-1] != "cred_helper", reason="the frozen file does not report its imports"
)


def test_a_cached_get_of_every_cloud_imports_no_compressed_module(
    cloud: Hosted, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "packaging"), *sys.path])
    contents = importlib.import_module("freeze.contents")
    environment = {**pinned_environment(home), **cloud.identity}
    first = Executable(environment).get(cloud.host)
    assert first.status == 0, first
    modules = loaded(environment, cloud.host)
    assert "cred_helper.cache.cached" in modules
    ours = {name for name in modules if name.partition(".")[0] == "cred_helper"}
    assert {name for name in ours if not contents.is_started_with(name)} == set()
    assert Executable(environment).get(cloud.host).stdout == first.stdout
