"""The registries that every client is tried on: the columns of the table."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.clients.hosted import Hosted, hosted
from tests.clients.private import PASSWORD, USERNAME, accepts
from tests.clouds import dockerhub
from tests.clouds.authority import Authority
from tests.clouds.image import Image, chart, image_of, tiny_image
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.clouds.tokens import Accepts

HUB = "docker.io"
PRIVATE = "registry.example.com:5000"
PUBLIC = "public.example.com"
REPOSITORY, BASE, BUILT, CHART = "team/app", "team/base", "team/built", "team/chart"

# A static busybox, for the RUN of a build. Debian: busybox-static.
_BUSYBOX = Path("/usr/bin/busybox")


@dataclass(frozen=True)
class Place:
    """A running registry: its names, its images and its login."""

    host: str
    registry: Registry
    username: str = ""
    """The user name that the registry has to see; empty where no login is necessary."""
    password: str = ""
    """For the login; empty where the identity of a cloud is there."""
    identity: Mapping[str, str] = field(default_factory=dict)
    issued: Accepts = lambda *_: False

    def accepts(self, username: str, secret: str) -> bool:
        """Whether this is a credential of this registry."""
        return self.issued(username, secret, self.host)

    @property
    def basic(self) -> str:
        """The login as docker's files have it."""
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    @property
    def image(self) -> str:
        return f"{self.host}/{REPOSITORY}:1"

    @property
    def base(self) -> str:
        """The base image of a build."""
        return f"{self.host}/{BASE}:1"

    def built(self, tag: str) -> str:
        """The image that a build makes."""
        return f"{self.host}/{BUILT}:{tag}"

    def is_pushed(self, tag: str) -> bool:
        """Whether the registry has this tag, or a chart's version that ends in it."""
        return any(found.endswith(tag) for found in self.registry.tags(BUILT))


def _seeded(registry: Registry) -> Registry:
    for repository, image in ((REPOSITORY, tiny_image()), (BASE, _busybox())):
        registry.seed(image, repository, "1")
    registry.seed(chart(CHART.rpartition("/")[2], "1.0.0"), CHART, "1.0.0")
    return registry


def _busybox() -> Image:
    return image_of("bin/busybox", _BUSYBOX.read_bytes(), 0o755)


def _place(cloud: Hosted, host: str) -> Place:
    registry = _seeded(cloud.registry)
    return Place(host, registry, cloud.username, "", cloud.identity, cloud.cloud.issued)


@contextmanager
def _cloud(
    name: str, authority: Authority, proxy: TerminatingProxy, folder: Path
) -> Iterator[Place]:
    with hosted(name, authority, proxy, folder) as cloud:
        yield _place(cloud, cloud.host)


@contextmanager
def _hub(authority: Authority, proxy: TerminatingProxy, folder: Path) -> Iterator[Place]:
    with hosted("dockerhub", authority, proxy, folder) as cloud:
        for host in dockerhub.HOSTS:
            proxy.route(host, cloud.registry)
        yield _place(cloud, HUB)


@contextmanager
def _private(_: Authority, proxy: TerminatingProxy, _folder: Path) -> Iterator[Place]:
    with Registry(accepts, auth="basic") as registry:
        proxy.route(PRIVATE, registry)
        yield Place(PRIVATE, _seeded(registry), USERNAME, PASSWORD, issued=accepts)


@contextmanager
def _public(_: Authority, proxy: TerminatingProxy, _folder: Path) -> Iterator[Place]:
    with Registry(lambda *_: False, auth="token", public=(REPOSITORY, BASE, CHART)) as registry:
        proxy.route(PUBLIC, registry)
        yield Place(PUBLIC, _seeded(registry))


Opened = AbstractContextManager[Place]
PLACES: dict[str, Callable[[Authority, TerminatingProxy, Path], Opened]] = {
    "ECR": lambda *world: _cloud("ecr", *world),
    "Google": lambda *world: _cloud("gcr", *world),
    "ACR": lambda *world: _cloud("acr", *world),
    "Docker Hub": _hub,
    "private": _private,
    "public": _public,
}
"""By the heading of the column."""
