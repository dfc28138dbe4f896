"""The executable and Amazon ECR: every identity, every kind of host, every failure.

The SDK is the real one. It reaches the loopback cloud by `AWS_ENDPOINT_URL_*`, or under AWS's own
names through a proxy, which shows which API was asked.
"""

from __future__ import annotations

import base64
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import product
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import pytest
from botocore.credentials import SSOProvider
from botocore.tokens import SSOTokenProvider

from cred_helper.errors import Denied
from cred_helper.providers.common.interface import Deadline
from cred_helper.providers.ecr import EcrProvider, sign_in
from cred_helper.providers.ecr.renewal import renewed_elsewhere
from tests.clouds import faults
from tests.clouds.authority import Authority
from tests.clouds.aws import ACCOUNT, EXAMPLE_HOST, PUBLIC_HOST, AwsCloud, identities
from tests.clouds.aws.identities import SIGN_IN, SSO_PLACE, SSO_ROLE, SSO_SESSION, assumed
from tests.clouds.fixtures import authority
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.server import Fault, LoopbackServer, Received, Reply, json_reply
from tests.clouds.sigv4 import Key
from tests.support.executable import CLOSED_PORT, COMMAND, NOT_FOUND, PROGRAM, ROOT, Executable
from tests.support.identity import Make
from tests.support.machine import Machine
from tests.support.programs import has_ended
from tests.support.requests import token_request

__all__ = ["authority"]

KEYS = "[default]\naws_access_key_id = a\naws_secret_access_key = b\n"
AS_DEV = {"AWS_PROFILE": "dev"}

# A whole process, interpreter and all, on a machine that is busy with other tests. The SDK alone
# needs longer to find out that there is no identity.
WITHIN_S = 3.0


@pytest.fixture
def cloud() -> Iterator[AwsCloud]:
    with AwsCloud() as running:
        yield running


class Failure(NamedTuple):
    """A failed `get`, as a user sees it."""

    code: str
    reason: str
    hint: str


class Ecr(Machine):
    """A machine whose SDK is sent to the loopback cloud, and a user of that cloud."""

    def __init__(self, home: Path, cloud: AwsCloud) -> None:
        super().__init__(home, host=EXAMPLE_HOST, cloud=cloud, **cloud.redirection())
        self.use({"PATH": self.scripts.path})
        self.user = cloud.user("someone")


@pytest.fixture
def aws(home: Path, cloud: AwsCloud) -> Ecr:
    return Ecr(home, cloud)


def fail(machine: Machine, variables: dict[str, str], host: str = EXAMPLE_HOST) -> Failure:
    """Run a `get` that fails with one error of the provider."""
    done = machine.fail(host, **variables)
    reason = done.stdout.decode()
    assert reason.startswith(f"no credential for {host} from ecr: ")
    [code] = done.codes
    hints = done.stderr.splitlines()[1:]
    return Failure(code, reason, " ".join(line.partition(": hint: ")[2] for line in hints))


@pytest.fixture
def aws_behind_a_proxy(authority: Authority, cloud: AwsCloud) -> Iterator[TerminatingProxy]:
    """AWS under its own names, and nothing else in the world."""
    with TerminatingProxy(authority) as proxy:
        cloud.register(proxy)
        yield proxy
        assert proxy.refused == []


# --- Identities -----------------------------------------------------------------------------------


def test_a_get_with_keys_in_variables_is_answered(aws: Ecr, executable: Executable) -> None:
    variables = {**aws.user.environment(), "AWS_ENDPOINT_URL_ECR": aws.cloud.url}
    done = executable.run("get", stdin=f"{EXAMPLE_HOST}\n", environment=variables)
    assert aws.cloud.issued(*done.credential, EXAMPLE_HOST)
    assert done.document["ServerURL"] == EXAMPLE_HOST
    [request] = aws.cloud.received
    assert PROGRAM in request.headers["user-agent"]  # who asked, for CloudTrail


def test_keys_in_variables_need_no_sso_session_of_the_profile(aws: Ecr) -> None:
    aws.aws_config("[default]\nsso_session = missing\n")
    variables = {**aws.user.environment(), **aws.cloud.redirection()}
    assert aws.cloud.issued(*aws.get(**variables).credential, EXAMPLE_HOST)


def test_a_renewed_sso_session_is_stored_for_the_next_get(aws: Ecr) -> None:
    renewal = aws.cloud.sso_renewal()
    file = aws.cloud.start_sso(aws.home, "corp", expired=True, **renewal)
    aws.aws_config(f"[profile dev]\nsso_session = corp\n{SSO_ROLE}{SSO_SESSION}")
    assert aws.cloud.issued(*aws.get(**AS_DEV).credential, EXAMPLE_HOST)
    kept = json.loads(file.read_text())
    assert kept["refreshToken"] != renewal["refreshToken"]
    assert datetime.fromisoformat(kept["expiresAt"]) > datetime.now(UTC)


def test_a_session_may_have_the_name_of_the_default_profile(aws: Ecr) -> None:
    """https://github.com/awslabs/amazon-ecr-credential-helper/issues/522"""
    aws.cloud.start_sso(aws.home, "default")
    session = SSO_SESSION.replace("corp", "default")
    aws.aws_config(f"[default]\nsso_session = default\n{SSO_ROLE}{session}")
    assert aws.cloud.issued(*aws.get().credential, EXAMPLE_HOST)


# What has to be renewed → the path that the renewal asks.
RENEWALS: dict[str, tuple[Make, str]] = {
    "SSO": (identities.an_sso_session_to_renew, "/oidc/token"),
    "sign-in": (identities.a_sign_in_to_renew, "/signin/v1/token"),
}
REGIONS = [f"{ACCOUNT}.dkr.ecr.{r}.amazonaws.com" for r in ("us-east-1", "eu-west-1", "eu-west-2")]


