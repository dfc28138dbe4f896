"""How a test says which programs it needs, and that it is for every client."""

from __future__ import annotations

import pytest

from tests.clients.clients import CLIENTS, DOCKER, SKOPEO
from tests.clouds import debian_registry


def _needs(program: str | None, name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not program, reason=f"{name} is not installed")


needs_docker = _needs(DOCKER.program, "the docker CLI")
needs_skopeo = _needs(SKOPEO.program, "skopeo")
needs_debian_registry = _needs(debian_registry.BINARY, "Debian's docker-registry")


every_client = pytest.mark.parametrize(
    "client",
    [
        pytest.param(client, marks=_needs(client.program, client.name), id=client.name)
        for client in CLIENTS
    ],
)
every_client_and_place = pytest.mark.parametrize(
    ("client", "place"),
    [
        pytest.param(
            client, place, marks=_needs(client.program, client.name), id=f"{client.name}-{place}"
        )
        for client in CLIENTS
        for place in client.named_in
    ],
)
"""Each client with each place in which it may find us named."""
