"""What is said of failures that no server on loopback brings about, and of all of Entra's codes."""

from __future__ import annotations

import socket
import time

import pytest
import requests
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError

from cred_helper.errors import Denied, Unreachable
from cred_helper.hosts import route
from cred_helper.providers.acr import failures
from cred_helper.providers.acr.setup import Setup
from cred_helper.providers.common.interface import Deadline, TokenRequest
from cred_helper.server_url import ServerURL

HOST = "myreg-abc123.azurecr.io"


@pytest.fixture
def setup() -> Setup:
    found = route(ServerURL.parse(HOST))
    assert found is not None
    environ = {"AZURE_CLIENT_ID": "the-client"}
    return Setup(TokenRequest(found, environ=environ, deadline=Deadline(5, time.monotonic)))


def failed_to_connect(reason: Exception) -> requests.ConnectionError:
    return requests.ConnectionError(MaxRetryError(HTTPSConnectionPool(HOST), "/", reason))


def test_a_registry_without_an_address_may_not_exist(setup: Setup) -> None:
    no_address = NameResolutionError(HOST, HTTPSConnection(HOST), socket.gaierror())
    told = failures.unreachable_registry(setup, failed_to_connect(no_address))
    assert isinstance(told, Unreachable)
    assert told.reason == f"{HOST} has no address"
    assert told.hint == "is there such a registry? az acr show --name myreg"


def test_a_registry_that_refuses_connections_is_there_and_cannot_be_reached(setup: Setup) -> None:
    refused = NewConnectionError(HTTPSConnection(HOST), "refused")
    told = failures.unreachable_registry(setup, failed_to_connect(refused))
    assert (told.reason, told.hint) == (f"{HOST} cannot be reached", None)


@pytest.mark.parametrize("code", [*failures._AADSTS, "4242"])
def test_every_code_has_a_meaning_and_something_to_try(setup: Setup, code: str) -> None:
    text = f"AADSTS{code}: Loopback text for a log. Trace ID: 1 Correlation ID: 2"
    told = failures._entra_refusal(setup, text)
    assert isinstance(told, Denied)
    assert told.reason.endswith(f"(AADSTS{code})")
    assert "Loopback text" not in told.reason
    assert told.hint
    assert "{" not in told.hint


def test_a_text_without_a_code_of_entras_is_no_refusal(setup: Setup) -> None:
    assert failures._entra_refusal(setup, "Expecting value: line 1 column 1 (char 0)") is None


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("invalid_client", "invalid_client"),
        ("", ""),
        (None, ""),
        (7, ""),
        ("a sentence of somebody's", ""),
        ("x" * 41, ""),
        ("token\n", ""),
    ],
)
def test_only_a_machines_word_is_passed_on(value: object, code: str) -> None:
    assert failures._code(value) == code
