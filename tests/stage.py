"""A machine with an identity at every loopback cloud, and the registries of these clouds.

The transcripts of commands and the pictures of README are made on it. A cloud that is there only
where it is set up (Docker Hub) is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from cred_helper import clouds
from tests.clients.hosted import NAMES, hosted
from tests.clouds.authority import Authority
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.support.machine import Machine

PRIVATE_HOST = "registry.example.com"
USERNAME, PASSWORD = "robot", "hunter2-hunter2"


def _accepts(username: str, secret: str, host: str) -> bool:
    return (username, secret, host) == (USERNAME, PASSWORD, PRIVATE_HOST)


@contextmanager
def stage(authority: Authority, proxy: TerminatingProxy, home: Path) -> Iterator[Machine]:
    """The machine, while all servers run."""
    person = Machine(home)
    person.environment |= proxy.environment()
    with ExitStack() as running:
        for name in NAMES:
            if clouds.find(name).only_with:
                continue
            folder = home / f".{name}"
            folder.mkdir()
            cloud = running.enter_context(hosted(name, authority, proxy, folder))
            person.environment |= cloud.identity
        private = running.enter_context(Registry(_accepts, auth="token"))
        proxy.route(PRIVATE_HOST, private)
        yield person


@pytest.fixture
def known(authority: Authority, proxy: TerminatingProxy, home: Path) -> Iterator[Machine]:
    """A machine with an identity at every cloud."""
    with stage(authority, proxy, home) as person:
        yield person
