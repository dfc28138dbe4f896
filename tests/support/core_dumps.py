"""The limit on core dumps: the tests of it begin with one that allows them."""

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
