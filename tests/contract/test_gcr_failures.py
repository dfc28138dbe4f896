"""What Google's provider tells when there is no token: by its class, in one line, with what to try.

The SDK and the servers are real. The provider is asked in this process, since an error's class does
not reach the outside.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cred_helper.errors import BadReply, Denied, Misconfigured, ProviderError, Unreachable
from tests.clouds import faults
from tests.clouds.fixtures import authority, proxy
from tests.clouds.google import EXAMPLE_HOST, TARGET, GoogleCloud
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.server import Exchange, Fault, Reply, json_reply
from tests.contract.gcr import (
    IMPERSONATION,
    STS,
    STS_REFRESH,
    SUBJECT,
    TOKEN,
    Get,
    ask,
    cloud,
    error_and_hint,
    get,
    identity_of,
    oauth_error,
    paths,
    program_source,
)

__all__ = ["authority", "cloud", "get", "proxy"]


@dataclass(frozen=True)
class Case:
    """An identity, what happens to a request of its, and what is told."""

    kind: str
    path: str
    fault: Fault
    failure: type[ProviderError]
    reason: str
    hint: str | None = None


ADC_LOGIN = "run gcloud auth application-default login"
SEE_ACCOUNT = "see in IAM whether the service account is there, enabled, and has this key"
IAM = "iamcredentials.googleapis.com"
MAY_NOT = f"the identity may not impersonate {TARGET}: {IAM} answers"
NO_TOKEN = "127.0.0.1 answers with something that is not a token"
SHORT_LIVED = "Invalid JWT: Token must be a short-lived token (60 minutes)"


def permission_denied(reason: str) -> Reply:
    return GoogleCloud.refusal(403, "PERMISSION_DENIED", reason)


CASES = {
    "a revoked sign-in": Case(
        "user",
        TOKEN,
        oauth_error("invalid_grant", "Token has been expired or revoked."),
        Denied,
        "oauth2.googleapis.com answers 400, invalid_grant: Token has been expired or revoked",
        ADC_LOGIN,
    ),
    "a sign-in that has to be renewed": Case(
        "user",
        TOKEN,
        oauth_error("invalid_grant", "reauth related error", "invalid_rapt"),
        Denied,
        "the user has to sign in anew (invalid_rapt)",
        ADC_LOGIN,
    ),
    "a federated sign-in that ended": Case(
        "federated user",
        STS_REFRESH,
        oauth_error("invalid_grant", "Session expired"),
        Denied,
        "127.0.0.1 answers 400, invalid_grant: Session expired",
        ADC_LOGIN,
    ),
    "a clock that is wrong": Case(
        "key",
        TOKEN,
        oauth_error("invalid_grant", f"{SHORT_LIVED}."),
        Denied,
        f"127.0.0.1 answers 400, invalid_grant: {SHORT_LIVED}",
        "set this machine's clock",
    ),
    "a disabled account": Case(
        "key",
        TOKEN,
        oauth_error("invalid_grant", "Account disabled"),
        Denied,
        "127.0.0.1 answers 400, invalid_grant: Account disabled",
        SEE_ACCOUNT,
    ),
    "a subject token of the wrong audience": Case(
        "federated",
        STS,
        oauth_error("invalid_grant", "The audience in ID Token does not match."),
        Denied,
        "127.0.0.1 answers 400, invalid_grant: The audience in ID Token does not match",
        "see the pool's provider: its issuer, audiences and attribute condition",
    ),
    "a scope that is not allowed": Case(
        "federated",
        STS,
        oauth_error("invalid_scope", status=403),
        Denied,
        "127.0.0.1 answers 403, invalid_scope",
        "see the scopes that the pool's provider allows",
    ),
    "an error that is none": Case(
        "key",
        TOKEN,
        json_reply({"error": {"code": 400}}, 400),
        Denied,
        "127.0.0.1 answers 400, no reason",
        SEE_ACCOUNT,
    ),
    "no right to impersonate": Case(
        "impersonating",
        IMPERSONATION,
        permission_denied("IAM_PERMISSION_DENIED"),
        Denied,
        f"{MAY_NOT} 403, PERMISSION_DENIED",
        f"grant it roles/iam.serviceAccountTokenCreator on {TARGET}",
    ),
    "an API that is off": Case(
        "impersonating",
        IMPERSONATION,
        permission_denied("SERVICE_DISABLED"),
        Denied,
        f"{MAY_NOT} 403, PERMISSION_DENIED",
        "run gcloud services enable iamcredentials.googleapis.com",
    ),
    "a scope too narrow to impersonate": Case(
        "impersonating",
        IMPERSONATION,
        permission_denied("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        Denied,
        f"{MAY_NOT} 403, PERMISSION_DENIED",
        "give the identity that impersonates the scope cloud-platform",
    ),
    "nobody to impersonate": Case(
        "impersonating",
        IMPERSONATION,
        GoogleCloud.refusal(404, "NOT_FOUND", "NOT_FOUND"),
        Denied,
        f"{MAY_NOT} 404, NOT_FOUND",
        f"see in IAM whether {TARGET} is there",
    ),
    "impersonation without a token": Case(
        "impersonating",
        IMPERSONATION,
        json_reply({"expireTime": "2030-01-01T00:00:00Z"}),
        BadReply,
        f"{IAM} answers with something that is not a token",
    ),
    "a subject token that is not given": Case(
        "federated by url",
        SUBJECT,
        Reply(403),
        Denied,
        "127.0.0.1 answers 403 when asked for a subject token",
    ),
    "a subject token that is none": Case(
        "federated by url",
        SUBJECT,
        faults.html(),
        BadReply,
        "127.0.0.1 answers with something that is not a subject token",
    ),
    "a token that is no text": Case(
        "key",
        TOKEN,
        json_reply({"access_token": {"a": "b"}, "expires_in": 10}),
        BadReply,
        "Google answers with something that is not a token",
    ),
    "a token of two lines": Case(
        "federated",
        STS,
        json_reply({"access_token": "a\nb", "expires_in": 10}),
        BadReply,
        "Google answers with something that is not a token",
    ),
    "no token": Case(
        "federated user",
        STS_REFRESH,
        json_reply({}),
        BadReply,
        "Google answers with something that is not a token",
    ),
    "a lifetime beyond any calendar": Case(
        "key", TOKEN, json_reply({"access_token": "a", "expires_in": 1e30}), BadReply, NO_TOKEN
    ),
    "a page in place of a token": Case("key", TOKEN, faults.html(), BadReply, NO_TOKEN),
    "json of another kind": Case("key", TOKEN, faults.wrong_json(), BadReply, NO_TOKEN),
    "a page in place of a refusal": Case(
        "federated", STS, faults.html(403), BadReply, "127.0.0.1 answers 403 without a reason"
    ),
    "a reply that breaks off": Case(
        "key", TOKEN, faults.cut_body, BadReply, "the answer of 127.0.0.1 breaks off"
    ),
    "a reply without end": Case(
        "key", TOKEN, faults.huge_body(), BadReply, "127.0.0.1 answers with more than 1024 KiB"
    ),
    "an STS that is down": Case(
        "federated", STS, faults.unavailable(), Unreachable, "127.0.0.1 answers 503"
    ),
    "an IAM that has had enough": Case(
        "impersonating", IMPERSONATION, faults.unavailable(429), Unreachable, f"{IAM} answers 429"
    ),
    "a gateway's excuse": Case(
        "key", TOKEN, faults.html(502), Unreachable, "127.0.0.1 answers 502"
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_went_wrong_is_told_in_one_line_and_what_to_try_in_another(
    cloud: GoogleCloud,
    proxy: TerminatingProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: Case,
) -> None:
    cloud.fail(case.path, case.fault)
    environment = {**proxy.environment(), **identity_of(case.kind, cloud, tmp_path)}
    with pytest.raises(ProviderError) as raised:
        ask(environment, monkeypatch)
    told = raised.value
    assert (type(told), told.reason, told.hint) == (case.failure, case.reason, case.hint)
    assert paths(cloud).count(case.path) == 1


def test_a_google_that_is_down_is_asked_again_only_while_there_is_time(
    cloud: GoogleCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.fail(TOKEN, faults.unavailable())
    with pytest.raises(Unreachable, match=r"^127\.0\.0\.1 answers 503$"):
        ask(cloud.service_account_key(tmp_path), monkeypatch, deadline_s=3)
    assert paths(cloud) == [TOKEN] * 2


def test_a_google_that_comes_back_gives_a_token(
    cloud: GoogleCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.fail(TOKEN, faults.unavailable(), times=1)
    credential = ask(cloud.service_account_key(tmp_path), monkeypatch)
    assert cloud.issued(credential.username, credential.secret.expose(), EXAMPLE_HOST)


@pytest.mark.parametrize("kind", ["user", "federated user", "key", "federated"])
def test_what_the_other_side_repeats_of_a_secret_is_not_told(
    cloud: GoogleCloud, get: Get, tmp_path: Path, kind: str
) -> None:
    def parrot(exchange: Exchange) -> None:
        sent = {**exchange.request.form, "password": (exchange.request.basic or ("", ""))[1]}
        said = " ".join(f"{name} {value} is wrong" for name, value in sent.items())
        reply = oauth_error("invalid_request", said)
        exchange.send(reply.head() + reply.body)

    cloud.fail("*token", parrot)
    reason, _ = error_and_hint(get(identity_of(kind, cloud, tmp_path)))
    assert "answers 400, invalid_request: " in reason
    assert "…" in reason


# --- Files that cannot be meant -------------------------------------------------------------------

NO_CREDENTIAL_FILE = " is no Google credential file"
KNOWN_TYPES = (
    "its type has to be one of authorized_user, external_account, "
    "external_account_authorized_user, impersonated_service_account, service_account"
)
USER = {
    "type": "authorized_user",
    "client_id": "a",
    "client_secret": "hunter2",
    "refresh_token": "hunter2",
}
KEY = {
    "type": "service_account",
    "client_email": "a@b",
    "private_key": "hunter2",
    "token_uri": "https://oauth2.googleapis.com/token",
}
IMPERSONATED = {
    "type": "impersonated_service_account",
    "service_account_impersonation_url": "https://hunter2",
    "source_credentials": USER,
}


def federated(**source: object) -> dict[str, object]:
    return {
        "type": "external_account",
        "audience": "a",
        "subject_token_type": "b",
        "token_url": "https://c",
        "credential_source": source,
    }


@dataclass(frozen=True)
class Broken:
    """A file, what is told after its path, and the hint."""

    content: bytes | object
    reason: str
    hint: str | None = None


BROKEN = {
    "no json": Broken(b'{\n "type":\n hunter2', ", line 3: it is not JSON (expecting value)"),
    "nothing": Broken(b"", ", line 1: it is not JSON (expecting value)"),
    "no text": Broken(b'{"type": "\xff"}', ", line 1: it is not UTF-8"),
    "a list": Broken([], NO_CREDENTIAL_FILE, KNOWN_TYPES),
    "no type": Broken({"a": "b"}, NO_CREDENTIAL_FILE, KNOWN_TYPES),
    "another type": Broken({"type": "hunter2"}, NO_CREDENTIAL_FILE, KNOWN_TYPES),
    "an OAuth client": Broken(
        {"installed": {"client_secret": "hunter2"}},
        NO_CREDENTIAL_FILE,
        f"it is the secret of an OAuth client, not of an identity; {ADC_LOGIN}",
    ),
    "a distributed cloud": Broken(
        {"type": "gdch_service_account"},
        " is of type gdch_service_account, whose tokens open nothing outside "
        "Google Distributed Cloud",
    ),
    "a field less": Broken(
        {**USER, "refresh_token": ""}, " is of type authorized_user and has no refresh_token"
    ),
    "a field less in the source": Broken(
        {**IMPERSONATED, "source_credentials": {**KEY, "client_email": 1}},
        " is of type service_account and has no client_email",
    ),
    "no key": Broken(
        KEY, " is not usable as service_account: its private_key is not an RSA key in PEM"
    ),
    "no target": Broken(
        IMPERSONATED,
        " is not usable as impersonated_service_account: "
        "what it impersonates, or by what, is not plain",
    ),
    "two sources": Broken(
        federated(url="https://hunter2", file="/"),
        " is not usable as external_account: its credential_source is incomplete or ambiguous",
    ),
    "a program that may not be run": Broken(
        federated(executable={"command": "hunter2"}),
        " names a program, and programs may not be run",
        "if you trust that file, set GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES to 1",
    ),
}


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
def test_a_file_that_cannot_be_meant_is_named_and_not_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Broken
) -> None:
    path = tmp_path / "credential.json"
    content = case.content if isinstance(case.content, bytes) else json.dumps(case.content).encode()
    path.write_bytes(content)
    with pytest.raises(Misconfigured) as raised:
        ask({"GOOGLE_APPLICATION_CREDENTIALS": str(path)}, monkeypatch)
    assert (raised.value.reason, raised.value.hint) == (f"{path}{case.reason}", case.hint)


def test_a_subject_token_file_that_is_not_there_is_named(
    cloud: GoogleCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = cloud.named(tmp_path, cloud.federated_info({"file": "/no/such/token"}))
    with pytest.raises(Misconfigured, match=r"^the subject token file /no/such/token, named in "):
        ask(environment, monkeypatch)


@pytest.mark.parametrize(
    ("script", "failure", "reason"),
    [
        ("echo hunter2; exit 3", BadReply, "what should give a subject token does not"),
        ("echo '{\"version\": 1'", BadReply, "what should give a subject token does not"),
        (None, Misconfigured, "no subject token can be had: no such file or directory"),
    ],
)
def test_a_program_that_gives_no_subject_token_is_told(
    cloud: GoogleCloud,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str | None,
    failure: type[ProviderError],
    reason: str,
) -> None:
    source = program_source(cloud, tmp_path, script)
    if script is None:
        (tmp_path / "give-subject-token").unlink()
    environment: Mapping[str, Any] = cloud.named(tmp_path, cloud.federated_info(source))
    with pytest.raises(failure) as raised:
        ask({**environment, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1"}, monkeypatch)
    assert raised.value.reason.startswith(reason)
    assert "hunter2" not in raised.value.reason
    assert paths(cloud) == []
