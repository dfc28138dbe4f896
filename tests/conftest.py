"""What holds for every test: an empty environment and HOME, and no network but loopback."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
from typing import TYPE_CHECKING, Any

import pytest

from tests.executable import Executable, pinned_environment
from tests.figures import pytest_terminal_summary

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["pytest_terminal_summary"]


def pytest_configure() -> None:
    """Hear Ctrl-C, and have what is started hear it: a shell ignores it for what runs behind it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty HOME and an environment of nothing but what no program can do without."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in list(os.environ):
        if not name.startswith("PYTEST_"):
            monkeypatch.delenv(name)
    for name, value in pinned_environment(folder).items():
        monkeypatch.setenv(name, value)
    return folder


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
                pytest.fail(f"a test reached for {address!r}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
