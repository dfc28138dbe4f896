"""Google's provider, by the executable, with the real google-auth and a loopback Google.

Every identity gets a token that the cloud issued for registries, after exactly the requests that it
needs. Errors are in test_gcr_failures.py.
"""

from __future__ import annotations

import json
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cred_helper.errors import Misconfigured
from cred_helper.providers.gcr import GcrProvider
from tests.clouds import faults
from tests.clouds.authority import Authority
from tests.clouds.fixtures import authority, proxy
from tests.clouds.google import (
    CLOUD_SCOPE,
    EXAMPLE_HOST,
    NODE,
    PULL_SCOPE,
    PUSHER,
    REGISTRY_SCOPE,
    TARGET,
    USER,
)
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.server import Fault, LoopbackServer, Reply, json_reply
from tests.contract.gcr import IMPERSONATION, STS, TOKEN, Google, cloud, code, oauth_error
from tests.support.executable import CLOSED_PORT, NOT_FOUND, Executable
from tests.support.requests import token_request

__all__ = ["authority", "cloud", "proxy"]

FROZEN = bool(os.environ.get("DOCKER_CREDENTIAL_MULTI_UNDER_TEST"))

UNIVERSE = "/computeMetadata/v1/universe/universe-domain"
ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default/"
MACHINE_TOKEN = f"{ACCOUNT}token"
EMAIL = f"{ACCOUNT}email"


# --- Identities -----------------------------------------------------------------------------------


def test_a_machine_that_only_a_probe_detects_is_asked_where_it_answered(cloud: Google) -> None:
    machine = cloud.machine()
    del machine["GCE_METADATA_HOST"]
    assert cloud.owner(cloud.get({**machine, "K_SERVICE": "build"})) == NODE
    assert cloud.paths == ["/", UNIVERSE, ACCOUNT, MACHINE_TOKEN]


def test_a_partner_clouds_service_account_signs_its_token_itself(cloud: Google) -> None:
    partner = cloud.service_account_key(cloud.folder, universe_domain="s3nsapis.fr")
    username, secret = cloud.get(partner, "docker.s3nsregistry.fr").credential
    claims = cloud.verified(secret)
    assert username == "oauth2accesstoken"
    assert (claims["iss"], claims["sub"], claims["scope"]) == (PUSHER, PUSHER, REGISTRY_SCOPE)
    assert cloud.paths == []


# --- The traps of google.auth.default() -----------------------------------------------------------


def test_a_well_known_file_without_a_project_runs_no_gcloud(cloud: Google) -> None:
    gcloud = cloud.gcloud(cloud.folder, f"touch {cloud.folder}/gcloud-was-run\n")
    folder = Path(gcloud["CLOUDSDK_CONFIG"])
    info = cloud.user_info()
    (folder / "application_default_credentials.json").write_text(json.dumps(info))
    assert cloud.owner(cloud.get(gcloud)) == USER
    assert not (cloud.folder / "gcloud-was-run").exists()


@pytest.mark.parametrize("kind", ["key", "federated", "federated user"])
def test_a_token_has_an_aware_expiry_and_a_short_one_without_expires_in(
    cloud: Google, kind: str
) -> None:
    if kind != "key":
        cloud.lifetime_s = None
    credential = cloud.ask(cloud.identity_of(kind))
    assert cloud.issued(credential.username, credential.secret.expose(), EXAMPLE_HOST)
    assert credential.expires_at is not None
    most_s = 3600 if kind == "key" else 300
    left = credential.expires_at - datetime.now(UTC)
    assert timedelta(seconds=most_s - 100) < left <= timedelta(seconds=most_s)


