"""The errors of Google's provider: their class and their code.

The SDK is real, and the servers are on loopback. The provider is asked in this process, because an
error's class is not visible from outside.
"""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from cred_helper.errors import BadReply, Denied, Misconfigured, ProviderError, Unreachable
from tests.clouds import faults
from tests.clouds.fixtures import authority, proxy
from tests.clouds.google import EXAMPLE_HOST, TARGET, GoogleCloud
from tests.clouds.server import Fault, Reply, RoundTrip, json_reply
from tests.contract.gcr import (
    IMPERSONATION,
    STS,
    STS_REFRESH,
    SUBJECT,
    TOKEN,
    Google,
    cloud,
    oauth_error,
)

__all__ = ["authority", "cloud", "proxy"]


# The request of each identity to which something happens.
PATHS = {
    "user": TOKEN,
    "key": TOKEN,
    "federated": STS,
    "federated user": STS_REFRESH,
    "federated by url": SUBJECT,
    "impersonating": IMPERSONATION,
}


ALLOWED = {"GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1"}
IAM = "iamcredentials.googleapis.com"
SHORT_LIVED = "Invalid JWT: Token must be a short-lived token (60 minutes)."
WRONG_AUDIENCE = "The audience in ID Token does not match."
STALE = "ID Token issued at 1749625771 is stale to sign-in."
NO_PERMISSION = f"{TARGET}: {IAM} answers 403, PERMISSION_DENIED"
REAUTH = oauth_error("invalid_grant", "reauth related error", "invalid_rapt")


def permission_denied(reason: str) -> Reply:
    return GoogleCloud.refusal(403, "PERMISSION_DENIED", reason)


def token(value: object, expires_in: float = 10) -> Reply:
    return json_reply({"access_token": value, "expires_in": expires_in})


def no_grant(kind: str, code: str, said: str) -> tuple[Any, ...]:
    grant = oauth_error("invalid_grant", said)
    return kind, grant, Denied, f"gcr.{code}", f"invalid_grant: {said.rstrip('.')}"