@pytest.mark.parametrize(("prepare", "path"), RENEWALS.values(), ids=RENEWALS)
def test_processes_that_share_a_session_renew_it_once(aws: Ecr, prepare: Make, path: str) -> None:
    aws.cloud.delay_s = 0.05
    variables = prepare(aws, aws.cloud)
    with ThreadPoolExecutor(len(REGIONS)) as pool:
        done = list(pool.map(lambda host: aws.get(host, **variables), REGIONS))
    for host, one in zip(REGIONS, done, strict=True):
        assert aws.cloud.issued(*one.credential, host)
    assert [request.path for request in aws.cloud.received].count(path) == 1


@pytest.mark.usefixtures("redirected")
@pytest.mark.parametrize(("prepare", "path"), RENEWALS.values(), ids=RENEWALS)
def test_threads_that_share_a_session_renew_it_once(
    aws: Ecr, monkeypatch: pytest.MonkeyPatch, prepare: Make, path: str
) -> None:
    aws.cloud.delay_s = 0.05
    for name, value in prepare(aws, aws.cloud).items():
        monkeypatch.setenv(name, value)
    with ThreadPoolExecutor(len(REGIONS)) as pool:
        list(pool.map(ask, REGIONS))
    assert [request.path for request in aws.cloud.received].count(path) == 1


@pytest.mark.usefixtures("redirected")
@pytest.mark.parametrize(("prepare", "path"), RENEWALS.values(), ids=RENEWALS)
def test_a_session_is_not_renewed_where_the_renewal_cannot_be_kept(
    aws: Ecr, monkeypatch: pytest.MonkeyPatch, prepare: Make, path: str
) -> None:
    for name, value in prepare(aws, aws.cloud).items():
        monkeypatch.setenv(name, value)
    may = os.access
    monkeypatch.setattr(os, "access", lambda file, mode: mode != os.W_OK and may(file, mode))
    with pytest.raises(Denied, match=r"^ecr\.sign-in-not-writable$"):
        ask()
    assert path not in [request.path for request in aws.cloud.received]


@pytest.mark.parametrize(("prepare", "path"), RENEWALS.values(), ids=RENEWALS)
def test_a_session_that_another_program_has_renewed_first_is_used(
    aws: Ecr, prepare: Make, path: str
) -> None:
    # https://github.com/aws/aws-cli/issues/10628
    variables = prepare(aws, aws.cloud)

    def refused(_request: Received) -> Reply:
        aws.cloud.sign_in(aws.home, SIGN_IN, timedelta(minutes=15))
        aws.cloud.start_sso(aws.home, "corp")
        return json_reply(
            {"error": "TOKEN_EXPIRED"}, 403, {"x-amzn-ErrorType": "AccessDeniedException"}
        )

    aws.cloud.on("POST", path, refused)
    assert aws.cloud.issued(*aws.get(**variables).credential, EXAMPLE_HOST)
    assert [request.path for request in aws.cloud.received].count(path) == 1


def test_a_session_that_another_program_is_writing_is_waited_for(aws: Ecr) -> None:
    file = aws.cloud.sign_in(aws.home, SIGN_IN, timedelta(minutes=15))
    whole, session = file.read_bytes(), sign_in.of_login(SIGN_IN, {})
    for written, is_renewed in ((whole, True), (b"", False)):
        moments = iter(range(100))

        def clock(content: bytes = written, moments: Iterator[int] = moments) -> float:
            if (now := next(moments)) == 4:
                file.write_bytes(content)
            return now / 20

        file.write_bytes(whole[:100])
        before = session.read()
        assert renewed_elsewhere(session, before, Deadline(9, clock)) is is_renewed
    file.write_bytes(whole)
    assert not renewed_elsewhere(session, whole, Deadline(9, monotonic))


def test_a_token_is_kept_under_the_key_that_the_program_prints(aws: Ecr) -> None:
    for name in ("alice", "bob"):
        key = aws.cloud.user(name)
        keys = {"Version": 1, "AccessKeyId": key.id, "SecretAccessKey": key.secret}
        aws.write(f"{name}.json", json.dumps(keys))
    script = f"#!/bin/sh\necho ran >> {aws.home}/runs\ncat {aws.home}/$NAME.json\n"
    program = aws.write("keys", script, 0o700)
    role = aws.cloud.role("deploy", *aws.cloud.keys.values())
    aws.aws_config(
        f"[profile dev]\ncredential_process = {program}\n"
        f"[profile role]\nrole_arn = {role}\nsource_profile = dev\nrole_session_name = me\n"
    )
    for profile in ("dev", "role"):
        secrets = [
            aws.get(AWS_PROFILE=profile, NAME=name).credential
            for name in ("alice", "bob", "alice", "bob")
        ]
        assert secrets[:2] == secrets[2:]
        assert len(set(secrets)) == 2
    # Once for each `get`, also for one that asks the aws.cloud.
    assert len((aws.home / "runs").read_text().split()) == 8
    assert aws.cloud.exchanges == 4


def test_a_token_by_keys_of_a_service_without_a_login_is_not_kept(aws: Ecr) -> None:
    aws.cloud.container_token = None
    variables = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{aws.cloud.url}/container"}
    first, second = (aws.get(**variables).credential for _ in range(2))
    assert first != second


def ask(host: str = EXAMPLE_HOST, **options: str) -> tuple[str, str]:
    """Ask the provider in this process, with options of this registry."""
    request = token_request(host, os.environ, options=options)
    provider = EcrProvider()
    credential = provider.get(request, provider.identify(request))
    assert credential.expires_at is not None
    assert timedelta(hours=11) < credential.expires_at - datetime.now(UTC) < timedelta(hours=12.1)
    assert credential.expires_at.tzinfo is UTC
    return credential.username, credential.secret.expose()