@pytest.mark.parametrize("listener", ["closed port", "silence", "another service"])
def test_without_a_metadata_service_not_found_is_answered_soon(
    cloud: Google, listener: str
) -> None:
    with LoopbackServer() as server:
        server.on("GET", "/", lambda request: Reply(404, {"Server": "EC2ws"}))
        if listener == "silence":
            server.fail("/", faults.never_answer)
        address = CLOSED_PORT if listener == "closed port" else server.url
        started_s = time.monotonic()
        done = cloud.get(
            {"NO_GCE_CHECK": "false", "GCE_METADATA_IP": address.removeprefix("http://")}
        )
        assert time.monotonic() - started_s < 3  # the SDK alone needs 3.3 s
    assert (done.status, done.stdout, done.stderr) == (1, NOT_FOUND, "")


@pytest.mark.skipif(FROZEN, reason="the frozen file ignores Python's variables")
@pytest.mark.parametrize("probed", [False, True])
def test_without_an_identity_no_sdk_is_loaded(cloud: Google, probed: bool) -> None:
    doubt = {"NO_GCE_CHECK": "false", "GCE_METADATA_IP": CLOSED_PORT.removeprefix("http://")}
    done = cloud.get({"PYTHONPROFILEIMPORTTIME": "1", **(doubt if probed else {})})
    assert done.stdout == NOT_FOUND
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "cred_helper.providers.gcr" in loaded
    heavy = ("google", "requests", "urllib3", "cryptography", "json", "subprocess")
    assert not [name for name in loaded if name.partition(".")[0] in heavy]
    assert "cred_helper.providers.gcr.transport" not in loaded


def test_the_metadata_service_is_asked_by_no_proxy(cloud: Google, proxy: TerminatingProxy) -> None:
    assert cloud.owner(cloud.get({**cloud.machine(), "NO_PROXY": "", "no_proxy": ""})) == NODE
    assert proxy.refused == []


# --- One identity is used, and no other -----------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"), [("gone.json", "gcr.file-missing"), ("", "gcr.file-unreadable")]
)
def test_after_a_bad_file_the_machine_is_never_asked(
    cloud: Google, name: str, expected: str
) -> None:
    path = cloud.folder / name
    done = cloud.get({**cloud.machine(), "GOOGLE_APPLICATION_CREDENTIALS": str(path)})
    assert code(done) == expected
    assert f"{path}, named by GOOGLE_APPLICATION_CREDENTIALS, " in done.stderr
    assert cloud.paths == []
    cloud.fail(TOKEN, oauth_error("invalid_grant", "Invalid JWT Signature."))
    done = cloud.get({**cloud.machine(), **cloud.service_account_key(cloud.folder)})
    assert code(done) == "gcr.key-refused"
    assert "invalid_grant: Invalid JWT Signature" in done.stderr
    assert cloud.paths == [TOKEN]


def test_a_credential_file_may_be_a_pipe_that_can_be_read_once(cloud: Google) -> None:
    pipe = cloud.folder / "pipe"
    os.mkfifo(pipe)
    content = json.dumps(cloud.service_account_info())
    writer = threading.Thread(target=pipe.write_text, args=(content,), daemon=True)
    writer.start()
    assert cloud.owner(cloud.get({"GOOGLE_APPLICATION_CREDENTIALS": str(pipe)})) == PUSHER
    writer.join()


@pytest.mark.parametrize(
    "variable", ["GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"]
)
def test_a_pipe_without_a_writer_delays_a_get_no_longer_than_its_deadline(
    cloud: Google, executable: Executable, variable: str
) -> None:
    os.mkfifo(cloud.folder / "pipe")
    environment = cloud.gcloud(cloud.folder)
    environment[variable] = str(cloud.folder / "pipe")
    began = time.monotonic()
    done = cloud.get(environment, deadline_s=2)
    assert code(done) == "provider.no-answer"
    assert time.monotonic() - began < 20
    done = executable.run("explain", EXAMPLE_HOST, environment=environment)
    assert done.status == 0
    assert str(cloud.folder / "pipe") in done.stdout.decode()


