"""Another project's AWS answers the executable: moto checks signatures, policies and role trust.

Its registry token names the account that it was made for. It does not check web identities and does
not know an instance's key: the tests of these two switch its access control off.

Source: https://docs.getmoto.org/en/latest/docs/iam.html
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import requests

from tests.support.executable import ROOT
from tests.support.machine import Machine, wait_until

_SERVER = ROOT / "build/moto/bin/moto_server"
_ACCOUNT, _OTHER = "123456789012", "210987654321"
_REGION = "eu-west-1"
_EXTERNAL_ID = "shared/with.us"
_PULL = "ecr:GetAuthorizationToken"
_HOST = f"{_ACCOUNT}.dkr.ecr.{_REGION}.amazonaws.com"

pytestmark = pytest.mark.skipif(
    not _SERVER.exists(), reason="moto is not in build/moto: see .ci/run"
)


class Moto:
    """The server, and the actions of its administrator."""

    def __init__(self, url: str) -> None:
        self.url = url
        session = botocore.session.Session()
        session.set_credentials("administrator", "unchecked")
        self.iam, self.sts, self.s3 = (
            session.create_client(service, region_name=_REGION, endpoint_url=url)
            for service in ("iam", "sts", "s3")
        )

    def check_access(self, on: bool) -> None:
        """Check each request's signature and policies from now on, or no longer."""
        body = "0" if on else "inf"
        assert requests.post(f"{self.url}/moto-api/reset-auth", body, timeout=30).ok

    def user(self, name: str, *actions: str) -> dict[str, str]:
        """A new user who may do these actions; the options of its key."""
        self.iam.create_user(UserName=name)
        if actions:
            document = _policy(Action=list(actions), Resource="*")
            self.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return {
            "aws_access_key_id": key["AccessKeyId"],
            "aws_secret_access_key": key["SecretAccessKey"],
        }

    def role(self, name: str, principal: str) -> str:
        """A new role that may pull; only this principal may assume it, with the external id."""
        condition = {"StringEquals": {"sts:ExternalId": _EXTERNAL_ID}}
        trust = _policy(Action="sts:AssumeRole", Principal={"AWS": principal}, Condition=condition)
        role = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
        document = _policy(Action=_PULL, Resource="*")
        self.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
        return str(role["Arn"])


def _policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def _options(key: dict[str, str]) -> str:
    return "".join(f"{name} = {value}\n" for name, value in key.items())


def _environment(key: dict[str, str]) -> dict[str, str]:
    return {name.upper(): value for name, value in key.items()}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    log = tmp_path_factory.mktemp("moto") / "log"
    command = [str(_SERVER), "-H", "127.0.0.1", "-p", "0"]
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=errors, env={}) as process,
    ):
        try:
            wait_until(lambda: "Running on" in log.read_text())
            (url,) = re.findall(r"Running on (http://[\w.:]+)", log.read_text())
            yield Moto(url)
        finally:
            process.kill()


@pytest.fixture
def moto(server: Moto) -> Moto:
    server.check_access(on=False)
    assert requests.post(f"{server.url}/moto-api/reset", timeout=30).ok
    return server


@pytest.fixture
def machine(moto: Moto, home: Path) -> Machine:
    return Machine(
        home, host=_HOST, AWS_ENDPOINT_URL=moto.url, AWS_EC2_METADATA_SERVICE_ENDPOINT=moto.url
    )


def _account_of(machine: Machine, **variables: str) -> str:
    """The account for which moto made the token that ``get`` answers."""
    done = machine.get(**variables)
    assert done.status == 0, done
    answer = json.loads(done.stdout)
    assert answer["Username"] == "AWS"
    assert answer["Secret"].endswith("-auth-token")
    return str(answer["Secret"].removesuffix("-auth-token"))


@pytest.mark.parametrize("place", ["variables", "credentials", "profile", "process"])
def test_a_signed_request_is_answered(machine: Machine, moto: Moto, place: str) -> None:
    key = moto.user("puller", _PULL)
    moto.check_access(on=True)
    variables = {}
    if place == "variables":
        variables = _environment(key)
    elif place == "credentials":
        machine.write(".aws/credentials", f"[default]\n{_options(key)}")
    elif place == "profile":
        machine.aws_config(f"[profile p]\n{_options(key)}")
        variables = {"AWS_PROFILE": "p"}
    else:
        names = {"AccessKeyId": "aws_access_key_id", "SecretAccessKey": "aws_secret_access_key"}
        printed = {"Version": 1, **{name: key[option] for name, option in names.items()}}
        program = machine.scripts.program("keys", f"echo '{json.dumps(printed)}'")
        machine.aws_config(f"[default]\ncredential_process = {program}\n")
    assert _account_of(machine, **variables) == _ACCOUNT