@pytest.fixture
def redirected(cloud: AwsCloud, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The SDK looks for the home folder once, when it is loaded: here, for another test's.
    for kept in (SSOProvider, SSOTokenProvider):
        monkeypatch.setattr(kept, "_SSO_TOKEN_CACHE_DIR", str(home / ".aws" / "sso" / "cache"))
    for name, value in cloud.redirection().items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("redirected")
def test_a_registrys_profile_and_role_come_first(aws: Ecr, monkeypatch: pytest.MonkeyPatch) -> None:
    other = aws.cloud.user("other")
    for name, value in other.environment().items():
        monkeypatch.setenv(name, value)
    assert aws.cloud.issued(*ask(role_arn=aws.cloud.role("puller", other)), EXAMPLE_HOST)
    assert aws.cloud.calls[-1].principal == f"{assumed('puller')}/{PROGRAM}"
    monkeypatch.setenv("AWS_PROFILE", "absent")
    aws.aws_config(f"[profile dev]\n{aws.user.options()}\n")
    assert aws.cloud.issued(*ask(profile="dev"), EXAMPLE_HOST)
    assert aws.cloud.calls[-1].principal == aws.user.principal


# --- Every kind of host ---------------------------------------------------------------------------

# What follows the account in the host → the API that has to be asked, by the name it has.
APIS = {
    "dkr.ecr.us-east-1.amazonaws.com": "api.ecr.us-east-1.amazonaws.com",
    "dkr.ecr.mars-north-1.amazonaws.com": "api.ecr.mars-north-1.amazonaws.com",
    "dkr.ecr.cn-north-1.amazonaws.com.cn": "api.ecr.cn-north-1.amazonaws.com.cn",
    "dkr.ecr.us-gov-west-1.amazonaws.com": "api.ecr.us-gov-west-1.amazonaws.com",
    "dkr.ecr.us-iso-east-1.c2s.ic.gov": "api.ecr.us-iso-east-1.c2s.ic.gov",
    "dkr.ecr.us-isob-east-1.sc2s.sgov.gov": "api.ecr.us-isob-east-1.sc2s.sgov.gov",
    "dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk": "api.ecr.eu-isoe-west-1.cloud.adc-e.uk",
    "dkr.ecr.us-isof-south-1.csp.hci.ic.gov": "api.ecr.us-isof-south-1.csp.hci.ic.gov",
    "dkr.ecr.eusc-de-east-1.amazonaws.eu": "api.ecr.eusc-de-east-1.amazonaws.eu",
    "dkr.ecr-fips.us-east-1.amazonaws.com": "api.ecr-fips.us-east-1.amazonaws.com",
    "dkr.ecr-fips.us-gov-west-1.amazonaws.com": "api.ecr-fips.us-gov-west-1.amazonaws.com",
    "dkr-ecr.us-west-2.on.aws": "ecr.us-west-2.api.aws",
    "dkr-ecr-fips.us-west-2.on.aws": "ecr-fips.us-west-2.api.aws",
    "dkr-ecr-fips.us-gov-east-1.on.aws": "ecr-fips.us-gov-east-1.api.aws",
    "dkr-ecr.cn-north-1.on.amazonwebservices.com.cn": "ecr.cn-north-1.api.amazonwebservices.com.cn",
    "dkr-ecr.us-iso-east-1.on.aws.ic.gov": "ecr.us-iso-east-1.api.aws.ic.gov",
    "dkr-ecr.us-isob-east-1.on.aws.scloud": "ecr.us-isob-east-1.api.aws.scloud",
    "dkr-ecr.eu-isoe-west-1.on.cloud-aws.adc-e.uk": "ecr.eu-isoe-west-1.api.cloud-aws.adc-e.uk",
    "dkr-ecr-fips.us-isof-south-1.on.aws.hci.ic.gov": "ecr-fips.us-isof-south-1.api.aws.hci.ic.gov",
    "dkr-ecr.eusc-de-east-1.on.amazonwebservices.eu": "ecr.eusc-de-east-1.api.amazonwebservices.eu",
    # The public registry has an API of its own.
    PUBLIC_HOST: "api.ecr-public.us-east-1.amazonaws.com",
    "ecr-public.aws.com": "ecr-public.us-east-1.api.aws",
}


@pytest.fixture
def under_its_own_names(
    aws: Ecr, aws_behind_a_proxy: TerminatingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This process asks AWS under its own names, as a user in the region of another partition."""
    variables = {**aws_behind_a_proxy.environment(), **aws.user.environment()}
    for name, value in {**variables, "AWS_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("under_its_own_names")
@pytest.mark.parametrize(("below", "api"), APIS.items(), ids=APIS)
def test_the_host_says_which_api_is_asked(aws: Ecr, below: str, api: str) -> None:
    host = below if "public" in below else f"{ACCOUNT}.{below}"
    assert aws.cloud.issued(*ask(host), host)
    assert aws.cloud.calls[-1].host == api
    assert aws.cloud.calls[-1].api == ("ecr-public" if "public" in below else "ecr")


FIPS_HOST = f"{ACCOUNT}.dkr.ecr-fips.us-gov-west-1.amazonaws.com"
FIPS_API = "api.ecr-fips.us-gov-west-1.amazonaws.com"
CHINA_HOST = f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn"


@pytest.mark.parametrize(
    ("host", "variables", "api"),
    [
        (FIPS_HOST, {}, FIPS_API),
        (EXAMPLE_HOST, {"AWS_USE_FIPS_ENDPOINT": "true"}, "api.ecr-fips.us-east-1.amazonaws.com"),
        (
            FIPS_HOST,
            {"AWS_ENDPOINT_URL": CLOSED_PORT, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            FIPS_API,
        ),
    ],
)
def test_the_host_and_the_users_variables_say_which_api_is_asked_by_a_proxy(
    aws: Ecr,
    executable: Executable,
    aws_behind_a_proxy: TerminatingProxy,
    host: str,
    variables: dict[str, str],
    api: str,
) -> None:
    everything = {**aws_behind_a_proxy.environment(), **aws.user.environment(), **variables}
    assert aws.cloud.issued(*executable.get(host, everything).credential, host)
    assert aws.cloud.calls[-1].host == api


def assumes(role: str, user: Key, options: str = "") -> str:
    """A default profile that assumes a role with the keys of a user."""
    base = f"source_profile = base\n[profile base]\n{user.options()}\n"
    return f"[default]\n{options}role_arn = {role}\n{base}"


LEGACY = "sts_regional_endpoints = legacy\nregion = us-east-1\n"


@pytest.mark.parametrize(
    ("host", "options", "asked"),
    [
        # What the host wants of ECR is not asked of STS.
        (
            f"{ACCOUNT}.dkr-ecr-fips.us-west-2.on.aws",
            "",
            ["sts.us-west-2.amazonaws.com", "ecr-fips.us-west-2.api.aws"],
        ),
        (EXAMPLE_HOST, LEGACY, ["sts.amazonaws.com", "api.ecr.us-east-1.amazonaws.com"]),
    ],
)
def test_sts_is_asked_in_the_region_of_the_host_or_of_the_user(
    aws: Ecr,
    executable: Executable,
    aws_behind_a_proxy: TerminatingProxy,
    host: str,
    options: str,
    asked: list[str],
) -> None:
    aws.aws_config(assumes(aws.cloud.role("deploy", aws.user), aws.user, options))
    done = executable.get(host, aws_behind_a_proxy.environment())
    assert aws.cloud.issued(*done.credential, host)
    assert [request.host for request in aws.cloud.received] == asked


@pytest.mark.parametrize(
    ("configured", "host", "region"),
    [
        (None, EXAMPLE_HOST, "us-east-1"),
        ("", EXAMPLE_HOST, "us-east-1"),
        ("", PUBLIC_HOST, "us-east-1"),
        ("", CHINA_HOST, "cn-north-1"),
        ("eu-west-1", EXAMPLE_HOST, "eu-west-1"),
        ("eu-west-1", CHINA_HOST, "cn-north-1"),
    ],
)
def test_a_role_is_assumed_in_the_configured_region_or_the_hosts(
    aws: Ecr, configured: str | None, host: str, region: str
) -> None:
    role = aws.cloud.role("deploy", aws.user)
    aws.aws_config(assumes(role, aws.user))
    variables = {} if configured is None else {"AWS_DEFAULT_REGION": configured}
    assert aws.cloud.issued(*aws.get(host, **variables).credential, host)
    assert aws.cloud.roles[role].regions == [region]


@pytest.mark.parametrize(
    "options",
    ["endpoint_url = {url}", "services = ours\n[services ours]\necr =\n  endpoint_url = {url}"],
)
@pytest.mark.parametrize("fips", ["true", "false"])
def test_an_endpoint_in_the_profile_wins_over_that_of_the_host(
    aws: Ecr, executable: Executable, options: str, fips: str
) -> None:
    aws.aws_config(f"[default]\n{aws.user.options()}\n{options.format(url=aws.cloud.url)}\n")
    done = executable.get(FIPS_HOST, {"AWS_USE_FIPS_ENDPOINT": fips})
    assert aws.cloud.issued(*done.credential, FIPS_HOST)
    assert aws.cloud.calls[-1].region == "us-gov-west-1"


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ECR"])
def test_an_endpoint_in_a_variable_wins(aws: Ecr, executable: Executable, variable: str) -> None:
    done = executable.get(FIPS_HOST, {**aws.user.environment(), variable: aws.cloud.url})
    assert aws.cloud.issued(*done.credential, FIPS_HOST)


@pytest.mark.parametrize("bundle", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_private_authority_is_trusted_by_any_of_its_names(
    aws: Ecr, authority: Authority, executable: Executable, bundle: str
) -> None:
    with LoopbackTls(authority, aws.cloud) as https:
        variables = {**aws.user.environment(), "AWS_ENDPOINT_URL_ECR": https.url}
        trusting = {**variables, bundle: str(authority.ca_file)}
        assert aws.cloud.issued(*executable.get(EXAMPLE_HOST, trusting).credential, EXAMPLE_HOST)


def test_a_private_authority_that_the_profile_names_is_trusted_first(
    aws: Ecr, authority: Authority, executable: Executable
) -> None:
    aws.aws_config(f"[default]\n{aws.user.options()}\nca_bundle = {authority.ca_file}\n")
    with LoopbackTls(authority, aws.cloud) as https:
        variables = {"AWS_ENDPOINT_URL_ECR": https.url, "SSL_CERT_FILE": "/none"}
        assert aws.cloud.issued(*executable.get(EXAMPLE_HOST, variables).credential, EXAMPLE_HOST)


class LoopbackTls(LoopbackServer):
    """The loopback cloud at an https address of its own."""

    def __init__(self, authority: Authority, cloud: AwsCloud) -> None:
        super().__init__(tls=authority.server_context("127.0.0.1"))
        self.handle = cloud.handle  # type: ignore[method-assign]


# --- Every failure --------------------------------------------------------------------------------


def test_an_expired_sso_session_says_how_to_sign_in_again(aws: Ecr) -> None:
    aws.cloud.start_sso(aws.home, "corp", expired=True)
    sso = f"sso_session = corp\n{SSO_ROLE}"
    role = f"role_arn = {aws.cloud.role('deploy')}\nsource_profile = my sso\n"
    aws.aws_config(
        f"[profile dev]\n{sso}[profile 'my sso']\n{sso}[profile deploy]\n{role}{SSO_SESSION}"
    )
    # The profile to sign in to is the one with SSO, not the one whose role it is for.
    for profile, command in {
        "dev": "aws sso login --profile dev",
        "deploy": "aws sso login --profile 'my sso'",
    }.items():
        failure = fail(aws, {"AWS_PROFILE": profile})
        assert failure.code == "ecr.sso-expired"
        assert failure.hint == f"run {command}"


def test_a_session_that_ended_elsewhere_says_how_to_sign_in_again(aws: Ecr) -> None:
    file = aws.cloud.start_sso(aws.home)
    session = json.loads(file.read_text())
    secret = aws.cloud.secret("token of yesterday")
    file.write_text(json.dumps({**session, "accessToken": secret}))
    aws.aws_config(f"[profile dev]\n{SSO_ROLE}{SSO_PLACE}")
    failure = fail(aws, AS_DEV)
    assert failure.code == "ecr.sso-expired"
    assert failure.hint == "run aws sso login --profile dev"
    aws.aws_config(f"[profile dev]\nlogin_session = {SIGN_IN}\n")
    assert fail(aws, AS_DEV).hint == "run aws login --profile dev"
    file = aws.cloud.sign_in(aws.home, SIGN_IN, timedelta(minutes=-1))
    session = json.loads(file.read_text())
    file.write_text(json.dumps({**session, "refreshToken": secret}))
    assert fail(aws, AS_DEV).hint == "run aws login --profile dev"


def test_a_sign_in_that_aws_refuses_to_renew_says_what_to_do(aws: Ecr) -> None:
    def refuse(error: str, kind: str, at: datetime) -> Failure:
        aws.cloud.sign_in(aws.home, SIGN_IN, timedelta(minutes=-1))
        headers = {"x-amzn-ErrorType": kind, "Date": format_datetime(at, usegmt=True)}
        aws.cloud.on("POST", "*/v1/token", lambda _: json_reply({"error": error}, 400, headers))
        return fail(aws, AS_DEV)

    aws.aws_config(f"[profile dev]\nlogin_session = {SIGN_IN}\n")
    now = datetime.now(UTC)
    # Of another region: https://github.com/aws/aws-cli/issues/10613
    failure = refuse("INVALID_REQUEST", "ValidationException", now)
    assert (failure.code, failure.hint) == ("ecr.sign-in-expired", "run aws login --profile dev")
    # https://github.com/aws/aws-cli/issues/10330
    failure = refuse("TOKEN_EXPIRED", "AccessDeniedException", now + timedelta(hours=1))
    assert failure.code == "ecr.clock-wrong"


# What is left of a session's file whose writing was cut short, or that another program writes.
@pytest.mark.parametrize("content", ["", "{", "[]", '{"accessToken": "t"}', "null"])
@pytest.mark.parametrize("sso", [f"sso_session = corp\n{SSO_ROLE}{SSO_SESSION}", None])
def test_a_damaged_sso_session_says_how_to_sign_in(aws: Ecr, content: str, sso: str | None) -> None:
    aws.cloud.start_sso(aws.home, "corp" if sso else None).write_text(content)
    aws.aws_config(f"[profile dev]\n{sso or SSO_ROLE + SSO_PLACE}")
    failure = fail(aws, AS_DEV)
    assert failure.code in ("ecr.sso-expired", "ecr.sign-in-damaged")
    assert failure.hint == "run aws sso login --profile dev"


@pytest.mark.parametrize("make", [identities.an_sso_session_to_renew, identities.a_sign_in])
def test_the_reason_for_a_field_of_another_type_is_the_session(aws: Ecr, make: Make) -> None:
    variables = make(aws, aws.cloud) | {"DOCKER_CREDENTIAL_MULTI_CACHE": "off"}
    [file] = aws.home.glob(".aws/*/cache/*.json")
    good = json.loads(file.read_text())
    inner = good["accessToken"] if isinstance(good["accessToken"], dict) else {}
    codes = set()
    for holder, wrong in product((good, inner), (7, ["x"])):
        for name in tuple(holder):
            value, holder[name] = holder[name], wrong
            file.write_text(json.dumps(good))
            holder[name] = value
            done = aws.get(**variables)
            assert "Error)" not in done.stderr, (name, done)
            if done.codes == ["ecr.sign-in-damaged"]:
                assert f"{file}, the session" in done.stderr
                assert f"has no valid {name} " in done.stderr
            codes.update(done.codes)
    assert "ecr.sign-in-damaged" in codes


def test_a_role_that_requires_a_code_does_not_ask_for_it(aws: Ecr, executable: Executable) -> None:
    role = aws.cloud.role("admin", aws.user)
    aws.cloud.roles[role].mfa_code = "123456"
    aws.aws_config(
        f"[profile base]\n{aws.user.options()}\n[profile dev]\nrole_arn = {role}\n"
        f"source_profile = base\nmfa_serial = arn:aws:iam::{ACCOUNT}:mfa/someone\n"
    )
    # A terminal of its own, where a prompt would be seen and an answer typed.
    terminal, ours = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", *COMMAND, "get"],
        env={**executable.environment, **aws.cloud.redirection(), **AS_DEV},
        stdin=ours,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    os.close(ours)
    os.write(terminal, f"{EXAMPLE_HOST}\n\x04".encode())
    stdout, stderr = process.communicate(timeout=60)
    shown = os.read(terminal, 1 << 16)
    os.close(terminal)
    assert process.returncode == 1
    assert shown.split() == [EXAMPLE_HOST.encode()]  # our own typing, and no prompt
    assert b'the role of profile "dev"' in stdout
    assert b"[ecr.mfa-needed]" in stderr
    assert b"run aws sts get-caller-identity --profile dev" in stderr
    assert aws.cloud.received == []


NONE_ALLOWS = "no {} allows the ecr:GetAuthorizationToken action"


def test_a_refusal_names_the_principal_and_the_action(aws: Ecr) -> None:
    aws.cloud.forbidden.add(aws.user.principal)
    failure = fail(aws, aws.user.environment())
    assert failure.code == "ecr.policy-does-not-allow"
    assert f"{aws.user.principal} may not do ecr:GetAuthorizationToken" in failure.reason
    assert "allow ecr:GetAuthorizationToken" in failure.hint
    # It does not stop a pull from the public registry.
    done = aws.get(PUBLIC_HOST, **aws.user.environment())
    assert (done.status, done.stdout) == (1, NOT_FOUND)
    assert done.codes == ["ecr.policy-does-not-allow"]
    assert "ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken" in done.stderr
    aws.aws_config(assumes(aws.cloud.role("closed"), aws.user))
    failure = fail(aws, {})
    assert failure.code == "ecr.role-not-assumable"
    assert aws.user.principal in failure.reason
    assert "sts:AssumeRole" in failure.hint


# AWS's words for the policy that is the reason → the code.
@pytest.mark.parametrize(
    ("because", "policy", "code"),
    [
        (NONE_ALLOWS, "VPC endpoint policy", "ecr.policy-does-not-allow"),
        (NONE_ALLOWS, "permissions boundary", "ecr.policy-does-not-allow"),
        ("of an explicit deny", "policy", "ecr.policy-denies"),
    ],
)
def test_a_refusal_names_the_policy(aws: Ecr, because: str, policy: str, code: str) -> None:
    message = (
        f"User: {aws.user.principal} is not authorized to perform: ecr:GetAuthorizationToken on"
        f" resource: * because {because.format(policy)}"
    )
    aws.cloud.fail("/", json_reply({"__type": "AccessDeniedException", "message": message}, 400))
    failure = fail(aws, aws.user.environment())
    assert failure.code == code
    assert f"{policy} " in failure.reason


def test_each_way_in_which_a_key_is_refused_has_its_own_code(aws: Ecr) -> None:
    session = {"AWS_ACCESS_KEY_ID": "ASIAUNKNOWN", "AWS_SECRET_ACCESS_KEY": "x"}
    assert fail(aws, session).code == "ecr.session-token-missing"
    stale = {**session, "AWS_ACCESS_KEY_ID": "AKIAUNKNOWN", "AWS_SESSION_TOKEN": "stale"}
    assert fail(aws, stale).code == "ecr.session-token-of-another-key"
    wrong = {**aws.user.environment(), "AWS_SECRET_ACCESS_KEY": aws.cloud.secret("wrong")}
    assert fail(aws, wrong).code == "ecr.secret-wrong"
    expired = aws.cloud.session(assumed("ci"), timedelta(minutes=-1))
    failure = fail(aws, expired.environment())
    assert failure.code == "ecr.session-expired"
    assert failure.hint.startswith("renew AWS_ACCESS_KEY_ID")
    aws.cloud.clock_ahead = timedelta(minutes=17)
    failure = fail(aws, aws.user.environment())
    assert failure.code == "ecr.clock-wrong"
    assert "17 minutes behind" in failure.reason


DEV = "[profile dev]\n"
DEV_ROLE = f"{DEV}role_arn = arn:aws:iam::123456789012:role/x\n"
BY_BASE = f"source_profile = base\n{KEYS.replace('default', 'profile base')}"
METADATA_URL = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
WRONG = "ecr.setting-wrong"


# The identity's own files and variables → the code. `test_ecr_identity` has what needs no get.
@pytest.mark.parametrize(
    ("config", "variables", "code"),
    [
        ("", {"AWS_ACCESS_KEY_ID": "AKIAUNKNOWN", "AWS_SECRET_ACCESS_KEY": "x"}, "ecr.key-unknown"),
        (f"{DEV_ROLE}external_id = 1\n{BY_BASE}", AS_DEV, "ecr.parameter-not-valid"),
        (f"{DEV_ROLE}duration_seconds = 60\n{BY_BASE}", AS_DEV, "ecr.parameter-not-valid"),
        # A profile with the name of a token.
        (
            "[profile other]\n",
            {"AWS_PROFILE": "ghp_abcdefghijklmnopqrstuvwxyz0123456789"},
            "ecr.profile-missing",
        ),
        (f"{DEV}{SSO_ROLE}{SSO_PLACE.rstrip()}  # Virginia\n", AS_DEV, "ecr.comment-behind-value"),
        (f"{DEV}credential_process = /none/keys\n", AS_DEV, "provider.program-not-started"),
        (f"{DEV}credential_process = /none/keys 'a\n", AS_DEV, "ecr.process-quotes"),
        (f"{DEV}loopback-secret\n", AS_DEV, "file.not-ini"),
        (
            f"{DEV_ROLE}credential_source = Environment\n",
            {**AS_DEV, "AWS_WEB_IDENTITY_TOKEN_FILE": "/none/token"},
            "ecr.credential-source-not-web-identity",
        ),
        ("[profile Foo Bar]\n", {"AWS_PROFILE": "Foo Bar"}, "ecr.section-misnamed"),
        ('["profile dev "]\nregion = eu-west-1\n', AS_DEV, "ecr.section-misnamed"),
        (
            "",
            {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://elsewhere.example/x"},
            "ecr.container-address",
        ),
        (
            "",
            {"AWS_EC2_METADATA_DISABLED": "false", METADATA_URL: "http://127.0.0.1:9"},
            "network.refused",
        ),
        (KEYS, {"AWS_ENDPOINT_URL_ECR": "nonsense"}, "ecr.endpoint-not-a-url"),
        (
            KEYS,
            {"AWS_ENDPOINT_URL_ECR": "", "AWS_ENDPOINT_URL": "nonsense"},
            "ecr.endpoint-not-a-url",
        ),
        (
            f"{KEYS}endpoint_url = http://127.0.0.1:9 # localstack\n",
            {"AWS_ENDPOINT_URL_ECR": ""},
            "ecr.comment-behind-value",
        ),
        # Not indented.
        (f"{KEYS}s3 =\nsignature_version = s3v4\n", {}, WRONG),
        (KEYS, {"AWS_METADATA_SERVICE_TIMEOUT": "wrong"}, WRONG),
        (KEYS, {"AWS_METADATA_SERVICE_NUM_ATTEMPTS": "wrong"}, WRONG),
        (KEYS, {"AWS_DEFAULTS_MODE": "wrong"}, WRONG),
        (KEYS, {"AWS_REQUEST_CHECKSUM_CALCULATION": "wrong"}, WRONG),
    ],
)
def test_a_wrong_configuration_is_named_and_no_other_identity_is_used(
    aws: Ecr, config: str, variables: dict[str, str], code: str
) -> None:
    # A role of this instance is there, and must not be used.
    aws.aws_config(config)
    assert fail(aws, {**aws.cloud.instance(), **variables}).code == code
    assert aws.cloud.calls == []


EMPTY = (
    *("AWS_METADATA_SERVICE_TIMEOUT", "AWS_DEFAULTS_MODE", "AWS_RETRY_MODE", "AWS_MAX_ATTEMPTS"),
    *("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "AWS_PROFILE"),
    *("AWS_DEFAULT_PROFILE", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_CONFIG_FILE"),
)


def test_an_empty_variable_counts_as_not_set(aws: Ecr) -> None:
    done = aws.get(**aws.user.environment(), **dict.fromkeys(EMPTY, ""))
    assert aws.cloud.issued(*done.credential, EXAMPLE_HOST)


def test_a_region_with_a_comment_does_not_stop_a_role(aws: Ecr) -> None:
    role = aws.cloud.role("deploy", aws.user)
    aws.aws_config(assumes(role, aws.user, "region = us-west-1  # optional\n"))
    assert aws.cloud.issued(*aws.get().credential, EXAMPLE_HOST)


def keys(**more: str | None) -> str:
    """A script that prints these as keys. $SECRET is the secret in them."""
    document = {"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "$SECRET", **more}
    return "echo " + json.dumps(json.dumps(document))


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("echo $SECRET >&2; exit 3", "ecr.process-failed"),
        ("echo $SECRET", "ecr.process-output"),
        ('echo "{\\"Version\\": \\"$SECRET\\"}"', "ecr.process-output"),
        ('echo "{\\"Version\\": 1, \\"AccessKeyId\\": \\"$SECRET\\"}"', "ecr.process-output"),
        ('echo "[\\"$SECRET\\"]"', "ecr.process-output"),
        ("printf '\\377'", "ecr.process-output"),
        (keys(Expiration=""), "ecr.process-output"),
        (keys(AccessKeyId=None, SecretAccessKey=None), "ecr.process-output"),
        ("exec yes $SECRET", "provider.program-output-too-long"),
        (keys(SessionToken="t", Expiration="2020-01-01T00:00:00Z"), "ecr.keys-expired"),
    ],
)
def test_a_program_without_keys_is_named_and_not_quoted(aws: Ecr, script: str, code: str) -> None:
    program = aws.write("keys", f"#!/bin/sh\n{script}\n", 0o700)
    aws.aws_config(f"[profile dev]\ncredential_process = {program}\n")
    failure = fail(aws, {**AS_DEV, "SECRET": aws.cloud.secret("program output")})
    assert failure.code == code
    assert 'profile "dev"' in failure.reason


def test_a_token_that_is_not_trusted_and_an_expired_one_have_two_codes(aws: Ecr) -> None:
    token = aws.cloud.secret("web identity")
    variables = {
        "AWS_ROLE_ARN": aws.cloud.role("pod"),
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(aws.write("token", token)),
    }
    assert fail(aws, variables).code == "ecr.token-not-trusted"
    aws.cloud.expired_web_tokens.add(token)
    assert fail(aws, variables).code == "ecr.token-file-expired"


def test_a_role_that_sso_does_not_give_is_named(aws: Ecr) -> None:
    aws.cloud.start_sso(aws.home)
    aws.cloud.sso_assignments.clear()
    aws.aws_config(f"[profile dev]\n{SSO_ROLE}{SSO_PLACE}")
    assert fail(aws, AS_DEV).code == "ecr.sso-role-not-given"


def test_a_container_that_refuses_is_named(aws: Ecr) -> None:
    wrong = {
        **aws.cloud.container(),
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": aws.cloud.secret("wrong"),
    }
    failure = fail(aws, wrong)
    assert failure.code == "ecr.container-refuses"
    assert f"the credentials at {aws.cloud.url}" in failure.reason


def token(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def no_token(**data: object) -> Fault:
    return faults.wrong_json({"authorizationData": [data]})


# What the API answers → the code. The fault matrix has the faults of every server.
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (faults.html(403), "ecr.not-aws"),
        (faults.wrong_json({"authorizationData": []}), "ecr.no-token"),
        (faults.wrong_json({"authorizationData": {"a": 1}}), "ecr.answer-unreadable"),
        (Reply(body=b"\xff\xfe"), "ecr.answer-unreadable"),
        (no_token(authorizationToken=1), "ecr.no-token"),
        (no_token(authorizationToken="!"), "ecr.token-encoding"),
        (no_token(authorizationToken=token("AWS:")), "ecr.token-not-a-login"),
        (
            json_reply({"__type": "ThrottlingException", "message": "Rate exceeded"}, 400),
            "ecr.api-throttles",
        ),
    ],
)
def test_an_answer_without_a_token_is_reported(aws: Ecr, answer: Fault, code: str) -> None:
    aws.cloud.fail("/", answer)
    assert fail(aws, aws.user.environment()).code == code


def test_without_an_answer_of_sts_the_instance_is_not_asked(aws: Ecr) -> None:
    token = aws.cloud.secret("web identity")
    file = str(aws.write("token", token))
    variables = {"AWS_ROLE_ARN": aws.cloud.role("pod", token), "AWS_WEB_IDENTITY_TOKEN_FILE": file}
    aws.cloud.fail("/sts", faults.unavailable())
    assert fail(aws, {**aws.cloud.instance(), **variables}).code == "ecr.api-not-working"
    assert aws.cloud.calls == []


def test_an_api_that_fails_once_is_asked_again(aws: Ecr) -> None:
    aws.cloud.fail("/", faults.unavailable(), times=1)
    assert aws.cloud.issued(*aws.get(**aws.user.environment()).credential, EXAMPLE_HOST)
    assert len(aws.cloud.received) == 2


def test_a_silent_metadata_service_is_not_waited_for(aws: Ecr) -> None:
    aws.cloud.fail("/latest/*", faults.never_answer)
    began_at_s = monotonic()
    failure = fail(aws, aws.cloud.instance())
    assert monotonic() - began_at_s < 3 + WITHIN_S
    assert failure.code == "network.timeout"
    assert "hop limit" in failure.hint


# The second asks the SDK for its own profile, round and round: https://github.com/aws/aws-cli/issues/8860
@pytest.mark.parametrize("script", ["exec sleep 60", 'sleep 0.2; "$0"'])
def test_a_silent_program_is_not_waited_for_past_the_deadline(aws: Ecr, script: str) -> None:
    pids = aws.home / "pids"
    program = aws.write("keys", f"#!/bin/sh\necho $$ >> {pids}\n{script}\n", 0o700)
    aws.aws_config(f"[profile dev]\ncredential_process = {program}\n")
    began_at_s = monotonic()
    failure = fail(aws, {**AS_DEV, "DOCKER_CREDENTIAL_MULTI_DEADLINE_S": "2"})
    assert monotonic() - began_at_s < 2 + WITHIN_S
    assert failure.code == "provider.no-answer"
    assert 'credential_process of profile "dev"' in failure.reason
    assert all(has_ended(int(pid)) for pid in pids.read_text().split())


# --- Nothing configured ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "codes"),
    [
        (EXAMPLE_HOST, ["ecr.no-identity"]),
        (FIPS_HOST, ["ecr.no-identity"]),
        (PUBLIC_HOST, []),
        ("quay.io", []),
    ],
)
def test_without_an_identity_a_private_registry_has_one_line_of_warning(
    executable: Executable, host: str, codes: list[str]
) -> None:
    began_at_s = monotonic()
    done = executable.get(host)
    assert monotonic() - began_at_s < WITHIN_S
    assert (done.status, done.stdout) == (1, NOT_FOUND)
    assert (done.codes, len(done.stderr.splitlines())) == (codes, len(codes))


def test_a_login_to_a_private_registry_needs_no_key(executable: Executable, home: Path) -> None:
    (home / ".docker").mkdir(exist_ok=True)
    entry = {"auth": base64.b64encode(b"AWS:password").decode()}
    (home / ".docker" / "config.json").write_text(json.dumps({"auths": {EXAMPLE_HOST: entry}}))
    assert executable.get(EXAMPLE_HOST).credential == ("AWS", "password")


@pytest.mark.skipif(
    COMMAND[0] != sys.executable, reason="the imports of a frozen file cannot be listed"
)
def test_with_no_identity_the_sdk_is_not_loaded(aws: Ecr) -> None:
    done = aws.call(sys.executable, "-X", "importtime", *COMMAND[1:], "get", stdin=EXAMPLE_HOST)
    assert done.stdout.encode() == NOT_FOUND
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "cred_helper.providers.ecr" in loaded
    assert not {"botocore", "boto3", "urllib3", "configparser", "ssl"} & loaded


# --- Nothing else reaches the client --------------------------------------------------------------


def test_what_the_sdk_prints_does_not_reach_the_client(aws: Ecr, tmp_path: Path) -> None:
    # A module of the same process that prints, warns, logs and starts a child that prints, the
    # moment the SDK is loaded: Python runs it on its own at the start.
    (tmp_path / "sitecustomize.py").write_text(
        "import builtins, sys\n"
        "load = builtins.__import__\n"
        "def noisy(name, *rest, **named):\n"
        "    if name == 'botocore.session' and 'noise' not in sys.modules:\n"
        "        sys.modules['noise'] = sys\n"
        "        import logging, os, warnings\n"
        "        print('printed'); os.write(1, b'written'); os.system('echo by a child')\n"
        "        warnings.warn('warned'); logging.getLogger('botocore').error('logged')\n"
        "    return load(name, *rest, **named)\n"
        "builtins.__import__ = noisy\n"
    )
    if COMMAND[0] != sys.executable:
        pytest.skip("a frozen file takes no module from elsewhere")
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    done = aws.get(**aws.user.environment(), PYTHONPATH=path)
    assert done.status == 0
    document = done.document
    assert aws.cloud.issued(document["Username"], document["Secret"], EXAMPLE_HOST)
    assert "printed" in done.stderr
    assert "by a child" in done.stderr
    assert "warned" not in done.stderr
    assert "logged" not in done.stderr