@pytest.mark.parametrize("form", ["variable", "file", "pipe"])
def test_an_access_token_for_gcloud_is_used_without_gcloud(cloud: Google, form: str) -> None:
    environment = cloud.gcloud(cloud.folder, f"touch {cloud.folder}/gcloud-was-run\n")
    token = cloud.issue(USER, REGISTRY_SCOPE)
    path = cloud.folder / "token"
    writer = threading.Thread(target=path.write_text, args=(f"{token}\n",), daemon=True)
    if form == "variable":
        environment["CLOUDSDK_AUTH_ACCESS_TOKEN"] = token
    else:
        environment["CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"] = str(path)
        if form == "pipe":
            os.mkfifo(path)
        writer.start()
        if form == "file":
            writer.join()
    assert cloud.owner(cloud.get(environment)) == USER
    assert not (cloud.folder / "gcloud-was-run").exists()


@pytest.mark.parametrize("impersonate", ["", TARGET])
def test_a_token_to_pull_with_asks_for_no_scope_to_push(cloud: Google, impersonate: str) -> None:
    found = cloud.service_account_key(cloud.folder)
    if impersonate:
        found["DOCKER_CREDENTIAL_MULTI_GCR_IMPERSONATE"] = impersonate
    pull_only = {**found, "DOCKER_CREDENTIAL_MULTI_GCR_PULL_ONLY": "true"}
    for environment, scope in ((pull_only, PULL_SCOPE), (found, REGISTRY_SCOPE)):
        for _ in range(2):  # the second answer is from the cache
            _, secret = cloud.get(environment).credential
            assert cloud.scopes(secret) == {scope}
    _, secret = cloud.get(found, "mirror.gcr.io").credential
    assert cloud.scopes(secret) == {PULL_SCOPE}


def test_gcloud_is_run_where_it_impersonates_with_the_token_of_the_user(cloud: Google) -> None:
    environment = cloud.gcloud(cloud.folder, f"echo {cloud.issue(TARGET, REGISTRY_SCOPE)}\n")
    environment["CLOUDSDK_AUTH_ACCESS_TOKEN"] = cloud.issue(USER, REGISTRY_SCOPE)
    environment["CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT"] = TARGET
    assert cloud.owner(cloud.get(environment)) == TARGET


@pytest.mark.parametrize("host", [EXAMPLE_HOST, "docker.s3nsregistry.fr"])
def test_a_credential_of_another_universe_causes_no_request(cloud: Google, host: str) -> None:
    universe = "s3nsapis.fr" if host == EXAMPLE_HOST else "googleapis.com"
    done = cloud.get(cloud.service_account_key(cloud.folder, universe_domain=universe), host)
    assert done.codes == ["gcr.wrong-universe"]
    assert universe in done.stderr
    assert cloud.paths == []


def test_a_machine_and_a_gcloud_of_another_universe_are_asked_for_no_token(cloud: Google) -> None:
    cloud.universe_domain = "s3nsapis.fr"
    done = cloud.get(cloud.machine())
    assert code(done) == "gcr.wrong-universe"
    assert "s3nsapis.fr" in done.stderr
    assert "googleapis.com" in done.stderr
    assert cloud.paths == [EMAIL, UNIVERSE]
    gcloud = cloud.gcloud(cloud.folder, f"touch {cloud.folder}/gcloud-was-run\n")
    done = cloud.get({**gcloud, "CLOUDSDK_CORE_UNIVERSE_DOMAIN": "s3nsapis.fr"})
    assert code(done) == "gcr.wrong-universe"
    assert not (cloud.folder / "gcloud-was-run").exists()


# --- The wire -------------------------------------------------------------------------------------


@pytest.mark.parametrize("expected", ["", "network.ca-file-missing"])
def test_ssl_cert_file_is_used_where_requests_has_no_bundle_of_its_own(
    cloud: Google, authority: Authority, expected: str
) -> None:
    user = cloud.named(cloud.folder, cloud.user_info())
    if expected:
        done = cloud.get({**user, "REQUESTS_CA_BUNDLE": "/no/such/ca.pem", "SSL_CERT_FILE": ""})
        assert code(done) == expected
        assert "/no/such/ca.pem" in done.stderr
    else:
        bundles = {"REQUESTS_CA_BUNDLE": "", "SSL_CERT_FILE": str(authority.ca_file)}
        assert cloud.owner(cloud.get({**user, **bundles})) == USER