def test_a_role_is_assumed_where_key_policy_and_trust_allow_it(
    machine: Machine, moto: Moto
) -> None:
    """Each row: the caller, the request to STS, and the token's account or the error."""
    user, bare = moto.user("user", "sts:AssumeRole"), moto.user("bare")
    role = moto.role("pull", f"arn:aws:iam::{_ACCOUNT}:user/user")
    moto.check_access(on=True)
    right = f"external_id = {_EXTERNAL_ID}\n"
    wrong_secret = {**user, "aws_secret_access_key": "c" * 40}
    unknown = {**user, "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE"}
    outcomes = []
    for key, option in [
        (user, right),
        (user, "external_id = other\n"),
        (bare, right),
        (wrong_secret, right),
        (unknown, right),
    ]:
        machine.aws_config(
            f"[profile p]\nrole_arn = {role}\nsource_profile = user\n{option}"
            f"[profile user]\n{_options(key)}"
        )
        done = machine.get(AWS_PROFILE="p")
        code = re.search(r"\[(\S+)\]$", done.stderr, re.MULTILINE)
        outcomes.append(code[1] if code else json.loads(done.stdout)["Secret"])
    assert outcomes == [
        f"{_ACCOUNT}-auth-token",
        "ecr.role-not-assumable",
        "ecr.role-not-assumable",
        "ecr.secret-wrong",
        "ecr.key-unknown",
    ]


def test_a_role_of_another_account_has_that_accounts_token(machine: Machine, moto: Moto) -> None:
    first = f"arn:aws:iam::{_ACCOUNT}:role/first"
    second = f"arn:aws:iam::{_OTHER}:role/second"
    machine.aws_config(
        f"[profile user]\n{_options(moto.user('user'))}"
        f"[profile first]\nrole_arn = {first}\nsource_profile = user\n"
        f"[profile second]\nrole_arn = {second}\nsource_profile = first\n"
    )
    accounts = [_account_of(machine, AWS_PROFILE=name) for name in ("first", "second", "first")]
    assert accounts == [_ACCOUNT, _OTHER, _ACCOUNT]


def test_a_web_identity_has_its_roles_account(machine: Machine) -> None:
    token = machine.write("token", "e30.e30.e30")
    role = f"arn:aws:iam::{_OTHER}:role/web"
    variables = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": role}
    assert _account_of(machine, **variables) == _OTHER


def test_the_instances_role_is_answered(machine: Machine) -> None:
    assert _account_of(machine, AWS_EC2_METADATA_DISABLED="false") == _ACCOUNT


def test_the_headers_for_bazel_download_from_s3(machine: Machine, moto: Moto) -> None:
    keys = moto.user("builder", "s3:GetObject"), moto.user("other", _PULL)
    place = {"LocationConstraint": _REGION}
    moto.s3.create_bucket(Bucket="artifacts", CreateBucketConfiguration=place)
    moto.s3.put_object(Bucket="artifacts", Key="tools/a b+c.tar", Body=b"content")
    moto.check_access(on=True)
    service = f"s3.{_REGION}.amazonaws.com"
    for host, folder in (f"artifacts.{service}", "/tools"), (service, "/artifacts/tools"):
        machine.settings(f'[[rule]]\nmatch = "{host}"\nprovider = "ecr"\n')
        path = f"{folder}/a%20b%2Bc.tar"
        replies = []
        for key in keys:
            done = machine.headers(f"https://{host}{path}", **_environment(key))
            headers = {n: ", ".join(v) for n, v in json.loads(done.stdout)["headers"].items()}
            url = f"{moto.url}{path}"
            replies.append(requests.get(url, headers={"Host": host, **headers}, timeout=30))
        assert [reply.status_code for reply in replies] == [200, 403]
        assert replies[0].content == b"content"
        assert b"AccessDenied" in replies[1].content
