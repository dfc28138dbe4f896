"""The registries that real clients pull from, and the machine that the clients run on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.clients import private as registries
from tests.clients.hosted import NAMES, Hosted
from tests.clients.hosted import cloud as hosted
from tests.clients.hosted import hosted as running
from tests.clients.machine import client_machine
from tests.clients.marks import needs_debian_registry, needs_skopeo
from tests.clients.private import Private
from tests.clouds.authority import Authority
from tests.clouds.fixtures import authority, proxy
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.support.machine import Machine

__all__ = ["authority", "hosted", "proxy"]


@pytest.fixture
def machine(proxy: TerminatingProxy, home: Path) -> Machine:
    return client_machine(proxy, home)


DEBIANS = [needs_debian_registry, needs_skopeo]  # skopeo is what fills it
OF_DEBIAN = [pytest.param(f"debian-{way}", marks=DEBIANS) for way in ("basic", "token")]


@pytest.fixture(params=["basic", "token", *OF_DEBIAN])
def private(
    request: pytest.FixtureRequest, authority: Authority, proxy: TerminatingProxy, tmp_path: Path
) -> Iterator[Private]:
    """A private registry that asks for its one user's password."""
    match request.param:
        case "debian-basic":
            opened = registries.debian_with_htpasswd(proxy, tmp_path)
        case "debian-token":
            opened = registries.debian_with_tokens(proxy, tmp_path, authority)
        case way:
            opened = registries.ours(proxy, Registry(registries.accepts, auth=way))
    with opened as found:
        yield found


@pytest.fixture
def all_hosted(
    authority: Authority, proxy: TerminatingProxy, home: Path
) -> Iterator[dict[str, Hosted]]:
    """All three, by their providers' names."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(running(name, authority, proxy, home)) for name in NAMES}
