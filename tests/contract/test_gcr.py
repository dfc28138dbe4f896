"""Google's provider, by the executable, google-auth as it is, and a loopback Google.

Every identity ends in a token that the cloud issued for registries, after exactly the requests it
takes. What is told where one does not is in test_gcr_failures.py.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cred_helper.errors import Misconfigured, NotFound
from cred_helper.providers.gcr import GcrProvider
from tests.clouds import faults
from tests.clouds.authority import Authority
from tests.clouds.fixtures import authority, proxy
from tests.clouds.google import (
    CLOUD_SCOPE,
    EXAMPLE_HOST,
    MACHINE,
    NODE,
    PUSHER,
    REGISTRY_SCOPE,
    TARGET,
    USER,
    WORKLOAD,
    GoogleCloud,
)
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.server import Fault, LoopbackServer, Reply, json_reply
from tests.contract.gcr import (
    IMPERSONATION,
    STS,
    STS_REFRESH,
    SUBJECT,
    TOKEN,
    Get,
    Info,
    ask,
    cloud,
    error_and_hint,
    file_source,
    get,
    identity_of,
    oauth_error,
    paths,
    principal,
    program_source,
    token_request,
)
from tests.executable import NOBODY, NOT_FOUND, Executable

__all__ = ["authority", "cloud", "get", "proxy"]

FROZEN = bool(os.environ.get("DOCKER_CREDENTIAL_MULTI_UNDER_TEST"))

UNIVERSE = "/computeMetadata/v1/universe/universe-domain"
ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default/"
MACHINE_TOKEN = f"{ACCOUNT}token"


# --- Every identity, end to end -------------------------------------------------------------------

AWS_SOURCE = {
    "environment_id": "aws1",
    "regional_cred_verification_url": "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity",
}
AWS_KEY = {
    "AWS_ACCESS_KEY_ID": "AKIALOOPBACK",
    "AWS_SECRET_ACCESS_KEY": "loopback-secret",
    "AWS_REGION": "eu-west-1",
}


def of_key(cloud: GoogleCloud, folder: Path) -> Info:
    return cloud.service_account_info()


def of_user(cloud: GoogleCloud, folder: Path) -> Info:
    return cloud.user_info()


def of_token_file(cloud: GoogleCloud, folder: Path) -> Info:
    return cloud.federated_info(file_source(cloud, folder))


def of_field_of_file(cloud: GoogleCloud, folder: Path) -> Info:
    path = folder / "subject-token.json"
    path.write_text(json.dumps({"id_token": cloud.subject_token()}))
    form = {"type": "json", "subject_token_field_name": "id_token"}
    return cloud.federated_info({"file": str(path), "format": form})


def of_url(cloud: GoogleCloud, folder: Path) -> Info:
    return cloud.federated_info(cloud.url_source())


def of_program(cloud: GoogleCloud, folder: Path) -> Info:
    return cloud.federated_info(program_source(cloud, folder))


def of_aws(cloud: GoogleCloud, folder: Path) -> Info:
    kind = "urn:ietf:params:aws:token-type:aws4_request"
    return cloud.federated_info(AWS_SOURCE, subject_token_type=kind)


def of_impersonating_workload(cloud: GoogleCloud, folder: Path) -> Info:
    url = cloud.impersonation_url(TARGET)
    source = file_source(cloud, folder)
    return cloud.federated_info(source, service_account_impersonation_url=url)


def of_federated_user(cloud: GoogleCloud, folder: Path) -> Info:
    return cloud.federated_user_info()


def of_impersonating_user(cloud: GoogleCloud, folder: Path) -> Info:
    return cloud.impersonated_info(cloud.user_info())


def of_impersonating_key(cloud: GoogleCloud, folder: Path) -> Info:
    return cloud.impersonated_info(cloud.service_account_info())


def of_impersonation_by_workload(cloud: GoogleCloud, folder: Path) -> Info:
    return cloud.impersonated_info(of_token_file(cloud, folder))


@dataclass(frozen=True)
class Case:
    """A credential file, whose token it gives, and what that takes."""

    info: Callable[[GoogleCloud, Path], Info]
    principal: str
    requests: list[str]


CASES = [
    Case(of_key, PUSHER, [TOKEN]),
    Case(of_user, USER, [TOKEN]),
    Case(of_token_file, WORKLOAD, [STS]),
    Case(of_field_of_file, WORKLOAD, [STS]),
    Case(of_url, WORKLOAD, [SUBJECT, STS]),
    Case(of_program, WORKLOAD, [STS]),
    Case(of_aws, WORKLOAD, [STS]),
    Case(of_impersonating_workload, TARGET, [STS, IMPERSONATION]),
    Case(of_federated_user, USER, [STS_REFRESH]),
    Case(of_impersonating_user, TARGET, [TOKEN, IMPERSONATION]),
    Case(of_impersonating_key, TARGET, [TOKEN, IMPERSONATION]),
    Case(of_impersonation_by_workload, TARGET, [STS, IMPERSONATION]),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.info.__name__)
def test_each_type_of_file_gives_a_token_after_no_more_requests_than_it_takes(
    cloud: GoogleCloud, get: Get, tmp_path: Path, case: Case
) -> None:
    allowed = {"GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1"}
    identity = cloud.named(tmp_path, case.info(cloud, tmp_path))
    assert principal(cloud, get({**identity, **AWS_KEY, **allowed})) == case.principal
    assert paths(cloud) == case.requests
    assert cloud.exchanges == len([path for path in case.requests if path != SUBJECT])


def test_a_certificate_gives_a_token_by_mutual_tls(
    cloud: GoogleCloud, get: Get, authority: Authority, tmp_path: Path
) -> None:
    identity = str(authority.client_identity_file())
    workload = {"cert_path": identity, "key_path": identity}
    config = tmp_path / "certificate_config.json"
    config.write_text(json.dumps({"cert_configs": {"workload": workload}}))
    info = cloud.federated_info(
        {"certificate": {"certificate_config_location": str(config)}},
        subject_token_type="urn:ietf:params:oauth:token-type:mtls",
        token_url="https://sts.mtls.googleapis.com/v1/token",
    )
    assert principal(cloud, get(cloud.named(tmp_path, info))) == MACHINE
    assert paths(cloud) == [STS]


def test_a_machine_gives_its_service_accounts_token(cloud: GoogleCloud, get: Get) -> None:
    assert principal(cloud, get(cloud.machine())) == NODE
    assert paths(cloud) == [UNIVERSE, ACCOUNT, MACHINE_TOKEN]


def test_a_machine_that_only_a_probe_can_tell_is_asked_where_it_answered(
    cloud: GoogleCloud, get: Get
) -> None:
    machine = cloud.machine()
    del machine["GCE_METADATA_HOST"]
    assert principal(cloud, get({**machine, "K_SERVICE": "build"})) == NODE
    assert paths(cloud) == ["/", UNIVERSE, ACCOUNT, MACHINE_TOKEN]


def test_gcloud_gives_the_token_of_whoever_is_logged_in(
    cloud: GoogleCloud, get: Get, tmp_path: Path
) -> None:
    assert principal(cloud, get(cloud.gcloud(tmp_path))) == USER
    assert paths(cloud) == []


def test_a_partner_clouds_service_account_signs_its_token_itself(
    cloud: GoogleCloud, get: Get, tmp_path: Path
) -> None:
    partner = cloud.service_account_key(tmp_path, universe_domain="s3nsapis.fr")
    username, secret = get(partner, "docker.s3nsregistry.fr").credential
    claims = cloud.verified(secret)
    assert username == "oauth2accesstoken"
    assert (claims["iss"], claims["sub"], claims["scope"]) == (PUSHER, PUSHER, REGISTRY_SCOPE)
    assert paths(cloud) == []


# --- The traps of google.auth.default() -----------------------------------------------------------


def test_a_well_known_file_without_a_project_runs_no_gcloud(
    cloud: GoogleCloud, get: Get, tmp_path: Path
) -> None:
    gcloud = cloud.gcloud(tmp_path, f"touch {tmp_path}/gcloud-was-run\n")
    folder = Path(gcloud["CLOUDSDK_CONFIG"])
    info = cloud.user_info()
    (folder / "application_default_credentials.json").write_text(json.dumps(info))
    assert principal(cloud, get(gcloud)) == USER
    assert not (tmp_path / "gcloud-was-run").exists()


@pytest.mark.parametrize("kind", ["external_account", "external_account_authorized_user"])
def test_a_token_of_unsaid_lifetime_is_taken_for_a_short_lived_one(
    cloud: GoogleCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    cloud.lifetime_s = None
    federated = kind == "external_account"
    info = (
        cloud.federated_info(file_source(cloud, tmp_path))
        if federated
        else cloud.federated_user_info()
    )
    credential = ask(cloud.named(tmp_path, info), monkeypatch)
    assert cloud.issued(credential.username, credential.secret.expose(), EXAMPLE_HOST)
    assert credential.expires_at is not None
    left = credential.expires_at - datetime.now(UTC)
    assert timedelta(seconds=200) < left <= timedelta(seconds=300)


def test_an_expiry_is_an_aware_time(
    cloud: GoogleCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credential = ask(cloud.service_account_key(tmp_path), monkeypatch)
    assert credential.expires_at is not None
    left = credential.expires_at - datetime.now(UTC)
    assert timedelta(seconds=3500) < left <= timedelta(seconds=3600)


@pytest.mark.parametrize("listener", ["nobody", "silence", "somebody else"])
def test_without_a_metadata_service_the_answer_is_not_found_and_soon(
    get: Get, listener: str
) -> None:
    with LoopbackServer() as server:
        server.on("GET", "/", lambda request: Reply(404, {"Server": "EC2ws"}))
        if listener == "silence":
            server.fail("/", faults.never_answer)
        address = NOBODY if listener == "nobody" else server.url
        started_s = time.monotonic()
        done = get({"NO_GCE_CHECK": "false", "GCE_METADATA_IP": address.removeprefix("http://")})
        assert time.monotonic() - started_s < 3  # 3.3 s is what the SDK alone takes
    assert (done.status, done.stdout, done.stderr) == (1, NOT_FOUND, "")


@pytest.mark.skipif(FROZEN, reason="the frozen file ignores Python's variables")
@pytest.mark.parametrize("probed", [False, True])
def test_with_nothing_to_use_no_sdk_is_loaded(get: Get, probed: bool) -> None:
    doubt = {"NO_GCE_CHECK": "false", "GCE_METADATA_IP": NOBODY.removeprefix("http://")}
    done = get({"PYTHONPROFILEIMPORTTIME": "1", **(doubt if probed else {})})
    assert done.stdout == NOT_FOUND
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "cred_helper.providers.gcr" in loaded
    heavy = ("google", "requests", "urllib3", "cryptography", "json", "subprocess")
    assert not [name for name in loaded if name.partition(".")[0] in heavy]
    assert "cred_helper.providers.gcr.login" not in loaded


def test_no_proxy_stands_between_a_machine_and_its_metadata(
    cloud: GoogleCloud, get: Get, proxy: TerminatingProxy
) -> None:
    done = get({**cloud.machine(), "NO_PROXY": "", "no_proxy": ""})
    assert principal(cloud, done) == NODE
    assert proxy.refused == []


# --- One identity, and no other -------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["does not exist", "is a directory"])
def test_a_named_file_that_is_not_there_never_gives_way_to_the_machine(
    cloud: GoogleCloud, get: Get, tmp_path: Path, missing: str
) -> None:
    path = tmp_path / ("gone.json" if missing == "does not exist" else "")
    done = get({**cloud.machine(), "GOOGLE_APPLICATION_CREDENTIALS": str(path)})
    reason, _ = error_and_hint(done)
    assert reason.startswith(f"{path}, named by GOOGLE_APPLICATION_CREDENTIALS, ")
    assert missing in reason
    assert paths(cloud) == []


def test_a_refused_file_never_gives_way_to_the_machine(
    cloud: GoogleCloud, get: Get, tmp_path: Path
) -> None:
    cloud.fail(TOKEN, oauth_error("invalid_grant", "Invalid JWT Signature."))
    done = get({**cloud.machine(), **cloud.service_account_key(tmp_path)})
    assert error_and_hint(done)[0] == (
        "127.0.0.1 answers 400, invalid_grant: Invalid JWT Signature"
    )
    assert paths(cloud) == [TOKEN]


def test_a_credential_file_may_be_a_pipe_which_gives_its_content_once(
    cloud: GoogleCloud, get: Get, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = json.dumps(cloud.service_account_info())
    writer = threading.Thread(target=pipe.write_text, args=(content,), daemon=True)
    writer.start()
    assert principal(cloud, get({"GOOGLE_APPLICATION_CREDENTIALS": str(pipe)})) == PUSHER
    writer.join()


@pytest.mark.parametrize(
    "variable", ["GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"]
)
def test_a_pipe_that_nobody_writes_to_holds_a_get_up_no_longer_than_its_deadline(
    cloud: GoogleCloud, get: Get, executable: Executable, tmp_path: Path, variable: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    environment = cloud.gcloud(tmp_path, 'cat "$CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"')
    environment[variable] = str(tmp_path / "pipe")
    began = time.monotonic()
    told, _ = error_and_hint(get(environment, deadline_s=2))
    assert told == "no answer within 2 s"
    assert time.monotonic() - began < 20
    done = executable.run("explain", EXAMPLE_HOST, environment=environment)
    assert done.status == 0
    assert str(tmp_path / "pipe") in done.stdout.decode()


def test_a_token_file_of_gcloud_may_be_a_pipe_and_is_left_to_gcloud(
    cloud: GoogleCloud, get: Get, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    environment = cloud.gcloud(tmp_path, f"cat {pipe}")
    environment["CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"] = str(pipe)
    token = cloud.issue(USER, REGISTRY_SCOPE)
    writer = threading.Thread(target=pipe.write_text, args=(token,), daemon=True)
    writer.start()
    assert principal(cloud, get(environment)) == USER
    writer.join()


@pytest.mark.parametrize("host", [EXAMPLE_HOST, "docker.s3nsregistry.fr"])
def test_a_credential_of_another_universe_is_refused_before_any_request(
    cloud: GoogleCloud, get: Get, tmp_path: Path, host: str
) -> None:
    universe = "s3nsapis.fr" if host == EXAMPLE_HOST else "googleapis.com"
    done = get(cloud.service_account_key(tmp_path, universe_domain=universe), host)
    assert f"the credential is one of {universe}, the registry is in " in done.stderr
    assert paths(cloud) == []


def test_a_machine_of_another_universe_is_asked_for_no_token(cloud: GoogleCloud, get: Get) -> None:
    cloud.universe_domain = "s3nsapis.fr"
    reason, hint = error_and_hint(get(cloud.machine()))
    assert reason == "the credential is one of s3nsapis.fr, the registry is in googleapis.com"
    assert hint == "use a credential of the universe googleapis.com"
    assert paths(cloud) == [UNIVERSE]


def test_a_gcloud_of_another_universe_is_not_run(
    cloud: GoogleCloud, get: Get, tmp_path: Path
) -> None:
    gcloud = cloud.gcloud(tmp_path, f"touch {tmp_path}/gcloud-was-run\n")
    done = get({**gcloud, "CLOUDSDK_CORE_UNIVERSE_DOMAIN": "s3nsapis.fr"})
    assert "the credential is one of s3nsapis.fr" in done.stderr
    assert not (tmp_path / "gcloud-was-run").exists()


# --- The wire -------------------------------------------------------------------------------------


def test_a_redirect_is_not_followed(cloud: GoogleCloud, get: Get, tmp_path: Path) -> None:
    with LoopbackServer() as elsewhere:
        cloud.fail(TOKEN, faults.redirect_to(f"{elsewhere.url}/token"))
        reason, _ = error_and_hint(get(cloud.service_account_key(tmp_path)))
        assert reason == "127.0.0.1 redirects elsewhere (307), which is not followed"
        assert elsewhere.received == []


def test_netrc_is_not_read(cloud: GoogleCloud, get: Get, home: Path, tmp_path: Path) -> None:
    (home / ".netrc").write_text("default login somebody password netrc-password\n")
    assert principal(cloud, get(cloud.named(tmp_path, cloud.user_info()))) == USER
    assert principal(cloud, get(cloud.service_account_key(tmp_path))) == PUSHER
    assert [request.headers.get("authorization") for request in cloud.received] == [None, None]


def test_ssl_cert_file_is_heeded_where_requests_has_no_bundle_of_its_own(
    cloud: GoogleCloud, get: Get, authority: Authority, tmp_path: Path
) -> None:
    user = cloud.named(tmp_path, cloud.user_info())
    bundles = {"REQUESTS_CA_BUNDLE": "", "SSL_CERT_FILE": str(authority.ca_file)}
    assert principal(cloud, get({**user, **bundles})) == USER


@pytest.mark.parametrize(
    ("ca_file", "told"),
    [
        ("", "the certificate of oauth2.googleapis.com is not trusted"),
        ("/no/such/ca.pem", "REQUESTS_CA_BUNDLE names /no/such/ca.pem, which does not exist"),
    ],
)
def test_a_certificate_that_nobody_vouches_for_is_told(
    cloud: GoogleCloud, get: Get, tmp_path: Path, ca_file: str, told: str
) -> None:
    user = cloud.named(tmp_path, cloud.user_info())
    reason, hint = error_and_hint(get({**user, "REQUESTS_CA_BUNDLE": ca_file, "SSL_CERT_FILE": ""}))
    assert reason == told
    assert "SSL_CERT_FILE" in hint or "the file of the authorities" in hint
    assert paths(cloud) == []


def test_a_proxy_that_lets_nobody_through_is_told(
    cloud: GoogleCloud, get: Get, tmp_path: Path
) -> None:
    user = cloud.named(tmp_path, cloud.user_info())
    reason, hint = error_and_hint(get({**user, "HTTPS_PROXY": NOBODY, "https_proxy": NOBODY}))
    assert reason == "the proxy does not let through to oauth2.googleapis.com"
    assert hint == "see HTTPS_PROXY and NO_PROXY"


@pytest.mark.parametrize("field", ["token_url", "service_account_impersonation_url"])
def test_a_poisoned_file_cannot_have_a_secret_sent_in_the_clear(
    cloud: GoogleCloud,
    get: Get,
    proxy: TerminatingProxy,
    tmp_path: Path,
    field: str,
) -> None:
    url = f"http://evil.example{IMPERSONATION if field.startswith('service') else STS}"
    info = cloud.federated_info(file_source(cloud, tmp_path), **{field: url})
    identity = cloud.named(tmp_path, info)
    reason, hint = error_and_hint(get(identity))
    assert reason == "a secret would go to evil.example without protection"
    path = identity["GOOGLE_APPLICATION_CREDENTIALS"]
    assert hint == f"every address named in {path} has to begin with https://"
    assert proxy.refused == []


@pytest.mark.parametrize("fault", ["never answers", "drips"])
def test_a_silent_google_is_waited_for_no_longer_than_the_deadline(
    cloud: GoogleCloud, get: Get, tmp_path: Path, fault: str
) -> None:
    cloud.fail(TOKEN, faults.EVERY[fault])
    started_s = time.monotonic()
    done = get(cloud.service_account_key(tmp_path), deadline_s=4)
    assert time.monotonic() - started_s < 10
    reason, _ = error_and_hint(done)
    # Headers that drip are past any socket's time limit: only whoever bounds the provider ends it.
    late = "127.0.0.1 does not answer in time", "no answer within 3 s"
    assert reason == late[fault == "drips"]


# --- The machine ----------------------------------------------------------------------------------


def test_a_machine_without_a_service_account_has_nothing_to_give(
    cloud: GoogleCloud, get: Get
) -> None:
    cloud.service_account = None
    done = get(cloud.machine())
    assert (done.status, done.stdout, done.stderr) == (1, NOT_FOUND, "")


def test_gcloud_is_asked_where_no_metadata_service_answers(
    cloud: GoogleCloud, get: Get, tmp_path: Path
) -> None:
    doubt = {"NO_GCE_CHECK": "false", "GCE_METADATA_IP": NOBODY.removeprefix("http://")}
    assert principal(cloud, get({**doubt, **cloud.gcloud(tmp_path)})) == USER


def test_gcloud_is_asked_where_a_machine_has_no_service_account(
    cloud: GoogleCloud, get: Get, tmp_path: Path
) -> None:
    cloud.service_account = None
    assert principal(cloud, get({**cloud.machine(), **cloud.gcloud(tmp_path)})) == USER


@pytest.mark.parametrize(
    ("path", "fault", "reason"),
    [
        (
            MACHINE_TOKEN,
            Reply(403, {"Metadata-Flavor": "Google"}),
            "the metadata service answers 403",
        ),
        (MACHINE_TOKEN, faults.unavailable(), "127.0.0.1 is no metadata service of Google's"),
        (UNIVERSE, Reply(503, {"Metadata-Flavor": "Google"}), "127.0.0.1 answers 503"),
        (
            MACHINE_TOKEN,
            json_reply({"access_token": "a"}, headers={"Metadata-Flavor": "Google"}),
            "the metadata service answers with something that is not a token",
        ),
    ],
)
def test_a_machine_that_refuses_or_fails_is_told(
    cloud: GoogleCloud, get: Get, path: str, fault: Fault, reason: str
) -> None:
    cloud.fail(path, fault)
    assert error_and_hint(get(cloud.machine(), deadline_s=3))[0] == reason


def test_a_named_metadata_service_that_nobody_runs_is_told(get: Get) -> None:
    address = NOBODY.removeprefix("http://")
    done = get({"NO_GCE_CHECK": "false", "GCE_METADATA_HOST": address})
    assert error_and_hint(done)[0] == "there is no connection to 127.0.0.1"


def test_a_named_metadata_service_that_hangs_up_is_not_asked_again(
    cloud: GoogleCloud, get: Get
) -> None:
    cloud.fail(UNIVERSE, lambda exchange: None)  # the SDK alone would repeat it for 15 s
    assert error_and_hint(get(cloud.machine()))[0] == "there is no connection to 127.0.0.1"
    assert paths(cloud) == [UNIVERSE]


def test_a_machine_whose_metadata_service_is_late_is_asked_again(
    cloud: GoogleCloud, get: Get
) -> None:
    cloud.fail(ACCOUNT, Reply(503, {"Metadata-Flavor": "Google"}), times=1)
    assert principal(cloud, get(cloud.machine())) == NODE


# --- gcloud ---------------------------------------------------------------------------------------

LOGGED_IN = f"account {USER} of gcloud's configuration default"


def test_gcloud_is_run_unattended_and_its_warnings_are_not_taken_for_a_token(
    cloud: GoogleCloud, get: Get, tmp_path: Path
) -> None:
    token = cloud.issue(USER, CLOUD_SCOPE)
    script = (
        f'echo "$CLOUDSDK_CORE_DISABLE_PROMPTS $*" > {tmp_path}/asked\n'
        'echo "WARNING: This command is using service account impersonation." >&2\n'
        f"echo {token}\n"
    )
    assert principal(cloud, get(cloud.gcloud(tmp_path, script))) == USER
    assert (tmp_path / "asked").read_text() == "1 auth print-access-token\n"


@pytest.mark.parametrize(
    ("script", "reason", "hint"),
    [
        (
            "echo 'ERROR: (gcloud.auth) hunter2 Please run: gcloud auth login' >&2; exit 1",
            f"gcloud has no token ({LOGGED_IN}) and ends with status 1",
            "run gcloud auth login",
        ),
        ("echo hunter2; echo hunter2", "gcloud prints something that is not a token", ""),
        ("printf '\\377\\n'", "gcloud prints something that is not a token", ""),
        ("sleep 60", "no answer within 2 s", None),
    ],
)
def test_a_gcloud_that_gives_no_token_is_told(
    cloud: GoogleCloud,
    get: Get,
    tmp_path: Path,
    script: str,
    reason: str,
    hint: str | None,
) -> None:
    told, tried = error_and_hint(get(cloud.gcloud(tmp_path, script), deadline_s=3))
    assert told == reason
    assert tried == hint or hint is None
    assert "hunter2" not in told


def test_a_gcloud_on_a_relative_path_is_not_run(
    cloud: GoogleCloud, get: Get, tmp_path: Path
) -> None:
    relative = os.path.relpath(tmp_path / "bin")
    gcloud = cloud.gcloud(tmp_path, f"touch {tmp_path}/gcloud-was-run\n")
    done = get({**gcloud, "PATH": f"{relative}{os.pathsep}{gcloud['PATH']}"})
    assert done.stdout == NOT_FOUND
    assert not (tmp_path / "gcloud-was-run").exists()


# --- The user's choices for a registry ------------------------------------------------------------


def test_a_registrys_own_file_comes_before_the_environments(
    cloud: GoogleCloud, proxy: TerminatingProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = cloud.named(tmp_path, cloud.federated_user_info(), "own.json")
    environment = {**proxy.environment(), **cloud.service_account_key(tmp_path)}
    path = own["GOOGLE_APPLICATION_CREDENTIALS"]
    credential = ask(environment, monkeypatch, credentials_file=path)
    assert cloud.principal(credential.secret.expose()) == USER
    assert credential.source == "credentials-file"


@pytest.mark.parametrize("identity", ["key", "user", "federated", "gcloud"])
def test_any_identity_may_impersonate(
    cloud: GoogleCloud,
    proxy: TerminatingProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    identity: str,
) -> None:
    found = (
        cloud.gcloud(tmp_path) if identity == "gcloud" else identity_of(identity, cloud, tmp_path)
    )
    credential = ask({**proxy.environment(), **found}, monkeypatch, impersonate=TARGET)
    secret = credential.secret.expose()
    assert cloud.issued(credential.username, secret, EXAMPLE_HOST)
    assert cloud.principal(secret) == TARGET
    assert paths(cloud)[-1] == IMPERSONATION


def test_impersonation_may_go_by_way_of_others(
    cloud: GoogleCloud, proxy: TerminatingProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    between = "between@loopback.iam.gserviceaccount.com"
    cloud.impersonators = {(PUSHER, between), (between, TARGET)}
    environment = {**proxy.environment(), **cloud.service_account_key(tmp_path)}
    credential = ask(environment, monkeypatch, impersonate=f"{between}, {TARGET}")
    assert cloud.principal(credential.secret.expose()) == TARGET


@pytest.mark.parametrize("account", ["nobody", "a@b/../c@d", "a@b,", "a@b c"])
def test_an_impersonated_account_has_to_be_one(account: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        GcrProvider().identify(token_request({}, impersonate=account))
    assert raised.value.reason == "impersonate does not name a service account"


def test_no_identity_at_all_is_not_found() -> None:
    request = token_request({"NO_GCE_CHECK": "true", "HOME": "/no/such/home"})
    with pytest.raises(NotFound):
        GcrProvider().get(request, GcrProvider().identify(request))
