"""Each cloud with a registry that accepts only the credentials that this cloud issued."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clouds.authority import Authority
from tests.clouds.image import Image
from tests.clouds.loopback import LoopbackCloud, loopbacks
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.clouds.tokens import Login

NAMES = tuple(loopbacks())


@dataclass(frozen=True)
class Hosted:
    """A cloud and its registry, running, and an identity there."""

    host: str
    username: str
    """The user name of all credentials of this cloud."""
    identity: Mapping[str, str]
    """The variables of an identity that may pull and push."""
    cloud: LoopbackCloud
    registry: Registry
    image: Image

    @property
    def image_name(self) -> str:
        return f"{self.host}/team/app:1"

    @property
    def login(self) -> Login:
        """The login that the registry sees when a client pulls with the cloud's credential."""
        return Login(self.host, self.username, "basic", accepted=True)


@contextmanager
def hosted(
    name: str, authority: Authority, proxy: TerminatingProxy, folder: Path
) -> Iterator[Hosted]:
    """One cloud, by the name of its row. The folder has the files of its identity."""
    loopback = loopbacks()[name]
    host = loopback.host
    cloud, registry = loopback.start(authority)
    with cloud, registry:
        cloud.register(proxy)
        proxy.route(host, registry)
        image = registry.seed_image("team/app", "1")
        yield Hosted(host, loopback.username, cloud.identity(folder), cloud, registry, image)


@pytest.fixture(params=NAMES)
def cloud(
    request: pytest.FixtureRequest, authority: Authority, proxy: TerminatingProxy, tmp_path: Path
) -> Iterator[Hosted]:
    folder = tmp_path / "identity"
    folder.mkdir()
    with hosted(request.param, authority, proxy, folder) as running:
        yield running