# An identity, the reply to one of its requests, the error, and the part of the reply in its text.
# The fault matrix has the faults of every server.
@pytest.mark.parametrize(
    ("kind", "fault", "failure", "code", "said"),
    [
        no_grant("user", "sign-in-refused", "Token has been expired or revoked."),
        ("user", REAUTH, Denied, "gcr.sign-in-required", "invalid_rapt"),
        ("key", REAUTH, Denied, "gcr.account-sign-in-required", "invalid_rapt"),
        (
            *("federated", oauth_error("invalid_rapt"), Denied),
            *("gcr.account-sign-in-required", "invalid_rapt"),
        ),
        no_grant("federated user", "sign-in-refused", "Session expired"),
        no_grant("key", "wrong-clock", SHORT_LIVED),
        no_grant("key", "key-refused", "Account disabled"),
        no_grant("federated", "audience-not-allowed", WRONG_AUDIENCE),
        no_grant("federated", "subject-token-stale", STALE),
        (
            *("federated", oauth_error("invalid_scope", status=403), Denied),
            *("gcr.scope-refused", "invalid_scope"),
        ),
        ("key", json_reply({"error": {"code": 400}}, 400), Denied, "gcr.key-refused", "400"),
        *(
            ("impersonating", permission_denied(reason), Denied, f"gcr.{code}", NO_PERMISSION)
            for reason, code in (
                ("IAM_PERMISSION_DENIED", "impersonation-refused"),
                ("SERVICE_DISABLED", "impersonation-api-disabled"),
                ("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "impersonation-scope"),
            )
        ),
        (
            *("impersonating", GoogleCloud.refusal(404, "NOT_FOUND", "NOT_FOUND"), Denied),
            *("gcr.impersonation-no-account", f"{TARGET}: {IAM} answers 404, NOT_FOUND"),
        ),
        (
            *("impersonating", json_reply({"expireTime": "2030-01-01T00:00:00Z"}), BadReply),
            *("gcr.not-a-token", IAM),
        ),
        ("federated by url", Reply(403), Denied, "gcr.subject-token-refused", "403"),
        ("federated by url", faults.html(), BadReply, "gcr.not-a-subject-token", "127.0.0.1"),
        ("key", token({"a": "b"}), BadReply, "gcr.not-a-token", ""),
        ("federated", token("a\nb"), BadReply, "gcr.not-a-token", ""),
        ("federated user", json_reply({}), BadReply, "gcr.not-a-token", ""),
        # Beyond any calendar.
        ("key", token("a", 1e30), BadReply, "gcr.not-a-token", "127.0.0.1"),
        ("federated", faults.html(403), BadReply, "gcr.refused-without-reason", "403"),
        ("impersonating", faults.unavailable(429), Unreachable, "network.throttled", IAM),
        ("key", faults.html(502), Unreachable, "network.server-error", "502"),
    ],
)
def test_each_failure_has_a_class_and_a_code_of_its_own(
    cloud: Google, kind: str, fault: Fault, failure: type[ProviderError], code: str, said: str
) -> None:
    cloud.fail(PATHS[kind], fault)
    environment = cloud.identity_of(kind)
    with pytest.raises(ProviderError) as raised:
        cloud.ask(environment)
    error = raised.value
    assert (type(error), error.code) == (failure, code)
    assert said in error.reason
    assert "\n" not in error.reason
    assert cloud.paths.count(PATHS[kind]) == 1


def test_a_google_that_is_down_is_asked_again_only_while_there_is_time(cloud: Google) -> None:
    cloud.fail(TOKEN, faults.unavailable(), times=1)
    credential = cloud.ask(cloud.service_account_key(cloud.folder))
    assert cloud.issued(credential.username, credential.secret.expose(), EXAMPLE_HOST)
    assert cloud.paths == [TOKEN] * 2
    cloud.fail(TOKEN, faults.unavailable())
    with pytest.raises(Unreachable, match=r"^network\.server-error$"):
        cloud.ask(cloud.service_account_key(cloud.folder), deadline_s=3)
    assert cloud.paths == [TOKEN] * 4


@pytest.mark.parametrize("kind", ["user", "federated user", "key", "federated"])
def test_a_secret_that_a_server_repeats_is_not_shown(cloud: Google, kind: str) -> None:
    def parrot(trip: RoundTrip) -> None:
        sent = {**trip.request.form, "password": (trip.request.basic or ("", ""))[1]}
        said = " ".join(f"{name} {value} is wrong" for name, value in sent.items())
        reply = oauth_error("invalid_request", said)
        trip.send(reply.head() + reply.body)

    cloud.fail("*token", parrot)
    done = cloud.get(cloud.identity_of(kind))
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


@pytest.mark.parametrize(
    ("content", "expected", "said"),
    [
        (b'{\n "type":\n hunter2', "file.not-json", "line 3"),
        (base64.b64encode(b'{"type": "hunter2"}'), "gcr.encoded-file", ""),
        (b"", "file.not-json", "line 1"),
        (b'{"type": "\xff"}', "file.encoding", "line 1"),
        ([], "gcr.not-a-credential-file", ""),
        ({"a": "b"}, "gcr.not-a-credential-file", ""),
        ({"type": "hunter2"}, "gcr.not-a-credential-file", ""),
        ({"installed": {"client_secret": "hunter2"}}, "gcr.oauth-client-file", ""),
        ({"type": "gdch_service_account"}, "gcr.distributed-cloud-file", ""),
        ({**USER, "refresh_token": ""}, "gcr.field-missing", "refresh_token"),
        (
            {**IMPERSONATED, "source_credentials": {**KEY, "client_email": 1}},
            *("gcr.field-missing", "client_email"),
        ),
        (KEY, "gcr.bad-private-key", ""),
        (IMPERSONATED, "gcr.bad-impersonation", ""),
        (federated(url="https://hunter2", file="/"), "gcr.bad-credential-source", ""),
        (federated(other="hunter2"), "gcr.bad-credential-source", ""),
        (federated(executable={"command": "hunter2"}), "gcr.programs-not-allowed", ""),
        (federated(file="/no/such/token"), "gcr.subject-file-missing", "/no/such/token"),
    ],
)
def test_a_credential_file_that_cannot_be_used_is_named_and_not_quoted(
    cloud: Google, content: Any, expected: str, said: str
) -> None:
    path = cloud.folder / "credential.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(Misconfigured) as raised:
        cloud.ask({"GOOGLE_APPLICATION_CREDENTIALS": str(path)})
    assert raised.value.code == expected
    assert str(path) in raised.value.reason or said.startswith("/")
    assert said in raised.value.reason
    assert "hunter2" not in f"{raised.value.reason} {raised.value.hint}"


# --- Programs that give a subject token -----------------------------------------------------------


def refused(**fields: object) -> str:
    return answer(success=False, **fields)


def answer(**fields: object) -> str:
    return f"echo '{json.dumps({'version': 1, 'success': True, **fields})}'"


ENDED = refused(code="401", message="session ended: run okta-login")


@pytest.mark.parametrize(
    ("script", "failure", "expected", "said"),
    [
        ("echo hunter2 | head -c 3; exit 3", BadReply, "gcr.program-failed", "3"),
        ("exit 3", BadReply, "gcr.program-failed-silently", "3"),
        ("echo 'give: jq: not found' >&2; exit 3", BadReply, "gcr.program-failed", "jq: not found"),
        (
            "echo 'log in with \"okta-login\" first: ya29.hunter2' >&2; exit 1",
            *(BadReply, "gcr.program-failed", 'log in with "okta-login" first'),
        ),
        ("echo '{\"version\": 1'", BadReply, "gcr.program-bad-answer", ""),
        ("echo hunter2", BadReply, "gcr.program-bad-answer", ""),
        ("true", BadReply, "gcr.program-bad-answer", ""),
        (ENDED, Denied, "gcr.program-refused", "401: session ended: run okta-login"),
        (f"{ENDED}; exit 1", Denied, "gcr.program-refused", "401: session ended"),
        (f"{ENDED} >&2; exit 1", Denied, "gcr.program-refused", "401: session ended"),
        (refused(), Denied, "gcr.program-bad-answer", ""),
        (answer(version=2, id_token="hunter2"), BadReply, "gcr.program-other-version", "2"),
        (answer(token_type="hunter2", id_token="a"), *(BadReply, "gcr.program-bad-answer", "")),
        (answer(id_token="a", expiration_time=1), Denied, "gcr.program-expired-token", ""),
        ("cat /dev/zero", BadReply, "provider.program-output-too-long", ""),
        ("sleep 60", Unreachable, "provider.program-timeout", ""),
        (None, Misconfigured, "provider.program-not-started", "no such file or directory"),
    ],
)
def test_a_program_that_gives_no_subject_token_is_named_with_what_it_says(
    cloud: Google, script: str | None, failure: type[ProviderError], expected: str, said: str
) -> None:
    source = cloud.program_source(script)
    if script is None:
        (cloud.folder / "give-subject-token").unlink()
    environment = cloud.named(cloud.folder, cloud.federated_info(source))
    with pytest.raises(ProviderError) as raised:
        cloud.ask({**environment, **ALLOWED}, deadline_s=3)
    assert (type(raised.value), raised.value.code) == (failure, expected)
    assert str(cloud.folder / "give-subject-token") in raised.value.reason
    assert said in raised.value.reason
    assert "hunter2" not in raised.value.reason
    assert cloud.paths == []


@pytest.mark.parametrize("answer_to_stderr", [False, True])
def test_standard_error_does_not_spoil_an_answer(cloud: Google, answer_to_stderr: bool) -> None:
    source = cloud.program_source()
    program = cloud.folder / "give-subject-token"
    first = "exec >&2" if answer_to_stderr else "echo 'a newer version' >&2"
    program.write_text(program.read_text().replace("\n", f"\n{first}\n", 1))
    environment = cloud.named(cloud.folder, cloud.federated_info(source))
    credential = cloud.ask({**environment, **ALLOWED})
    assert cloud.issued(credential.username, credential.secret.expose(), EXAMPLE_HOST)


def test_a_program_is_not_run_while_its_output_file_holds_a_valid_answer(cloud: Google) -> None:
    source = cloud.program_source()
    program = cloud.folder / "give-subject-token"
    output = cloud.folder / "output"
    program.write_text(
        f"{program.read_text()}echo x >>{cloud.folder}/runs\n"
        f'[ "$GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE" = {output} ] || exit 1\n'
    )
    source["executable"]["output_file"] = str(output)
    environment = {**cloud.named(cloud.folder, cloud.federated_info(source)), **ALLOWED}
    answer = json.loads(program.read_text().partition("echo '")[2].partition("'")[0])
    for expires_in_s, runs in ((600, 0), (-1, 1), (None, 2)):
        answer.pop("expiration_time", None)
        if expires_in_s is not None:
            answer["expiration_time"] = int(time.time()) + expires_in_s
        output.write_text(json.dumps(answer))
        cloud.ask(environment)
        file = cloud.folder / "runs"
        assert (file.read_text().count("x") if file.exists() else 0) == runs
