"""A process that asks for a credential through the cache, from a cloud within itself.

The cloud counts: every exchange adds a line to a file that all such processes share. The cache, its
folder and locks, and the time limit are the real ones, as in the wiring.

``python -m tests.soak.asker FOLDER COUNT`` waits for the end of standard input, asks once, and
prints the secret or the reason.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from cred_helper import errors
from cred_helper.cache import TokenCache
from cred_helper.cache.cached import CachedProvider
from cred_helper.credential import Credential, Secret
from cred_helper.providers.common.bounded_provider import BoundedProvider
from cred_helper.providers.common.interface import Identity, TokenRequest
from tests.support.executable import ROOT
from tests.support.requests import token_request

# Far longer than any deadline of a test: a process that takes this long hangs.
_HUNG_S = 120


class CountingCloud:
    """A provider that waits, records the exchange, and answers or fails."""

    name = "cloud"

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self._count = os.open(arguments.count, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def clock(self) -> float:
        return time.time() - float(self.arguments.age_s)

    def identify(self, request: TokenRequest) -> Identity:
        return Identity("environment", cache_key="one", scope=self.arguments.scope)

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        os.write(self._count, b"%d\n" % os.getpid())
        time.sleep(self.arguments.takes_s)
        if self.arguments.fails:
            error: type[errors.CredentialError] = getattr(errors, self.arguments.fails)
            raise error(f"said to {os.getpid()}")
        expires_at = datetime.fromtimestamp(self.clock() + self.arguments.life_s, UTC)
        return Credential("user", Secret(f"secret of {os.getpid()}"), expires_at=expires_at)


class Asking:
    """Processes that ask at the same moment, and what they get."""

    def __init__(self, folder: Path | str, count: Path) -> None:
        self.folder = str(folder)
        self.count = count
        self.processes: list[subprocess.Popen[str]] = []
        self._results: dict[int, str] = {}
        self._released, self._gate = os.pipe()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        for process in self.processes:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
        os.close(self._released)

    def start(self, number: int = 1, *options: str) -> Self:
        command = [sys.executable, "-m", __name__, self.folder, str(self.count), *options]
        environment = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        streams: Any = {"stdin": self._released, "stdout": subprocess.PIPE, "text": True}
        for _ in range(number):
            process = subprocess.Popen(command, cwd=ROOT, env=environment, **streams)
            self.processes.append(process)
        return self

    def release(self) -> None:
        if self._gate >= 0:
            os.close(self._gate)
            self._gate = -1

    def results(self, *, but: int | None = None) -> list[str]:
        self.release()
        asked = [process for process in self.processes if process.pid != but]
        for process in asked:
            if process.pid not in self._results:
                self._results[process.pid] = process.communicate(timeout=_HUNG_S)[0].strip()
        return [self._results[process.pid] for process in asked]

    def wait_for_exchange(self, number: int = 1) -> int:
        """Wait for this number of exchanges; the process of the last one."""
        ends_at_s = time.monotonic() + _HUNG_S
        while len(self.askers) < number:
            assert time.monotonic() < ends_at_s, f"{len(self.askers)} exchanges after {_HUNG_S} s"
            time.sleep(0.01)
        return self.askers[number - 1]

    @property
    def askers(self) -> list[int]:
        return [int(line) for line in self.count.read_text().split()] if self.count.exists() else []


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("count")
    parser.add_argument("--host", default="gcr.io")
    parser.add_argument("--scope")
    for name, seconds in {"takes": 0.0, "life": 3600.0, "deadline": 30.0, "age": 0.0}.items():
        parser.add_argument(f"--{name}-s", type=float, default=seconds)
    parser.add_argument("--fails")
    parser.add_argument("--full-disk", action="store_true")
    arguments = parser.parse_args()
    cloud = CountingCloud(arguments)
    provider = CachedProvider(
        BoundedProvider(cloud),
        TokenCache(arguments.folder),
        warn=lambda error: print("warning:", *(code for code, _ in error.parts[1:])),
        clock=cloud.clock,
    )
    if arguments.full_disk:  # full for an entry, which is longer, but not for the count
        resource.setrlimit(resource.RLIMIT_FSIZE, (128, 128))
    sys.stdin.read()
    request = token_request(arguments.host, {}, arguments.deadline_s)
    try:
        print(provider.get(request, provider.identify(request)).secret.expose())
    except errors.CredentialError as error:
        print(f"{type(error).__name__}: {error.reason}")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