@pytest.mark.parametrize("field", ["token_url", "service_account_impersonation_url"])
def test_a_credential_file_cannot_have_a_secret_sent_without_encryption(
    cloud: Google, proxy: TerminatingProxy, field: str
) -> None:
    url = f"http://evil.example{IMPERSONATION if field.startswith('service') else STS}"
    info = cloud.federated_info(cloud.file_source(), **{field: url})
    identity = cloud.named(cloud.folder, info)
    done = cloud.get(identity)
    assert code(done) == "gcr.insecure-address"
    assert "evil.example" in done.stderr
    assert identity["GOOGLE_APPLICATION_CREDENTIALS"] in done.stderr
    assert proxy.refused == []


# --- The machine ----------------------------------------------------------------------------------


def test_without_a_service_account_or_a_metadata_service_gcloud_is_asked(cloud: Google) -> None:
    cloud.service_account = None
    done = cloud.get(cloud.machine())
    assert (done.status, done.stdout, done.stderr) == (1, NOT_FOUND, "")
    assert cloud.owner(cloud.get({**cloud.machine(), **cloud.gcloud(cloud.folder)})) == USER
    doubt = {"NO_GCE_CHECK": "false", "GCE_METADATA_IP": CLOSED_PORT.removeprefix("http://")}
    assert cloud.owner(cloud.get({**doubt, **cloud.gcloud(cloud.folder)})) == USER


GOOGLE = {"Metadata-Flavor": "Google"}


@pytest.mark.parametrize(
    ("path", "fault", "expected"),
    [
        (MACHINE_TOKEN, Reply(403, GOOGLE), "gcr.metadata-refused-silently"),
        (MACHINE_TOKEN, Reply(404, GOOGLE), "gcr.metadata-refused-silently"),
        (MACHINE_TOKEN, Reply(404), "gcr.not-the-metadata-service"),
        (MACHINE_TOKEN, faults.unavailable(), "network.server-error"),
        (UNIVERSE, Reply(503, GOOGLE), "network.server-error"),
        (MACHINE_TOKEN, json_reply({"access_token": "a"}, headers=GOOGLE), "gcr.not-a-token"),
    ],
)
def test_a_machine_without_a_token(cloud: Google, path: str, fault: Fault, expected: str) -> None:
    cloud.fail(path, fault)
    assert code(cloud.get(cloud.machine(), deadline_s=3)) == expected


@pytest.mark.parametrize("headers", [GOOGLE, {}], ids=["its own", "of a proxy"])
def test_a_metadata_service_that_fails_once_is_asked_again(
    cloud: Google, headers: dict[str, str]
) -> None:
    # https://github.com/googleapis/google-cloud-python/issues/15188
    failure = Reply(500, headers, b"Internal Server Error\n")
    token = {"access_token": cloud.issue(NODE, CLOUD_SCOPE), "expires_in": 3599}
    replies = iter([failure, json_reply({**token, "token_type": "Bearer"}, headers=GOOGLE)])
    cloud.on("GET", MACHINE_TOKEN, lambda _: next(replies))
    assert cloud.owner(cloud.get(cloud.machine())) == NODE


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (403, "IAM returned 403: Permission 'getAccessToken' denied", "gcr.metadata-no-binding"),
        (403, "the API has not been used in project 1", "gcr.metadata-api-disabled"),
        (404, "Gaia id not found for email app@p.iam.test", "gcr.metadata-wrong-account"),
        (400, "Invalid form of account ID projects/p/app", "gcr.metadata-wrong-account"),
        (404, "No service account scopes specified", "gcr.metadata-no-scopes"),
        (404, "some other reason", "gcr.metadata-refused"),
    ],
)
def test_the_metadata_services_text_of_a_refusal_is_in_the_error(
    cloud: Google, status: int, text: str, expected: str
) -> None:
    cloud.fail(MACHINE_TOKEN, Reply(status, GOOGLE, f"{text}.\n ya29.hunter2".encode()))
    done = cloud.get({**cloud.machine(), **cloud.gcloud(cloud.folder)})
    assert code(done) == expected
    assert text in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("address", ["user:hunter2@127.0.0.1:9", "hunter2/hunter2", "{hunter2}"])
