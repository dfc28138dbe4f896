"""The releases of the setup action, at their real addresses behind the loopback proxy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from cred_helper import __version__
from tests.ci.job import REPOSITORY
from tests.clouds.fixtures import authority, proxy
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.server import LoopbackServer, Reply
from tests.support.executable import EXECUTABLE, PROGRAM

__all__ = ["authority", "proxy"]

HOST = "github.com"


class Releases(LoopbackServer):
    systems = ("linux-amd64", "linux-arm64", "darwin-arm64")
    """In the names of the files that are served."""

    def __init__(self) -> None:
        super().__init__()
        self.files = {f"{PROGRAM}-{system}": EXECUTABLE.read_bytes() for system in self.systems}
        self.sums = {
            name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()
        }
        for base in (f"download/v{__version__}", "latest/download"):
            path = f"/{REPOSITORY}/releases/{base}"
            for name in self.files:
                self.on("GET", f"{path}/{name}", lambda got: Reply(body=self._file(got.path)))
            self.on("GET", f"{path}/SHA256SUMS", lambda _: Reply(body=self._list()))
        for missing in ("/*/releases/*/*-windows-*", "/*/releases/*/v9.*"):
            self.on("GET", missing, lambda _: Reply(404))

    def _file(self, path: str) -> bytes:
        return self.files[path.rpartition("/")[2]]

    def _list(self) -> bytes:
        return "".join(f"{digest}  {name}\n" for name, digest in self.sums.items()).encode()


@pytest.fixture
def releases(proxy: TerminatingProxy) -> Iterator[Releases]:
    with Releases() as server:
        proxy.route(HOST, server)
        yield server
