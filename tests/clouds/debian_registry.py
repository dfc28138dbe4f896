"""Debian's docker-registry on a loopback port.

It serves plain HTTP; a TerminatingProxy's tunnel gives it a host name and TLS.

Source: https://distribution.github.io/distribution/about/configuration/
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import bcrypt

from tests.clouds.authority import Authority
from tests.clouds.server import LoopbackServer
from tests.clouds.tokens import LIFETIME_S, Accepts, Access, Doorkeeper, TokenEndpoint

BINARY = shutil.which("docker-registry")
"""None where Debian's package docker-registry is not installed; such tests are skipped."""

# It starts in a tenth of a second; a busy machine takes longer.
START_TIMEOUT_S = 30.0
ATTEMPTS = 3

ISSUER = "loopback tokens"


class TokenIssuer(LoopbackServer):
    """The token server of a DebianRegistry: signs tokens for the users that `accepts` admits.

    Route `realm_host` here: the registry's challenge sends clients to that host.
    """

    def __init__(
        self, authority: Authority, accepts: Accepts, realm_host: str = "tokens.example"
    ) -> None:
        super().__init__()
        self.realm_host = realm_host
        self.ca_file = authority.ca_file
        self._authority = authority
        self._doorkeeper = Doorkeeper(accepts)
        self.logins = self._doorkeeper.logins
        self.on("*", "/token", TokenEndpoint(self._doorkeeper, self._mint))

    def _mint(self, access: Access) -> str:
        granted = [
            {"type": scope.type, "name": scope.name, "actions": [scope.action]}
            for scope in sorted(access.scopes)
        ]
        claims = {"iss": ISSUER, "sub": access.username, "aud": access.host, "access": granted}
        return self._authority.token(LIFETIME_S, nbf=int(time.time()) - 10, **claims)


class DebianRegistry:
    """A docker-registry process with its files in a directory of the test's.

    Use `with_htpasswd` or `with_tokens`, then tunnel a host to `port`.
    """

    def __init__(self, directory: Path, auth: Mapping[str, object]) -> None:
        self.port = 0
        self._auth = auth
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def with_htpasswd(cls, directory: Path, users: Mapping[str, str]) -> Self:
        path = directory / "htpasswd"
        # The lowest cost of bcrypt: the registry computes it for every request.
        lines = [
            f"{username}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}\n"
            for username, password in users.items()
        ]
        path.write_text("".join(lines))
        return cls(directory, {"htpasswd": {"realm": "loopback", "path": str(path)}})

    @classmethod
    def with_tokens(cls, directory: Path, issuer: TokenIssuer, service: str) -> Self:
        token = {
            "realm": f"https://{issuer.realm_host}/token",
            "service": service,
            "issuer": ISSUER,
            "rootcertbundle": str(issuer.ca_file),
        }
        return cls(directory, {"token": token})

    def __enter__(self) -> Self:
        # The registry cannot choose a port itself, and another process may take this one first.
        for _ in range(ATTEMPTS):
            self.port = free_port()
            self._process = self._start()
            if self._listens():
                return self
            self.__exit__()
        raise RuntimeError(f"docker-registry did not start: {self._log.read_text()}")

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()  # the registry has no state to save
        self._process.wait()

    @property
    def _log(self) -> Path:
        return self._directory / "registry.log"

    def _start(self) -> subprocess.Popen[bytes]:
        assert BINARY is not None
        config = self._directory / "registry.json"
        config.write_text(json.dumps(self._config()))  # JSON is YAML
        with self._log.open("wb") as log:
            return subprocess.Popen(
                [BINARY, "serve", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={},
            )

    def _config(self) -> dict[str, object]:
        return {
            "version": "0.1",
            "storage": {"filesystem": {"rootdirectory": str(self._directory / "storage")}},
            # The registry does not see the proxy's TLS: an absolute Location would be plain http.
            "http": {"addr": f"127.0.0.1:{self.port}", "relativeurls": True},
            "auth": self._auth,
        }

    def _listens(self) -> bool:
        """Wait until the registry accepts connections; false if it ends or never does."""
        assert self._process is not None
        give_up_at = time.monotonic() + START_TIMEOUT_S
        while self._process.poll() is None and time.monotonic() < give_up_at:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return True
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