def test_the_address_of_a_metadata_service_is_shown_without_secrets(
    cloud: Google, executable: Executable, address: str
) -> None:
    machine = {"NO_GCE_CHECK": "false", "GCE_METADATA_HOST": address}
    done = cloud.get(machine, deadline_s=3)
    is_address = address.endswith(":9")
    assert code(done) == ("network.refused" if is_address else "gcr.bad-metadata-address")
    for command in (("explain", EXAMPLE_HOST), ("doctor",), ("providers",)):
        shown = executable.run(*command, environment=machine)
        assert "hunter2" not in done.stderr + shown.stdout.decode() + shown.stderr


def test_another_account_behind_a_named_metadata_service_gets_its_own_token(cloud: Google) -> None:
    assert cloud.owner(cloud.get(cloud.machine())) == NODE
    requests = len(cloud.received)
    assert cloud.owner(cloud.get(cloud.machine())) == NODE
    assert cloud.paths[requests:] == [EMAIL]
    cloud.service_account = PUSHER
    assert cloud.owner(cloud.get(cloud.machine())) == PUSHER


def test_a_named_metadata_service_that_hangs_up_is_not_asked_again(cloud: Google) -> None:
    cloud.fail(UNIVERSE, lambda trip: None)  # the SDK alone would repeat it for 15 s
    assert code(cloud.get(cloud.machine())) == "network.broken-off"
    assert cloud.paths == [EMAIL, UNIVERSE]


@pytest.mark.parametrize("times", [1, 2])
def test_a_machine_whose_metadata_service_is_late_is_asked_again(cloud: Google, times: int) -> None:
    cloud.fail(MACHINE_TOKEN, Reply(503, GOOGLE), times=times)
    assert cloud.owner(cloud.get(cloud.machine())) == NODE


# --- gcloud ---------------------------------------------------------------------------------------


def test_gcloud_is_run_unattended_and_its_warnings_are_ignored(cloud: Google) -> None:
    token = cloud.issue(USER, CLOUD_SCOPE)
    script = (
        f'echo "$CLOUDSDK_CORE_DISABLE_PROMPTS $*" > {cloud.folder}/asked\n'
        'echo "WARNING: This command is using service account impersonation." >&2\n'
        "echo PATTERN >&2\n"
        f"echo {token}\n"
    )
    assert cloud.owner(cloud.get(cloud.gcloud(cloud.folder, script))) == USER
    assert (cloud.folder / "asked").read_text() == "1 auth print-access-token\n"


REFRESH = "ERROR: (gcloud.auth) There was a problem refreshing your current auth tokens"


