"""Fixtures for tests against loopback clouds; a conftest.py imports those that it wants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clouds.authority import Authority
from tests.clouds.proxy import TerminatingProxy


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def proxy(authority: Authority) -> Iterator[TerminatingProxy]:
    """A proxy that fails the test if it is asked for a host that the test did not route."""
    with TerminatingProxy(authority) as running:
        yield running
        assert running.refused == []
