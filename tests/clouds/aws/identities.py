"""The identity sources of AWS."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path
from typing import Any

from cred_helper.providers.common import ci_job
from tests.clouds import aws, ci
from tests.clouds.aws import ACCOUNT, START_URL, AwsCloud
from tests.clouds.ci import CiSystem
from tests.clouds.sigv4 import Key
from tests.support.identity import OPTION, Environment, Make, identity
from tests.support.machine import Machine

SSO_ROLE = f"sso_account_id = {ACCOUNT}\nsso_role_name = Puller\n"
SSO_PLACE = f"sso_start_url = {START_URL}\nsso_region = us-east-1\n"
SSO_SESSION = f"[sso-session corp]\n{SSO_PLACE}sso_registration_scopes = sso:account:access\n"
SIGN_IN = f"arn:aws:iam::{ACCOUNT}:user/signed-in"
_CONTAINER = "container-role/i-0123456789abcdef0"
_INSTANCE = "instance-role/i-0123456789abcdef0"
_PORTAL = "GET /sso/federation/credentials"
_METADATA = "/latest/meta-data/iam/security-credentials/"
_INSTANCE_ASKS = (
    "PUT /latest/api/token",
    f"GET {_METADATA}",
    f"GET {_METADATA}{aws.INSTANCE_ROLE}",
)


def _of_aws(
    path: str, *forms: str, principal: str, asks: tuple[str, ...] = ()
) -> Callable[[Make], Make]:
    return identity("ecr", path, *forms, principal=principal, asks=(*asks, "POST /"))


def _user(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:user/{name}"


def assumed(role: str) -> str:
    """The beginning of the name of every session of a role."""
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}"


def _profile(machine: Machine, cloud: AwsCloud, text: str) -> Environment:
    """A configuration of its own, in which the profile is ``dev``."""
    path = machine.write(f".aws/config-{sha1(text.encode()).hexdigest()[:8]}", text)
    return {"AWS_CONFIG_FILE": str(path), "AWS_PROFILE": "dev", **cloud.redirection()}


def _capitalised(key: Key) -> dict[str, object]:
    return {name[0].upper() + name[1:]: value for name, value in key.fields().items()}


def _keep(machine: Machine, key: Key, what: dict[str, str]) -> None:
    """Write a session to the file of the AWS CLI, in its format."""
    compact = (",", ":") if "accountId" in what else None  # a role's name is spelt with blanks
    name = sha1(json.dumps(what, sort_keys=True, separators=compact).encode()).hexdigest()
    ends_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    credentials = {**_capitalised(key), "Expiration": ends_at}
    machine.write(f".aws/cli/cache/{name}.json", {"Credentials": credentials})


@_of_aws("/", "aws", "aws code", "text", principal=assumed("r/s"))
def keys_in_variables(machine: Machine, cloud: AwsCloud) -> Environment:
    return {**cloud.session(assumed("r/s")).environment(), **cloud.redirection()}


@_of_aws("/", principal=_user("someone"))
def a_key_without_end(machine: Machine, cloud: AwsCloud) -> Environment:
    return {**cloud.user("someone").environment(), **cloud.redirection()}


@_of_aws("/", principal=_user("default"))
def keys_of_the_default_profile(machine: Machine, cloud: AwsCloud) -> Environment:
    machine.write(".aws/credentials", f"[default]\n{cloud.user('default').options()}\n")
    return dict(cloud.redirection())


@_of_aws("/", principal=_user("redirected"))
def a_key_and_endpoints_of_the_profile(machine: Machine, cloud: AwsCloud) -> Environment:
    services = "".join(f"{api} =\n  endpoint_url = {cloud.url}\n" for api in ("ecr", "ecr_public"))
    text = f"[default]\nservices = loopback\n[services loopback]\n{services}"
    machine.write(".aws/config", text)
    return dict(cloud.user("redirected").environment())


@_of_aws("/", "aws", principal=_user("profile"))
def keys_of_a_profile(machine: Machine, cloud: AwsCloud) -> Environment:
    keys = cloud.user("profile").options()
    text = f"[profile dev]\n{keys}\n[default]\naws_access_key_id = other\n"
    return _profile(machine, cloud, text)


@_of_aws("/", principal=_user("loose"))
def a_profile_with_blanks_and_comments(machine: Machine, cloud: AwsCloud) -> Environment:
    options = cloud.user("loose").options().replace("\n", "\n   ")
    return _profile(machine, cloud, f"\n [profile dev] /* ours */\n   {options}\n\n")


@_of_aws("/", principal=_user("boto"))
def keys_of_a_boto_file(machine: Machine, cloud: AwsCloud) -> Environment:
    path = machine.write("boto.cfg", f"[Credentials]\n{cloud.user('boto').options()}\n")
    return {"BOTO_CONFIG": str(path), **cloud.redirection()}


@_of_aws("/sts", "xml", "text", principal=assumed("assumed/"), asks=("POST /sts",))
def an_assumed_role(machine: Machine, cloud: AwsCloud) -> Environment:
    user = cloud.user("assuming")
    role = f"[profile dev]\nrole_arn = {cloud.role('assumed', user)}\nsource_profile = user\n"
    return _profile(machine, cloud, f"{role}[profile user]\n{user.options()}\n")


@_of_aws("/sts", principal=assumed("second/"), asks=("POST /sts", "POST /sts"))
def a_role_of_a_role(machine: Machine, cloud: AwsCloud) -> Environment:
    user = cloud.user("first")
    first = cloud.role("first", user)
    second = cloud.role("second", assumed("first/one"))
    cloud.roles[second].external_id = "outside"
    text = f"[profile base]\n{user.options()}\n"
    text += f"[profile one]\nrole_arn = {first}\nsource_profile = base\nrole_session_name = one\n"
    text += f"[profile dev]\nrole_arn = {second}\nsource_profile = one\nexternal_id = outside\n"
    return _profile(machine, cloud, text)


@_of_aws("/sts", principal=assumed("deploy/"), asks=("POST /sts",))
def a_role_by_keys_in_variables(machine: Machine, cloud: AwsCloud) -> Environment:
    user = cloud.user("deploying")
    text = f"[profile dev]\nrole_arn = {cloud.role('deploy', user)}\n"
    named = _profile(machine, cloud, f"{text}credential_source = Environment\n")
    return {**named, f"{OPTION}ECR_PROFILE": "dev", **user.environment()}


@_of_aws("/sts", principal=assumed("deploy/"), asks=("GET /container", "POST /sts"))
def a_role_by_the_container(machine: Machine, cloud: AwsCloud) -> Environment:
    role = cloud.role("deploy", assumed(_CONTAINER))
    text = f"[profile dev]\nrole_arn = {role}\ncredential_source = EcsContainer\n"
    return {**_profile(machine, cloud, text), **cloud.container()}


@_of_aws("/sts", principal=assumed("deploy/"), asks=(*_INSTANCE_ASKS, "POST /sts"))
def a_role_by_the_instance(machine: Machine, cloud: AwsCloud) -> Environment:
    role = cloud.role("deploy", assumed(_INSTANCE))
    text = f"[profile dev]\nrole_arn = {role}\ncredential_source = Ec2InstanceMetadata\n"
    return {**_profile(machine, cloud, text), **cloud.instance()}


@_of_aws("/sts", "xml", principal=assumed("web/pod-1"), asks=("POST /sts",))
def a_web_identity(machine: Machine, cloud: AwsCloud) -> Environment:
    token = machine.secret("a web identity token")
    return {
        **cloud.redirection(),
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(machine.write("web-token", token)),
        "AWS_ROLE_ARN": cloud.role("web", token),
        "AWS_ROLE_SESSION_NAME": "pod-1",
    }


@_of_aws("/sts", principal=assumed("web/"), asks=("POST /sts",))
def a_web_identity_of_a_profile(machine: Machine, cloud: AwsCloud) -> Environment:
    token = machine.secret("a web identity token")
    role = f"role_arn = {cloud.role('web', token)}\n"
    file = f"web_identity_token_file = {machine.write('web-token', token)}\n"
    return _profile(machine, cloud, f"[profile dev]\n{role}{file}")


@_of_aws("*/federation/credentials", principal=assumed("Puller/"), asks=(_PORTAL,))
def an_sso_login_without_a_session(machine: Machine, cloud: AwsCloud) -> Environment:
    cloud.start_sso(machine.home)
    return _profile(machine, cloud, f"[profile dev]\n{SSO_ROLE}{SSO_PLACE}")


@_of_aws("*/federation/credentials", principal=assumed("Puller/"), asks=(_PORTAL,))
def an_sso_session(machine: Machine, cloud: AwsCloud) -> Environment:
    renewal: dict[str, Any] = cloud.sso_renewal()
    cloud.start_sso(machine.home, "corp", **renewal)
    return _profile(machine, cloud, f"[profile dev]\nsso_session = corp\n{SSO_ROLE}{SSO_SESSION}")


@_of_aws("*/federation/credentials", principal=assumed("Puller/"), asks=(_PORTAL,))
def an_sso_session_by_the_variable_that_comes_first(
    machine: Machine, cloud: AwsCloud
) -> Environment:
    variables = an_sso_session(machine, cloud)
    with Path(variables["AWS_CONFIG_FILE"]).open("a") as config:
        config.write(f"[profile other]\n{cloud.user('other').options()}\n")
    return {**variables, "AWS_DEFAULT_PROFILE": "dev", "AWS_PROFILE": "other"}


@_of_aws("/sts", principal=assumed("deploy/"), asks=(_PORTAL, "POST /sts"))
def a_role_by_an_sso_session(machine: Machine, cloud: AwsCloud) -> Environment:
    variables = an_sso_session(machine, cloud)
    role = cloud.role("deploy", assumed("Puller/someone"))
    with Path(variables["AWS_CONFIG_FILE"]).open("a") as config:
        config.write(f"[profile deploy]\nrole_arn = {role}\nsource_profile = dev\n")
    return {**variables, "AWS_PROFILE": "deploy"}


@_of_aws(
    "/oidc/token", "aws", "oauth", principal=assumed("Puller/"), asks=("POST /oidc/token", _PORTAL)
)
def an_sso_session_to_renew(machine: Machine, cloud: AwsCloud) -> Environment:
    renewal: dict[str, Any] = cloud.sso_renewal()
    machine.marks.add(renewal["clientSecret"], "the SSO client's secret")
    cloud.start_sso(machine.home, "corp", expired=True, **renewal)
    return _profile(machine, cloud, f"[profile dev]\nsso_session = corp\n{SSO_ROLE}{SSO_SESSION}")


@_of_aws("/", principal=assumed("Puller/kept"))
def an_sso_session_that_the_cli_keeps_a_role_of(machine: Machine, cloud: AwsCloud) -> Environment:
    cloud.start_sso(machine.home, "corp", expired=True)
    key = cloud.session(assumed("Puller/kept"))
    _keep(machine, key, {"accountId": ACCOUNT, "roleName": "Puller", "sessionName": "corp"})
    return _profile(machine, cloud, f"[profile dev]\nsso_session = corp\n{SSO_ROLE}{SSO_SESSION}")


@_of_aws("/", principal=SIGN_IN)
def a_sign_in(machine: Machine, cloud: AwsCloud) -> Environment:
    cloud.sign_in(machine.home, SIGN_IN, timedelta(minutes=15))
    return _profile(machine, cloud, f"[profile dev]\nlogin_session = {SIGN_IN}\n")


@_of_aws("*/v1/token", "aws", principal=SIGN_IN, asks=("POST /signin/v1/token",))
def a_sign_in_to_renew(machine: Machine, cloud: AwsCloud) -> Environment:
    cloud.sign_in(machine.home, SIGN_IN, timedelta(minutes=-1))
    text = f"[profile dev]\nlogin_session = {SIGN_IN}\nregion = us-east-1\n"
    return _profile(machine, cloud, text)


@_of_aws("/", "aws", principal=assumed("process/s"))
def a_credential_process(machine: Machine, cloud: AwsCloud) -> Environment:
    key = cloud.session(assumed("process/s"))
    answer = {"Version": 1, **_capitalised(key)}
    # Its standard error must not be in any output.
    chatter = cloud.secret("chatter")
    body = f"echo {chatter} >&2\necho '{json.dumps(answer)}'"
    program = machine.scripts.program("give-keys", body)
    return _profile(machine, cloud, f"[profile dev]\ncredential_process = {program}\n")


@_of_aws(
    "/container", "text", "aws", principal=assumed("container-role/"), asks=("GET /container",)
)
def a_container_role(machine: Machine, cloud: AwsCloud) -> Environment:
    variables = cloud.container()
    variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] += f"?t={machine.secret('a URL')}"
    return {**variables, **cloud.redirection()}


@_of_aws("/container", principal=assumed("container-role/"), asks=("GET /container",))
def a_pod(machine: Machine, cloud: AwsCloud) -> Environment:
    variables = cloud.container()
    token = variables.pop("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = str(machine.write("token", token))
    return {**variables, **cloud.redirection()}


@_of_aws(f"{_METADATA}*", "text", "aws", principal=assumed("instance-role/"), asks=_INSTANCE_ASKS)
def an_ec2_instance(machine: Machine, cloud: AwsCloud) -> Environment:
    return {**cloud.instance(), **cloud.redirection()}


@_of_aws("/", principal=assumed("admin/kept"))
def a_role_that_wants_a_code_which_the_cli_asked_for(
    machine: Machine, cloud: AwsCloud
) -> Environment:
    user = cloud.user("someone")
    role = cloud.role("admin", user)
    device = f"arn:aws:iam::{ACCOUNT}:mfa/someone"
    key = cloud.session(assumed("admin/kept"))
    _keep(machine, key, {"RoleArn": role, "SerialNumber": device})
    text = f"[profile base]\n{user.options()}\n"
    text += f"[profile dev]\nrole_arn = {role}\nsource_profile = base\nmfa_serial = {device}\n"
    return _profile(machine, cloud, text)


@_of_aws(
    "/sts", "xml", "text", principal=assumed("ci/"), asks=(f"GET {ci.GITHUB_PATH}", "POST /sts")
)
def the_token_of_a_github_job(machine: Machine, cloud: AwsCloud) -> Environment:
    cloud.role("ci", "job")
    return {
        **cloud.redirection(),
        **_github(machine, cloud),
        f"{OPTION}ECR_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/ci",
        f"{OPTION}ECR_ID_TOKEN": "ci",
    }


@_of_aws(
    ci.GITHUB_PATH, "text", "oauth", principal=assumed("ci/"),
    asks=(f"GET {ci.GITHUB_PATH}", "POST /sts"),
)  # fmt: skip
def the_request_token_of_a_github_job(machine: Machine, cloud: AwsCloud) -> Environment:
    return the_token_of_a_github_job(machine, cloud)


def _github(machine: Machine, cloud: Any) -> Environment:
    """A job of GitHub, whose endpoint is at the cloud's server."""
    cloud.ci = CiSystem(cloud)
    variables = cloud.ci.github("job")
    machine.marks.add(variables[ci_job.GITHUB_TOKEN], ci_job.GITHUB_TOKEN)
    return dict(variables)
