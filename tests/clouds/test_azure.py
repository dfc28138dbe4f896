"""The loopback Azure refuses what Azure refuses, and tokens in wrong places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.clouds import azure as cloud
from tests.clouds.authority import Authority
from tests.clouds.azure import AUDIENCE, CHINA, EXAMPLE_HOST, NULL_GUID, PUBLIC, AzureCloud

_SECRET = {"client_secret": cloud.CLIENT_SECRET}


@pytest.fixture
def azure(authority: Authority) -> Iterator[AzureCloud]:
    with AzureCloud(authority, tls=authority.server_context("127.0.0.1")) as running:
        yield running


def post(azure: AzureCloud, host: str, path: str, form: Any, **headers: str) -> requests.Response:
    url, bundle = azure.url + path, str(azure.authority.ca_file)
    headers["Host"] = host
    return requests.post(url, data=form, headers=headers, verify=bundle, timeout=10)


def exchange(azure: AzureCloud, token: str, **changes: Any) -> requests.Response:
    headers, host = changes.pop("headers", {}), changes.pop("host", EXAMPLE_HOST)
    form = {"grant_type": "access_token", "service": host, "access_token": token, **changes}
    return post(azure, host, "/oauth2/exchange", form, **headers)


def sign_in(azure: AzureCloud, tenant: str = cloud.TENANT_ID, **form: str) -> requests.Response:
    form = {"grant_type": "client_credentials", "client_id": cloud.CLIENT_ID} | form
    form = {"scope": f"{AUDIENCE}/.default"} | form
    return post(azure, PUBLIC.authority, f"/{tenant}/oauth2/v2.0/token", form)


def test_a_refresh_token_is_good_for_the_registry_that_gave_it_alone(azure: AzureCloud) -> None:
    management = azure.issue("https://management.azure.com", PUBLIC)
    assert (exchange(azure, management).status_code, azure.exchanges) == (401, 0)
    secret = exchange(azure, azure.issue(AUDIENCE, PUBLIC)).json()["refresh_token"]
    assert azure.issued(NULL_GUID, secret, EXAMPLE_HOST)
    assert not azure.issued(NULL_GUID, secret, "other.azurecr.io")
    assert not azure.issued("another", secret, EXAMPLE_HOST)
    assert not azure.issued(NULL_GUID, f"{secret}x", EXAMPLE_HOST)
    assert azure.exchanges == 1


def test_an_exchange_with_other_headers_or_fields_is_refused(azure: AzureCloud) -> None:
    token = azure.issue(AUDIENCE, PUBLIC)
    for changes in (
        {"headers": {"Authorization": "Bearer loopback"}},
        {"headers": {"Cookie": "loopback=1"}},
        {"service": "other.azurecr.io"},
        {"grant_type": "access_token_refresh_token"},
        {"tenant": "another"},
        {"scope": "more"},
        {"access_token": "loopback"},
        {"access_token": azure.issue(AUDIENCE, CHINA)},
        {"host": "myreg.azurecr.cn"},
    ):
        assert exchange(azure, token, **changes).status_code == 500, changes
        with pytest.raises(AssertionError):
            azure.check()


def test_entra_refuses_what_it_does_not_know(azure: AzureCloud, authority: Authority) -> None:
    assertion = {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": authority.sign_jwt({"iss": cloud.CLIENT_ID}),
    }
    for code, reply in (
        (7000215, sign_in(azure, client_secret="wrong")),
        (700016, sign_in(azure, **_SECRET, client_id="wrong")),
        (90002, sign_in(azure, "unknown", **_SECRET)),
        (70021, sign_in(azure, **assertion)),
    ):
        assert reply.json()["error_codes"] == [code]
    sign_in(azure, **_SECRET, scope="https://management.azure.com/.default")
    with pytest.raises(AssertionError):
        azure.check()
