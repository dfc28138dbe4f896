"""A part of an answer that several registries need is made once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cred_helper.cache import TokenCache
from cred_helper.cache.cached import CachedProvider
from cred_helper.credential import Credential, Secret
from cred_helper.errors import Denied
from cred_helper.providers.common.interface import Identity, TokenRequest
from tests.support.requests import token_request


class Cloud:
    """A provider whose answers begin with one sign-in, and count what is done."""

    name = "cloud"

    def __init__(self) -> None:
        self.cache_key: str | None = "someone"
        self.signed_in_as = "someone"
        self.sign_ins = 0
        self.renew = False
        self.refuses = False

    def identify(self, request: TokenRequest) -> Identity:
        return Identity("environment", cache_key=self.cache_key)

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        found = request.cached_part(
            (self.signed_in_as,), "the sign-in", self._sign_in, renew=self.renew
        )
        return _credential(f"{request.route.host} by {found.secret.expose()}")

    def _sign_in(self) -> Credential:
        if self.refuses:
            raise Denied("network.proxy-unusable")
        self.sign_ins += 1
        return _credential(f"sign-in {self.sign_ins}")


def _credential(secret: str) -> Credential:
    expires_at = datetime.now(UTC) + timedelta(hours=1)
    return Credential("u", Secret(secret), expires_at=expires_at, source="environment")


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def get(cloud: Cloud, host: str, folder: Path | None) -> str:
    request = token_request(host, {})
    if folder is None:
        return cloud.get(request, cloud.identify(request)).secret.expose()
    provider = CachedProvider(cloud, TokenCache(str(folder)), warn=lambda *_: None)
    return provider.get(request, provider.identify(request)).secret.expose()


@pytest.mark.parametrize("cache_key", ["someone", None])
def test_two_registries_sign_in_once(cloud: Cloud, cache_key: str | None, tmp_path: Path) -> None:
    cloud.cache_key = cache_key
    assert get(cloud, "a.azurecr.io", tmp_path / "cache") == "a.azurecr.io by sign-in 1"
    assert get(cloud, "b.azurecr.io", tmp_path / "cache") == "b.azurecr.io by sign-in 1"


def test_another_identity_signs_in_itself(cloud: Cloud, tmp_path: Path) -> None:
    cloud.cache_key = None
    get(cloud, "a.azurecr.io", tmp_path / "cache")
    cloud.signed_in_as = "another"
    assert get(cloud, "a.azurecr.io", tmp_path / "cache") == "a.azurecr.io by sign-in 2"


def test_a_part_that_no_longer_works_is_fetched_again(cloud: Cloud, tmp_path: Path) -> None:
    cloud.cache_key = None
    get(cloud, "a.azurecr.io", tmp_path / "cache")
    cloud.renew = True
    assert get(cloud, "a.azurecr.io", tmp_path / "cache") == "a.azurecr.io by sign-in 2"


def test_a_failed_part_is_not_kept(cloud: Cloud, tmp_path: Path) -> None:
    cloud.refuses = True
    with pytest.raises(Denied):
        get(cloud, "a.azurecr.io", tmp_path / "cache")
    cloud.refuses = False
    assert get(cloud, "a.azurecr.io", tmp_path / "cache") == "a.azurecr.io by sign-in 1"


def test_without_a_cache_each_request_signs_in(cloud: Cloud) -> None:
    get(cloud, "a.azurecr.io", None)
    assert get(cloud, "a.azurecr.io", None) == "a.azurecr.io by sign-in 2"
