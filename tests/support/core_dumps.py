"""The limit on the size of core dumps, for the tests that no core dump is written."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest


@pytest.fixture
def core_dumps() -> Iterator[None]:
    before, most = resource.getrlimit(resource.RLIMIT_CORE)
    if most == 0:
        pytest.skip("this machine allows no core dump to any process")
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, (before, most))
