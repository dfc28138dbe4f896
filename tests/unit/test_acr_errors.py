"""The errors for failures that no server on loopback brings about, and for Entra's numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from cred_helper.errors import Denied
from cred_helper.providers.acr import errors
from cred_helper.providers.acr.messages import ENTRA_CODES
from cred_helper.providers.acr.sources import MANAGED_IDENTITY, AzureSettings, Candidate
from cred_helper.providers.common.wire import RoundTrip, Wire
from tests.support.requests import token_request

HOST = "myreg-abc123.azurecr.io"


@pytest.fixture
def settings() -> AzureSettings:
    environ = {"AZURE_CLIENT_ID": "11111111-2222-4333-8444-555555555555"}
    return AzureSettings(token_request(HOST, environ, 5))


def failed(settings: AzureSettings, failure: Exception) -> Wire:
    wire = Wire(settings.request.deadline)
    wire.last = RoundTrip("POST", f"https://{HOST}/oauth2/exchange", upstream=HOST, attempt=1)
    wire.last.failure = failure
    return wire


def test_a_registry_host_without_an_address_may_not_exist(settings: AzureSettings) -> None:
    import socket

    unknown = socket.gaierror(socket.EAI_NONAME, "unknown")
    error = errors.unreachable_registry(settings, failed(settings, unknown), unknown)
    assert error.code == "acr.no-such-registry"
    assert error.hint
    assert error.hint.endswith("--name myreg")
    refused = ConnectionRefusedError()
    error = errors.unreachable_registry(settings, failed(settings, refused), refused)
    assert error.code == "network.refused"


def test_a_user_who_cannot_read_the_arc_agents_keys_needs_its_group(
    settings: AzureSettings,
) -> None:
    wire = Wire(settings.request.deadline)
    wire.last = RoundTrip("GET", "http://localhost:40342/token", upstream="Azure Arc", attempt=1)
    wire.last.status = 401
    candidate = Candidate(MANAGED_IDENTITY, "", (None,), place="Azure Arc")
    error = errors.sign_in_error(settings, candidate, wire, PermissionError())
    assert error.code == "acr.arc-key-unreadable"


@pytest.mark.parametrize("number", [*ENTRA_CODES, "4242"])
def test_each_number_of_entra_has_a_message_and_hint(settings: AzureSettings, number: str) -> None:
    text = f"AADSTS{number}: Loopback text for a log. Trace ID: 1 Correlation ID: 2"
    error = errors.entra_refusal(settings, text)
    assert isinstance(error, Denied)
    assert f"AADSTS{number}" in error.reason
    assert "Loopback text" not in error.reason
    assert error.hint
    assert "{" not in error.hint


def test_a_client_id_that_is_not_a_guid_is_not_shown() -> None:
    settings = AzureSettings(token_request(HOST, {"AZURE_CLIENT_ID": "Abc8Q.supersecret"}))
    error = errors.entra_refusal(settings, "AADSTS700016: unknown")
    assert error is not None
    assert "supersecret" not in f"{error.line} {error.hint}"


def test_a_text_without_a_number_of_entra_is_not_a_refusal(settings: AzureSettings) -> None:
    assert errors.entra_refusal(settings, "Expecting value: line 1 column 1 (char 0)") is None


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("invalid_client", "invalid_client"),
        ("", ""),
        (None, ""),
        (7, ""),
        ("a sentence", ""),
        ("x" * 41, ""),
        ("token\n", ""),
    ],
)
def test_only_a_code_is_passed_on(value: object, code: str) -> None:
    assert errors._word(value) == code


def test_the_messages_of_azure_are_all_used() -> None:
    folder = Path(errors.__file__).parent
    source = "".join(
        file.read_text() for file in folder.glob("*.py") if file.name != "messages.py"
    ) + str(list(ENTRA_CODES.values()))
    from cred_helper.providers.acr.messages import MESSAGES

    assert [code for code in MESSAGES if code not in source] == []
