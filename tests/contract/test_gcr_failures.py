"""The errors of Google's provider: their class and their code.

The SDK is real, and the servers are on loopback. The provider is asked in this process, because an
error's class is not visible from outside.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from pathlib import Path

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
    get,
    identity_of,
    oauth_error,
    paths,
    program_source,
)

__all__ = ["authority", "cloud", "get", "proxy"]


@dataclass(frozen=True)
class Case:
    """An identity, what happens to one of its requests, the error, and what its text passes on."""

    kind: str
    path: str
    fault: Fault
    failure: type[ProviderError]
    code: str
    said: str = ""


ALLOWED = {"GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1"}
IAM = "iamcredentials.googleapis.com"
SHORT_LIVED = "Invalid JWT: Token must be a short-lived token (60 minutes)"


def permission_denied(reason: str) -> Reply:
    return GoogleCloud.refusal(403, "PERMISSION_DENIED", reason)


# The fault matrix has the faults of every server.
CASES = {
    "a revoked sign-in": Case(
        "user",
        TOKEN,
        oauth_error("invalid_grant", "Token has been expired or revoked."),
        Denied,
        "gcr.sign-in-refused",
        "invalid_grant: Token has been expired or revoked",
    ),
    "a sign-in that has to be repeated": Case(
        "user",
        TOKEN,
        oauth_error("invalid_grant", "reauth related error", "invalid_rapt"),
        Denied,
        "gcr.sign-in-required",
        "invalid_rapt",
    ),
    "a sign-in that a service account cannot do": Case(
        "key",
        TOKEN,
        oauth_error("invalid_grant", "reauth related error", "invalid_rapt"),
        Denied,
        "gcr.account-sign-in-required",
        "invalid_rapt",
    ),
    "a sign-in that a workload cannot do": Case(
        "federated",
        STS,
        oauth_error("invalid_rapt"),
        Denied,
        "gcr.account-sign-in-required",
        "invalid_rapt",
    ),
    "a federated sign-in that has ended": Case(
        "federated user",
        STS_REFRESH,
        oauth_error("invalid_grant", "Session expired"),
        Denied,
        "gcr.sign-in-refused",
        "invalid_grant: Session expired",
    ),
    "a clock that is wrong": Case(
        "key",
        TOKEN,
        oauth_error("invalid_grant", f"{SHORT_LIVED}."),
        Denied,
        "gcr.wrong-clock",
        f"invalid_grant: {SHORT_LIVED}",
    ),
    "a disabled account": Case(
        "key",
        TOKEN,
        oauth_error("invalid_grant", "Account disabled"),
        Denied,
        "gcr.key-refused",
        "invalid_grant: Account disabled",
    ),
    "a subject token of the wrong audience": Case(
        "federated",
        STS,
        oauth_error("invalid_grant", "The audience in ID Token does not match."),
        Denied,
        "gcr.audience-not-allowed",
        "invalid_grant: The audience in ID Token does not match",
    ),
    "a subject token that was not renewed": Case(
        "federated",
        STS,
        oauth_error("invalid_grant", "ID Token issued at 1749625771 is stale to sign-in."),
        Denied,
        "gcr.subject-token-stale",
        "invalid_grant: ID Token issued at 1749625771 is stale to sign-in",
    ),
    "a scope that is not allowed": Case(
        "federated",
        STS,
        oauth_error("invalid_scope", status=403),
        Denied,
        "gcr.scope-refused",
        "invalid_scope",
    ),
    "an error in another form": Case(
        "key", TOKEN, json_reply({"error": {"code": 400}}, 400), Denied, "gcr.key-refused", "400"
    ),
    "no right to impersonate": Case(
        "impersonating",
        IMPERSONATION,
        permission_denied("IAM_PERMISSION_DENIED"),
        Denied,
        "gcr.impersonation-refused",
        f"{TARGET}: {IAM} answers 403, PERMISSION_DENIED",
    ),
    "an API that is disabled": Case(
        "impersonating",
        IMPERSONATION,
        permission_denied("SERVICE_DISABLED"),
        Denied,
        "gcr.impersonation-api-disabled",
        f"{TARGET}: {IAM} answers 403, PERMISSION_DENIED",
    ),
    "a scope too narrow to impersonate": Case(
        "impersonating",
        IMPERSONATION,
        permission_denied("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        Denied,
        "gcr.impersonation-scope",
        f"{TARGET}: {IAM} answers 403, PERMISSION_DENIED",
    ),
    "no account to impersonate": Case(
        "impersonating",
        IMPERSONATION,
        GoogleCloud.refusal(404, "NOT_FOUND", "NOT_FOUND"),
        Denied,
        "gcr.impersonation-no-account",
        f"{TARGET}: {IAM} answers 404, NOT_FOUND",
    ),
    "impersonation without a token": Case(
        "impersonating",
        IMPERSONATION,
        json_reply({"expireTime": "2030-01-01T00:00:00Z"}),
        BadReply,
        "gcr.not-a-token",
        IAM,
    ),
    "a subject token that is not given": Case(
        "federated by url", SUBJECT, Reply(403), Denied, "gcr.subject-token-refused", "403"
    ),
    "a page in place of a subject token": Case(
        "federated by url", SUBJECT, faults.html(), BadReply, "gcr.not-a-subject-token", "127.0.0.1"
    ),
    "a token that is not text": Case(
        "key",
        TOKEN,
        json_reply({"access_token": {"a": "b"}, "expires_in": 10}),
        BadReply,
        "gcr.not-a-token",
    ),
    "a token of two lines": Case(
        "federated",
        STS,
        json_reply({"access_token": "a\nb", "expires_in": 10}),
        BadReply,
        "gcr.not-a-token",
    ),
    "no token": Case("federated user", STS_REFRESH, json_reply({}), BadReply, "gcr.not-a-token"),
    "a lifetime beyond any calendar": Case(
        "key",
        TOKEN,
        json_reply({"access_token": "a", "expires_in": 1e30}),
        BadReply,
        "gcr.not-a-token",
        "127.0.0.1",
    ),
    "a page in place of a refusal": Case(
        "federated", STS, faults.html(403), BadReply, "gcr.refused-without-reason", "403"
    ),
    "an IAM with too many requests": Case(
        "impersonating",
        IMPERSONATION,
        faults.unavailable(429),
        Unreachable,
        "network.throttled",
        IAM,
    ),
    "a gateway's error": Case(
        "key", TOKEN, faults.html(502), Unreachable, "network.server-error", "502"
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_failure_has_a_class_and_a_code_of_its_own(
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
    error = raised.value
    assert (type(error), error.code) == (case.failure, case.code)
    assert case.said in error.reason
    assert "\n" not in error.reason
    assert paths(cloud).count(case.path) == 1


def test_a_google_that_is_down_is_asked_again_only_while_there_is_time(
    cloud: GoogleCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.fail(TOKEN, faults.unavailable())
    with pytest.raises(Unreachable) as raised:
        ask(cloud.service_account_key(tmp_path), monkeypatch, deadline_s=3)
    assert raised.value.code == "network.server-error"
    assert paths(cloud) == [TOKEN] * 2


def test_a_google_that_comes_back_gives_a_token(
    cloud: GoogleCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.fail(TOKEN, faults.unavailable(), times=1)
    credential = ask(cloud.service_account_key(tmp_path), monkeypatch)
    assert cloud.issued(credential.username, credential.secret.expose(), EXAMPLE_HOST)


@pytest.mark.parametrize("kind", ["user", "federated user", "key", "federated"])
def test_a_secret_that_a_server_repeats_is_not_shown(
    cloud: GoogleCloud, get: Get, tmp_path: Path, kind: str
) -> None:
    def parrot(exchange: Exchange) -> None:
        sent = {**exchange.request.form, "password": (exchange.request.basic or ("", ""))[1]}
        said = " ".join(f"{name} {value} is wrong" for name, value in sent.items())
        reply = oauth_error("invalid_request", said)
        exchange.send(reply.head() + reply.body)

    cloud.fail("*token", parrot)
    done = get(identity_of(kind, cloud, tmp_path))
    assert "400" in done.stderr
    assert "invalid_request: " in done.stderr
    assert "…" in done.stderr


# --- Credential files that cannot be used ---------------------------------------------------------

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


BROKEN: dict[str, tuple[bytes | object, str, str]] = {
    "no JSON": (b'{\n "type":\n hunter2', "file.not-json", "line 3"),
    "base64": (base64.b64encode(b'{"type": "hunter2"}'), "gcr.encoded-file", ""),
    "an empty file": (b"", "file.not-json", "line 1"),
    "no text": (b'{"type": "\xff"}', "file.encoding", "line 1"),
    "a list": ([], "gcr.not-a-credential-file", ""),
    "no type": ({"a": "b"}, "gcr.not-a-credential-file", ""),
    "another type": ({"type": "hunter2"}, "gcr.not-a-credential-file", ""),
    "an OAuth client": ({"installed": {"client_secret": "hunter2"}}, "gcr.oauth-client-file", ""),
    "a distributed cloud": ({"type": "gdch_service_account"}, "gcr.distributed-cloud-file", ""),
    "a missing field": ({**USER, "refresh_token": ""}, "gcr.field-missing", "refresh_token"),
    "a missing field of the source": (
        {**IMPERSONATED, "source_credentials": {**KEY, "client_email": 1}},
        "gcr.field-missing",
        "client_email",
    ),
    "no private key": (KEY, "gcr.bad-private-key", ""),
    "no account to impersonate": (IMPERSONATED, "gcr.bad-impersonation", ""),
    "two sources": (federated(url="https://hunter2", file="/"), "gcr.bad-credential-source", ""),
    "no source": (federated(other="hunter2"), "gcr.bad-credential-source", ""),
    "a program that is not allowed": (
        federated(executable={"command": "hunter2"}),
        "gcr.programs-not-allowed",
        "",
    ),
}


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
def test_a_credential_file_that_cannot_be_used_is_named_and_not_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: tuple[bytes | object, str, str]
) -> None:
    content, expected, said = case
    path = tmp_path / "credential.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(Misconfigured) as raised:
        ask({"GOOGLE_APPLICATION_CREDENTIALS": str(path)}, monkeypatch)
    assert raised.value.code == expected
    assert str(path) in raised.value.reason
    assert said in raised.value.reason
    assert "hunter2" not in f"{raised.value.reason} {raised.value.hint}"


def test_a_missing_subject_token_file_is_named(
    cloud: GoogleCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = cloud.named(tmp_path, cloud.federated_info({"file": "/no/such/token"}))
    with pytest.raises(Misconfigured) as raised:
        ask(environment, monkeypatch)
    assert raised.value.code == "gcr.subject-file-missing"
    assert "/no/such/token" in raised.value.reason


# --- Programs that give a subject token -----------------------------------------------------------


def refused(**fields: object) -> str:
    return f"echo '{json.dumps({'version': 1, 'success': False, **fields})}'"


@pytest.mark.parametrize(
    ("script", "failure", "expected", "said"),
    [
        ("echo hunter2 | head -c 3; exit 3", BadReply, "gcr.program-failed", "3"),
        ("exit 3", BadReply, "gcr.program-failed-silently", "3"),
        ("echo 'give: jq: not found' >&2; exit 3", BadReply, "gcr.program-failed", "jq: not found"),
        (
            "echo 'log in with \"okta-login\" first: ya29.hunter2' >&2; exit 1",
            BadReply,
            "gcr.program-failed",
            'log in with "okta-login" first',
        ),
        ("echo '{\"version\": 1'", BadReply, "gcr.program-bad-answer", ""),
        ("echo hunter2", BadReply, "gcr.program-bad-answer", ""),
        ("true", BadReply, "gcr.program-bad-answer", ""),
        (
            refused(code="401", message="session ended: run okta-login"),
            Denied,
            "gcr.program-refused",
            "401: session ended: run okta-login",
        ),
        (
            f"{refused(code='401', message='session ended')}; exit 1",
            Denied,
            "gcr.program-refused",
            "401: session ended",
        ),
        (
            f"{refused(code='401', message='session ended')} >&2; exit 1",
            Denied,
            "gcr.program-refused",
            "401: session ended",
        ),
        (refused(), Denied, "gcr.program-bad-answer", ""),
        (
            """echo '{"version": 2, "success": true, "id_token": "hunter2"}'""",
            BadReply,
            "gcr.program-other-version",
            "2",
        ),
        (
            """echo '{"version": 1, "success": true, "token_type": "hunter2", "id_token": "a"}'""",
            BadReply,
            "gcr.program-bad-answer",
            "",
        ),
        (
            """echo '{"version": 1, "success": true, "id_token": "a", "expiration_time": 1}'""",
            Denied,
            "gcr.program-expired-token",
            "",
        ),
        ("cat /dev/zero", BadReply, "provider.program-output-too-long", ""),
        ("sleep 60", Unreachable, "provider.program-timeout", ""),
        (None, Misconfigured, "provider.program-not-started", "no such file or directory"),
    ],
)
def test_a_program_that_gives_no_subject_token_is_named_with_what_it_says(
    cloud: GoogleCloud,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str | None,
    failure: type[ProviderError],
    expected: str,
    said: str,
) -> None:
    source = program_source(cloud, tmp_path, script)
    if script is None:
        (tmp_path / "give-subject-token").unlink()
    environment = cloud.named(tmp_path, cloud.federated_info(source))
    with pytest.raises(ProviderError) as raised:
        ask({**environment, **ALLOWED}, monkeypatch, deadline_s=3)
    assert (type(raised.value), raised.value.code) == (failure, expected)
    assert str(tmp_path / "give-subject-token") in raised.value.reason
    assert said in raised.value.reason
    assert "hunter2" not in raised.value.reason
    assert paths(cloud) == []


@pytest.mark.parametrize("answer_to_stderr", [False, True])
def test_what_a_program_writes_to_stderr_does_not_spoil_its_answer(
    cloud: GoogleCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer_to_stderr: bool
) -> None:
    source = program_source(cloud, tmp_path)
    program = tmp_path / "give-subject-token"
    first = "exec >&2" if answer_to_stderr else "echo 'a newer version' >&2"
    program.write_text(program.read_text().replace("\n", f"\n{first}\n", 1))
    environment = cloud.named(tmp_path, cloud.federated_info(source))
    credential = ask({**environment, **ALLOWED}, monkeypatch)
    assert cloud.issued(credential.username, credential.secret.expose(), EXAMPLE_HOST)


def test_a_program_is_not_run_while_its_output_file_holds_a_valid_answer(
    cloud: GoogleCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = program_source(cloud, tmp_path)
    program = tmp_path / "give-subject-token"
    output = tmp_path / "output"
    program.write_text(
        f"{program.read_text()}echo x >>{tmp_path}/runs\n"
        f'[ "$GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE" = {output} ] || exit 1\n'
    )
    source["executable"]["output_file"] = str(output)
    environment = {**cloud.named(tmp_path, cloud.federated_info(source)), **ALLOWED}
    answer = json.loads(program.read_text().partition("echo '")[2].partition("'")[0])
    for expires_in_s, runs in ((600, 0), (-1, 1), (None, 2)):
        answer.pop("expiration_time", None)
        if expires_in_s is not None:
            answer["expiration_time"] = int(time.time()) + expires_in_s
        output.write_text(json.dumps(answer))
        ask(environment, monkeypatch)
        file = tmp_path / "runs"
        assert (file.read_text().count("x") if file.exists() else 0) == runs
