"""The three clouds, each with a registry that lets in only what that cloud issued."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clouds import aws, azure, google
from tests.clouds.authority import Authority
from tests.clouds.aws import AwsCloud
from tests.clouds.azure import AzureCloud
from tests.clouds.google import GoogleCloud
from tests.clouds.image import Image
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.clouds.tokens import Login

NAMES = ("ecr", "gcr", "acr")
Cloud = AwsCloud | GoogleCloud | AzureCloud


@dataclass(frozen=True)
class Hosted:
    """A cloud and its registry, running, as somebody with an identity there knows them."""

    host: str
    username: str
    """The one user name that this cloud's credentials have."""
    identity: Mapping[str, str]
    """The variables of an identity that may pull and push."""
    cloud: Cloud
    registry: Registry
    image: Image

    @property
    def image_name(self) -> str:
        return f"{self.host}/team/app:1"

    @property
    def login(self) -> Login:
        """What the registry sees of somebody who pulls with the cloud's credential."""
        return Login(self.host, self.username, "basic", accepted=True)


@contextmanager
def hosted(
    name: str, authority: Authority, proxy: TerminatingProxy, folder: Path
) -> Iterator[Hosted]:
    """One cloud by its provider's name; what its identity keeps in files lies in the folder."""
    host, username, cloud, registry = _pair(name, authority)
    with cloud, registry:
        cloud.register(proxy)
        proxy.route(host, registry)
        image = registry.seed_image("team/app", "1")
        yield Hosted(host, username, cloud.identity(folder), cloud, registry, image)


@pytest.fixture(params=NAMES)
def cloud(
    request: pytest.FixtureRequest, authority: Authority, proxy: TerminatingProxy, tmp_path: Path
) -> Iterator[Hosted]:
    """Each of the three in turn, and somebody known there."""
    folder = tmp_path / "identity"
    folder.mkdir()
    with hosted(request.param, authority, proxy, folder) as running:
        yield running


def _pair(name: str, authority: Authority) -> tuple[str, str, Cloud, Registry]:
    """A host, its user name, its cloud and its registry, which asks as the cloud's own does."""
    match name:
        case "ecr":
            amazon = AwsCloud()
            registry = Registry(amazon.issued, auth="basic")
            return aws.EXAMPLE_HOST, aws.USERNAME, amazon, registry
        case "gcr":
            alphabet = GoogleCloud()
            registry = Registry(alphabet.issued, auth="token", token_path="/v2/token")
            return google.EXAMPLE_HOST, google.USERNAME, alphabet, registry
        case "acr":
            microsoft = AzureCloud(authority)
            registry = Registry(microsoft.issued, auth="token", token_path="/oauth2/token")
            microsoft.exchange_at(registry)
            return azure.EXAMPLE_HOST, azure.NULL_GUID, microsoft, registry
    raise ValueError(name)