@pytest.mark.parametrize(
    ("script", "expected", "said"),
    [
        (f"echo '{REFRESH}: ya29.hunter2' >&2; exit 1", "gcr.gcloud-login-ended", "a problem"),
        ("echo 'ERROR: run: gcloud auth login' >&2; exit 1", "gcr.gcloud-login-ended", "login"),
        (
            "echo 'ERROR: cannot write \"/a b/c\": [Errno 30] Read-only file system' >&2; exit 1",
            "gcr.gcloud-failed",
            "[Errno 30] Read-only file system",
        ),
        ("echo 'gcloud: 192: exec: python3: not found' >&2; exit 127", "gcr.gcloud-failed", "192"),
        ("exit 3", "gcr.gcloud-failed", "3"),
        ("kill -9 $$", "gcr.gcloud-failed", "9"),
        ("echo hunter2; echo hunter2", "gcr.gcloud-printed-no-token", ""),
        ("echo hunter2 >&2", "gcr.gcloud-printed-no-token", ""),
        ("printf '\\377\\n'", "gcr.gcloud-printed-no-token", ""),
        (
            "echo 'ERROR: gcloud crashed (OperationalError): unable to open database' >&2; exit 1",
            "gcr.gcloud-failed",
            "unable to open database",
        ),
        ("echo 'OperationalError: database is locked' >&2; exit 1", "gcr.gcloud-locked", ""),
        ("cat /dev/zero", "provider.program-output-too-long", ""),
        ("sleep 60", "provider.program-timeout", "gcloud"),
    ],
)
def test_gcloud_without_token_fails(cloud: Google, script: str, expected: str, said: str) -> None:
    done = cloud.get(cloud.gcloud(cloud.folder, script), deadline_s=3)
    assert code(done) == expected
    assert said in done.stderr
    assert "hunter2" not in done.stderr


def test_a_gcloud_whose_database_is_locked_is_run_again(cloud: Google) -> None:
    token = cloud.issue(USER, CLOUD_SCOPE)
    script = (
        f"echo x >>{cloud.folder}/runs\n"
        f"[ $(wc -l <{cloud.folder}/runs) -gt 1 ] && {{ echo {token}; exit 0; }}\n"
        "echo 'ERROR: gcloud crashed (OperationalError): database is locked' >&2; exit 1\n"
    )
    assert cloud.owner(cloud.get(cloud.gcloud(cloud.folder, script))) == USER


def test_gcloud_as_a_service_account_and_by_a_relative_path(cloud: Google) -> None:
    gcloud = cloud.gcloud(cloud.folder, f"echo '{REFRESH}: invalid_grant' >&2; exit 1")
    done = cloud.get({**gcloud, "CLOUDSDK_CORE_ACCOUNT": PUSHER})
    assert code(done) == "gcr.gcloud-account-refused"
    done = cloud.get({**gcloud, "PATH": os.path.relpath(cloud.folder / "bin")})
    assert (done.stdout, done.stderr) == (NOT_FOUND, "")


# --- The user's choices for a registry ------------------------------------------------------------


def test_a_file_in_a_registrys_rule_comes_before_the_environments(cloud: Google) -> None:
    own = cloud.named(cloud.folder, cloud.federated_user_info(), "own.json")
    environment = cloud.service_account_key(cloud.folder)
    path = own["GOOGLE_APPLICATION_CREDENTIALS"]
    credential = cloud.ask(environment, credentials_file=path)
    assert cloud.principal(credential.secret.expose()) == USER
    assert credential.source == "credentials-file"


@pytest.mark.parametrize("identity", ["key", "user", "federated", "gcloud"])
def test_any_identity_may_impersonate(cloud: Google, identity: str) -> None:
    found = cloud.gcloud(cloud.folder) if identity == "gcloud" else cloud.identity_of(identity)
    environment = found
    secret = cloud.ask(environment, impersonate=TARGET).secret.expose()
    assert cloud.issued("oauth2accesstoken", secret, EXAMPLE_HOST)
    assert cloud.principal(secret) == TARGET
    assert cloud.paths[-1] == IMPERSONATION
    if identity == "key":
        between = "between@loopback.iam.gserviceaccount.com"
        cloud.impersonators = {(PUSHER, between), (between, TARGET)}
        secret = cloud.ask(environment, impersonate=f"{between}, {TARGET}").secret.expose()
        assert cloud.principal(secret) == TARGET


@pytest.mark.parametrize("account", ["name", "a@b/../c@d", "a@b,", "a@b c"])
def test_impersonate_has_to_name_a_service_account(account: str) -> None:
    with pytest.raises(Misconfigured, match=r"^gcr\.not-a-service-account$"):
        GcrProvider().identify(token_request(EXAMPLE_HOST, {}, options={"impersonate": account}))
