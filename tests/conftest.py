"""For every test: an empty environment and HOME, no network but loopback, default signals."""

from __future__ import annotations

import compileall
import ipaddress
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from tests.figures import pytest_terminal_summary
from tests.support import leftovers, preloaded, signals
from tests.support.executable import ROOT, Executable, pinned_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["pytest_terminal_summary"]


def pytest_configure() -> None:
    """Start from the same signals, standard input and bytecode, whatever the caller has.

    The executable is started without leave to write bytecode, and would compile itself each time.
    """
    signals.open_standard_input()
    signals.reset()
    leftovers.adopt_orphans()
    compileall.compile_dir(ROOT / "cred_helper", quiet=2)


# What takes longest is started first: no worker waits for another at the end.
_LONGEST = ("differential", "faults", "demo", "bench", "secrets", "soak", "fuzz")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest suites first."""
    items.sort(key=lambda item: item.path.parent.name not in _LONGEST)


def pytest_unconfigure() -> None:
    """End what runs for the whole session."""
    preloaded.close()


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    with leftovers.none_left():
        yield


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty HOME, and an environment with only what every program needs."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in list(os.environ):
        if not name.startswith("PYTEST_"):
            monkeypatch.delenv(name)
    for name, value in pinned_environment(folder).items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture(autouse=True)
def _real_executable(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("real_executable"):
        monkeypatch.setattr(Executable, "starts_for_real", True)


@pytest.fixture
def executable(home: Path) -> Executable:
    """The executable under test, started as a registry client starts it."""
    return Executable(pinned_environment(home))


@pytest.fixture(autouse=True)
def _no_network_but_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])
            if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
                pytest.fail(f"a test connects to {address!r}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
