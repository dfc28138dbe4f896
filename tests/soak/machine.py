"""A machine: processes of the executable that ask one loopback cloud and share a cache."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cred_helper.cache.entry import TOKEN, Entry
from tests.clouds.aws import AwsCloud
from tests.clouds.azure import AzureCloud
from tests.clouds.google import GoogleCloud
from tests.support.executable import COMMAND, ROOT, Completed, Executable

Cloud = AwsCloud | GoogleCloud | AzureCloud
# Far longer than a process takes to ask its first question.
_HUNG_S = 60.0


class Machine:
    """Processes on one machine that ask one cloud, for one host unless another is given."""

    def __init__(self, cloud: Cloud, executable: Executable, host: str) -> None:
        self.cloud = cloud
        self.executable = executable
        self.host = host
        self.folder = Path(executable.environment["HOME"], ".cache", "docker-credential-multi")

    def get(self, host: str = "", **environment: str) -> Completed:
        """Ask once."""
        return self.executable.get(host or self.host, environment)

    def get_at_once(self, *hosts: str) -> list[Completed]:
        """Ask for all of these hosts at the same time, each by a process of its own."""
        with ThreadPoolExecutor(len(hosts)) as pool:
            return list(pool.map(self.get, hosts))

    def start(self) -> subprocess.Popen[bytes]:
        """Start a process and leave it on its own."""
        process = subprocess.Popen(
            [*COMMAND, "get"],
            env=self.executable.environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdin is not None
        process.stdin.write(self.host.encode())
        process.stdin.close()
        process.stdin = None
        return process

    def wait_for_request(self) -> None:
        """Wait until the cloud was asked something."""
        ends_at_s = time.monotonic() + _HUNG_S
        while not self.cloud.received:
            assert time.monotonic() < ends_at_s
            time.sleep(0.01)

    def age(self, by_s: float) -> None:
        """Make every token on disk older than it is."""
        for path in self.folder.glob(f"*.{TOKEN}"):
            entry = Entry.decode(path.stem, path.read_bytes())
            assert entry is not None
            entry.created_at -= by_s
            entry.expires_at -= by_s
            path.write_bytes(entry.encode(path.stem))
