"""The loopback Azure refuses what Azure refuses, and tokens in wrong places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.clouds import azure as cloud
from tests.clouds.authority import Authority
from tests.clouds.azure import AUDIENCE, CHINA, EXAMPLE_HOST, NULL_GUID, PUBLIC, AzureCloud


@pytest.fixture
def azure(authority: Authority) -> Iterator[AzureCloud]:
    with AzureCloud(authority, tls=authority.server_context("127.0.0.1")) as running:
        yield running


class Client:
    """A client that posts forms to any host there."""

    def __init__(self, azure: AzureCloud, authority: Authority) -> None:
        self._url = azure.url
        self._bundle = str(authority.ca_file)

    def post(self, host: str, path: str, form: dict[str, str], **options: Any) -> requests.Response:
        headers = {"Host": host, **options.pop("headers", {})}
        return requests.post(
            self._url + path,
            data=form,
            headers=headers,
            verify=self._bundle,
            timeout=10,
            **options,
        )

    def exchange(self, token: str, host: str = EXAMPLE_HOST, **changes: Any) -> requests.Response:
        headers = changes.pop("headers", {})
        form = {"grant_type": "access_token", "service": host, "access_token": token, **changes}
        return self.post(host, "/oauth2/exchange", form, headers=headers)


@pytest.fixture
def client(azure: AzureCloud, authority: Authority) -> Client:
    return Client(azure, authority)


def test_a_refresh_token_is_good_for_the_registry_that_gave_it_alone(
    azure: AzureCloud, client: Client
) -> None:
    secret = client.exchange(azure.issue(AUDIENCE, PUBLIC)).json()["refresh_token"]
    assert azure.issued(NULL_GUID, secret, EXAMPLE_HOST)
    assert not azure.issued(NULL_GUID, secret, "other.azurecr.io")
    assert not azure.issued("another", secret, EXAMPLE_HOST)
    assert not azure.issued(NULL_GUID, f"{secret}x", EXAMPLE_HOST)
    assert azure.exchanges == 1


def test_a_token_for_another_audience_is_not_exchanged(azure: AzureCloud, client: Client) -> None:
    token = azure.issue("https://management.azure.com", PUBLIC)
    assert client.exchange(token).status_code == 401
    assert azure.exchanges == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": {"Authorization": "Bearer loopback"}},
        {"headers": {"Cookie": "loopback=1"}},
        {"service": "other.azurecr.io"},
        {"grant_type": "access_token_refresh_token"},
        {"tenant": "another"},
        {"scope": "more"},
        {"access_token": "loopback"},
        {"host": "myreg.azurecr.cn"},
    ],
)
def test_an_exchange_that_says_anything_else_is_objected_to(
    azure: AzureCloud, client: Client, changes: dict[str, Any]
) -> None:
    assert client.exchange(azure.issue(AUDIENCE, PUBLIC), **changes).status_code == 500
    with pytest.raises(AssertionError):
        azure.check()


def test_a_token_of_one_cloud_is_objected_to_in_another(azure: AzureCloud, client: Client) -> None:
    assert client.exchange(azure.issue(AUDIENCE, CHINA)).status_code == 500
    with pytest.raises(AssertionError, match="another cloud"):
        azure.check()


SIGN_IN = {
    "grant_type": "client_credentials",
    "client_id": cloud.CLIENT_ID,
    "client_secret": cloud.CLIENT_SECRET,
    "scope": f"{AUDIENCE}/.default",
}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_secret": "wrong"}, 7000215),
        ({"client_id": "wrong"}, 700016),
    ],
)
def test_entra_refuses_who_it_does_not_know(
    client: Client, changes: dict[str, str], code: int
) -> None:
    path = f"/{cloud.TENANT_ID}/oauth2/v2.0/token"
    reply = client.post(PUBLIC.authority, path, {**SIGN_IN, **changes})
    assert reply.json()["error_codes"] == [code]
    path = "/unknown/oauth2/v2.0/token"
    assert client.post(PUBLIC.authority, path, SIGN_IN).json()["error_codes"] == [90002]


def test_a_scope_that_was_not_to_be_asked_for_is_objected_to(
    azure: AzureCloud, client: Client
) -> None:
    form = {**SIGN_IN, "scope": "https://management.azure.com/.default"}
    client.post(PUBLIC.authority, f"/{cloud.TENANT_ID}/oauth2/v2.0/token", form)
    with pytest.raises(AssertionError):
        azure.check()


def test_an_assertion_that_another_key_signed_is_refused(
    azure: AzureCloud, client: Client, authority: Authority
) -> None:
    form = {key: value for key, value in SIGN_IN.items() if key != "client_secret"}
    form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    form["client_assertion"] = authority.sign_jwt({"iss": cloud.CLIENT_ID})
    reply = client.post(PUBLIC.authority, f"/{cloud.TENANT_ID}/oauth2/v2.0/token", form)
    assert reply.json()["error_codes"] == [70021]
