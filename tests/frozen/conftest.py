"""The loopback clouds and the machine for the tests of the frozen file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clients.hosted import cloud
from tests.clouds.aws import EXAMPLE_HOST, AwsCloud
from tests.clouds.fixtures import authority, proxy
from tests.frozen.files import FILE
from tests.support.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["authority", "cloud", "proxy"]


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """An empty temporary folder."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def machine(home: Path, temporary: Path, request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A machine with an AWS identity and the frozen file, or the module's ``MACHINE_FILE``."""
    with AwsCloud() as cloud:
        machine = Machine(home, host=EXAMPLE_HOST, cloud=cloud, **cloud.identity(home))
        machine.use({"PATH": machine.scripts.path, "TMPDIR": str(temporary)})
        machine.executable.command = [str(getattr(request.module, "MACHINE_FILE", FILE))]
        yield machine
