"""Every identity source of every cloud, each with secrets of its own.

``machine.secret`` and ``machine.marks`` know these secrets, and ``machine.run`` fails if one of
them is printed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from cred_helper.providers.common import ci_job
from tests.clouds import aws, azure, ci, dockerhub, google
from tests.clouds.aws import ACCOUNT, START_URL, AwsCloud
from tests.clouds.azure import MANAGED_CLIENT_ID, AzureCloud
from tests.clouds.ci import CiSystem
from tests.clouds.dockerhub import DockerHub
from tests.clouds.google import GoogleCloud
from tests.clouds.loopback import loopbacks
from tests.clouds.server import json_reply
from tests.clouds.sigv4 import Key
from tests.support.executable import CLOSED_PORT
from tests.support.machine import Machine

Environment = dict[str, str]
Make = Callable[[Machine, Any], Environment]


@dataclass(frozen=True)
class Identity:
    """One identity source.

    ``cloud`` is the name of its row. ``make`` writes its files and programs, and returns its
    variables. ``principal`` is the beginning of its name at the cloud. ``asks`` are the requests of
    one ``get``, without the host if that is loopback. ``path`` is the step at which the cloud
    receives its secret; ``forms`` are the formats of the cloud's refusals there; empty if another
    identity has the same secret at the same step.
    """

    name: str
    cloud: str
    make: Make
    path: str
    forms: tuple[str, ...]
    principal: str
    asks: tuple[str, ...]

    @property
    def registry(self) -> str:
        return loopbacks()[self.cloud].host

    def __str__(self) -> str:
        return f"{self.cloud}: {self.name}"


IDENTITIES: list[Identity] = []


def of_cloud(name: str) -> list[Identity]:
    return [identity for identity in IDENTITIES if identity.cloud == name]


def _identity(
    cloud: str, path: str, *forms: str, principal: str = "", asks: tuple[str, ...] = ()
) -> Callable[[Make], Make]:
    def add(make: Make) -> Make:
        name = getattr(make, "__name__", "").strip("_").replace("_", " ")
        IDENTITIES.append(Identity(name, cloud, make, path, forms, principal, asks))
        return make

    return add


_OPTION = "DOCKER_CREDENTIAL_MULTI_"

# --- AWS ------------------------------------------------------------------------------------------

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
    return _identity("ecr", path, *forms, principal=principal, asks=(*asks, "POST /"))


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
    return {**named, f"{_OPTION}ECR_PROFILE": "dev", **user.environment()}


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
        f"{_OPTION}ECR_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/ci",
        f"{_OPTION}ECR_ID_TOKEN": "ci",
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


# --- Google ---------------------------------------------------------------------------------------

# By their real names, behind a proxy.
_TOKEN_URI = "https://oauth2.googleapis.com/token"
_STS = "https://sts.googleapis.com/v1/token"
_ASKS_TOKEN = "POST oauth2.googleapis.com/token"
_ASKS_STS = "POST sts.googleapis.com/v1/token"
_ASKS_MTLS = "POST sts.mtls.googleapis.com/v1/token"
_ASKS_IAM = (
    "POST iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
    f"{google.TARGET}:generateAccessToken"
)
_ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default/"
# An STS of Amazon is not asked: the request to it is the subject token.
_AWS_SOURCE = {
    "environment_id": "aws1",
    "regional_cred_verification_url": "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity",
}


def _named(machine: Machine, info: object) -> Environment:
    text = json.dumps(info)
    path = machine.write(f"adc/{sha1(text.encode()).hexdigest()[:8]}.json", text)
    return {"GOOGLE_APPLICATION_CREDENTIALS": str(path)}


def _key(cloud: GoogleCloud) -> dict[str, Any]:
    return cloud.service_account_info(token_uri=_TOKEN_URI)


def _federated(cloud: GoogleCloud, source: Mapping[str, object], **more: object) -> dict[str, Any]:
    return cloud.federated_info(source, token_url=_STS, **more)


def _token_file(machine: Machine, cloud: GoogleCloud) -> dict[str, object]:
    return {"file": str(machine.write("subject-token", cloud.subject_token()))}


@_identity(
    "gcr", "/token", "oauth", "oauth code", "text", principal=google.PUSHER, asks=(_ASKS_TOKEN,)
)
def a_service_account(machine: Machine, cloud: GoogleCloud) -> Environment:
    return _named(machine, _key(cloud))


@_identity("gcr", "/token", "oauth", "oauth code", principal=google.USER, asks=(_ASKS_TOKEN,))
def a_user(machine: Machine, cloud: GoogleCloud) -> Environment:
    return _named(machine, cloud.user_info())


@_identity("gcr", "/token", principal=google.USER, asks=(_ASKS_TOKEN,))
def a_sign_in_for_applications(machine: Machine, cloud: GoogleCloud) -> Environment:
    path = ".config/gcloud/application_default_credentials.json"
    machine.write(path, cloud.user_info())
    return {}


@_identity("gcr", "/token", principal=google.PUSHER, asks=(_ASKS_TOKEN,))
def a_key_that_an_option_names(machine: Machine, cloud: GoogleCloud) -> Environment:
    return {f"{_OPTION}GCR_CREDENTIALS_FILE": str(machine.write("key.json", _key(cloud)))}


@_identity(
    "gcr", "/v1/oauthtoken", "oauth", principal=google.USER,
    asks=("POST sts.googleapis.com/v1/oauthtoken",),
)  # fmt: skip
def a_workforce_user(machine: Machine, cloud: GoogleCloud) -> Environment:
    url = "https://sts.googleapis.com/v1/oauthtoken"
    return _named(machine, cloud.federated_user_info(token_url=url))


@_identity("gcr", "/v1/token", principal=google.WORKLOAD, asks=(_ASKS_STS,))
def a_subject_token_in_a_file(machine: Machine, cloud: GoogleCloud) -> Environment:
    return _named(machine, _federated(cloud, _token_file(machine, cloud)))


@_identity("gcr", "/v1/token", principal=google.WORKLOAD, asks=(_ASKS_STS,))
def a_subject_token_in_a_field_of_a_file(machine: Machine, cloud: GoogleCloud) -> Environment:
    path = machine.write("subject-token.json", {"id_token": cloud.subject_token()})
    form = {"type": "json", "subject_token_field_name": "id_token"}
    return _named(machine, _federated(cloud, {"file": str(path), "format": form}))


@_identity(
    "gcr", "/subject-token", "text", "oauth", principal=google.WORKLOAD,
    asks=("GET /subject-token", _ASKS_STS),
)  # fmt: skip
def a_subject_token_from_a_url(machine: Machine, cloud: GoogleCloud) -> Environment:
    source = cloud.url_source()
    url = f"{source['url']}&t={machine.secret('a URL of a subject token')}"
    answer = json_reply({"value": cloud.subject_token()})
    cloud.on("GET", "/subject-token", lambda _: answer)
    return _named(machine, _federated(cloud, {**source, "url": url}))


@_identity("gcr", "/v1/token", "oauth", "text", principal=google.WORKLOAD, asks=(_ASKS_STS,))
def a_subject_token_from_a_program(machine: Machine, cloud: GoogleCloud) -> Environment:
    answer = google.executable_answer(cloud.subject_token(), int(time.time()) + 3600)
    program = machine.scripts.program("give-subject-token", f"echo '{json.dumps(answer)}'")
    source = {"executable": {"command": f"{program} --for us"}}
    named = _named(machine, _federated(cloud, source))
    return {**named, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1"}


def _certificate(machine: Machine, cloud: GoogleCloud) -> str:
    """The configuration of a client certificate."""
    path = str(machine.write("client.pem", cloud.certificate))
    workload = {"cert_path": path, "key_path": path}
    config = {"cert_configs": {"workload": workload}}
    return str(machine.write("certificate_config.json", config))


def _by_certificate(machine: Machine, cloud: GoogleCloud, **source: object) -> Environment:
    token_type = "urn:ietf:params:oauth:token-type:mtls"
    url = "https://sts.mtls.googleapis.com/v1/token"
    info = cloud.federated_info(
        {"certificate": source}, subject_token_type=token_type, token_url=url
    )
    return _named(machine, info)


@_identity("gcr", "/v1/token", principal=google.MACHINE, asks=(_ASKS_MTLS,))
def a_certificate(machine: Machine, cloud: GoogleCloud) -> Environment:
    location = _certificate(machine, cloud)
    return _by_certificate(machine, cloud, certificate_config_location=location)


@_identity("gcr", "/v1/token", principal=google.MACHINE, asks=(_ASKS_MTLS,))
def a_certificate_that_a_variable_names(machine: Machine, cloud: GoogleCloud) -> Environment:
    return {
        **_by_certificate(machine, cloud, use_default_certificate_config=True),
        "GOOGLE_API_CERTIFICATE_CONFIG": _certificate(machine, cloud),
    }


@_identity("gcr", "/v1/token", principal=google.WORKLOAD, asks=(_ASKS_STS,))
def a_key_of_amazon(machine: Machine, cloud: GoogleCloud) -> Environment:
    kind = "urn:ietf:params:aws:token-type:aws4_request"
    return {
        **_named(machine, _federated(cloud, _AWS_SOURCE, subject_token_type=kind)),
        "AWS_ACCESS_KEY_ID": "AKIALOOPBACK",
        "AWS_SECRET_ACCESS_KEY": machine.secret("a key of Amazon"),
        "AWS_REGION": "eu-west-1",
    }


@_identity("gcr", "*:generateAccessToken", principal=google.TARGET, asks=(_ASKS_STS, _ASKS_IAM))
def a_workload_that_impersonates(machine: Machine, cloud: GoogleCloud) -> Environment:
    url = cloud.impersonation_url(google.TARGET, host="iamcredentials.googleapis.com")
    source = _token_file(machine, cloud)
    return _named(machine, _federated(cloud, source, service_account_impersonation_url=url))


@_identity("gcr", "*:generateAccessToken", principal=google.TARGET, asks=(_ASKS_TOKEN, _ASKS_IAM))
def an_account_that_a_user_impersonates(machine: Machine, cloud: GoogleCloud) -> Environment:
    return _named(machine, cloud.impersonated_info(cloud.user_info()))


@_identity(
    "gcr", "*:generateAccessToken", "google", "text", principal=google.TARGET,
    asks=(_ASKS_TOKEN, _ASKS_IAM),
)  # fmt: skip
def an_impersonated_account(machine: Machine, cloud: GoogleCloud) -> Environment:
    return _named(machine, cloud.impersonated_info(_key(cloud)))


@_identity("gcr", "*:generateAccessToken", principal=google.TARGET, asks=(_ASKS_STS, _ASKS_IAM))
def an_account_that_a_workload_impersonates(machine: Machine, cloud: GoogleCloud) -> Environment:
    source = _federated(cloud, _token_file(machine, cloud))
    return _named(machine, cloud.impersonated_info(source))


@_identity("gcr", "/v1/token", "oauth", "oauth code", "text", principal="job", asks=(_ASKS_STS,))
def the_identity_token_of_a_job(machine: Machine, cloud: GoogleCloud) -> Environment:
    cloud.ci = CiSystem(cloud)
    cloud.workloads.add("job")
    token = cloud.ci.token("job", google.POOL)
    machine.marks.add(token, "JOB_TOKEN")
    return {
        "JOB_TOKEN": token,
        f"{_OPTION}GCR_ID_TOKEN": "env:JOB_TOKEN",
        f"{_OPTION}GCR_WORKLOAD_IDENTITY_PROVIDER": google.POOL,
    }


@_identity(
    "gcr", f"{_ACCOUNT}token", "text", principal=google.NODE,
    asks=(
        f"GET {_ACCOUNT}email", "GET /computeMetadata/v1/universe/universe-domain",
        f"GET {_ACCOUNT}", f"GET {_ACCOUNT}token",
    ),
)  # fmt: skip
def a_compute_engine_instance(machine: Machine, cloud: GoogleCloud) -> Environment:
    return cloud.machine()


@_identity("gcr", "/nothing", "text", principal=google.USER)
def gcloud(machine: Machine, cloud: GoogleCloud) -> Environment:
    token = cloud.issue(google.USER, google.CLOUD_SCOPE)
    variables = cloud.gcloud(machine.home)
    machine.scripts.program("gcloud", f"echo '{token}'")
    return {"CLOUDSDK_CONFIG": variables["CLOUDSDK_CONFIG"]}


@_identity("gcr", "/nothing", principal=google.USER)
def an_access_token_of_gcloud_in_a_file(machine: Machine, cloud: GoogleCloud) -> Environment:
    token = cloud.issue(google.USER, google.CLOUD_SCOPE)
    return {"CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(machine.write("access-token", token))}


# --- Azure ----------------------------------------------------------------------------------------

_DISCOVERY = f"GET {azure.PUBLIC.authority}/{azure.TENANT_ID}/v2.0/.well-known/openid-configuration"
_SIGN_IN = f"POST {azure.PUBLIC.authority}/{azure.TENANT_ID}/oauth2/v2.0/token"
_REALM = f"GET {azure.PUBLIC.authority}/common/userrealm/{azure.USERNAME}"
_IMDS = "/metadata/identity/oauth2/token"
_ENTRA = "*/oauth2/v2.0/token"


def _of_azure(path: str, *forms: str, asks: tuple[str, ...] = ()) -> Callable[[Make], Make]:
    exchange = f"POST {azure.EXAMPLE_HOST}/oauth2/exchange"
    return _identity("acr", path, *forms, asks=(*asks, exchange))


def _principal(cloud: AzureCloud) -> Environment:
    return {**cloud.principal(), "AZURE_POD_IDENTITY_AUTHORITY_HOST": CLOSED_PORT}


def _machine_of(cloud: AzureCloud) -> Environment:
    """The metadata service of a machine of this cloud."""
    return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": cloud.url}


@_of_azure(_ENTRA, "entra", "oauth code", "text", asks=(_DISCOVERY, _SIGN_IN))
def a_client_secret(machine: Machine, cloud: AzureCloud) -> Environment:
    return {**_principal(cloud), "AZURE_CLIENT_SECRET": azure.CLIENT_SECRET}


@_of_azure("/oauth2/exchange", "acr", "oauth", "text", asks=(_DISCOVERY, _SIGN_IN))
def a_client_certificate_with_a_password(machine: Machine, cloud: AzureCloud) -> Environment:
    password = machine.secret("AZURE_CLIENT_CERTIFICATE_PASSWORD")
    key = cloud.authority.rsa_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password.encode()),
    ).decode()
    _, _, certificate = cloud.certificate_file.read_text().partition("-----BEGIN CERT")
    path = machine.write("client.pem", f"{key}-----BEGIN CERT{certificate}")
    return {
        **_principal(cloud),
        "AZURE_CLIENT_CERTIFICATE_PATH": str(path),
        "AZURE_CLIENT_CERTIFICATE_PASSWORD": password,
    }


@_of_azure(_ENTRA, asks=(_DISCOVERY, _SIGN_IN))
def a_client_certificate(machine: Machine, cloud: AzureCloud) -> Environment:
    return {**_principal(cloud), "AZURE_CLIENT_CERTIFICATE_PATH": str(cloud.certificate_file)}


@_of_azure(_ENTRA, asks=(_DISCOVERY, _SIGN_IN))
def a_client_certificate_with_its_chain(machine: Machine, cloud: AzureCloud) -> Environment:
    cloud.expects_chain = True
    variables = a_client_certificate(machine, cloud)
    return {**variables, "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN": "true"}


@_of_azure(_ENTRA, asks=(_DISCOVERY, _SIGN_IN))
def a_client_certificate_without_its_chain(machine: Machine, cloud: AzureCloud) -> Environment:
    cloud.expects_chain = False
    variables = a_client_certificate(machine, cloud)
    return {**variables, "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN": "false"}


@_of_azure(_ENTRA, "entra", asks=(_DISCOVERY, _REALM, _SIGN_IN))
def a_user_name_and_a_password(machine: Machine, cloud: AzureCloud) -> Environment:
    names = {"AZURE_USERNAME": azure.USERNAME, "AZURE_PASSWORD": azure.PASSWORD}
    return {**_principal(cloud), **names}


@_of_azure(_ENTRA, "entra", "text", asks=(_SIGN_IN,))
def a_federated_token(machine: Machine, cloud: AzureCloud) -> Environment:
    machine.marks.add(cloud.federated_token, "AZURE_FEDERATED_TOKEN")
    return {**_principal(cloud), "AZURE_FEDERATED_TOKEN": cloud.federated_token}


@_of_azure(_ENTRA, asks=(_SIGN_IN,))
def a_workload_of_kubernetes(machine: Machine, cloud: AzureCloud) -> Environment:
    return {
        **_principal(cloud),
        "AZURE_FEDERATED_TOKEN_FILE": str(machine.write("federated", cloud.federated_token)),
        # The webhook of Kubernetes sets this too.
        "AZURE_AUTHORITY_HOST": f"https://{azure.PUBLIC.authority}/",
    }


@_of_azure(_IMDS, "oauth", "text", asks=(f"GET {_IMDS}",))
def a_managed_identity(machine: Machine, cloud: AzureCloud) -> Environment:
    return _machine_of(cloud)


@_of_azure(_IMDS, asks=(f"GET {_IMDS}",))
def a_managed_identity_by_its_client_id(machine: Machine, cloud: AzureCloud) -> Environment:
    return {**_machine_of(cloud), "AZURE_CLIENT_ID": MANAGED_CLIENT_ID}


@_of_azure(_IMDS, asks=(f"GET {_IMDS}",))
def a_managed_identity_by_its_resource_id(machine: Machine, cloud: AzureCloud) -> Environment:
    return {**_machine_of(cloud), f"{_OPTION}ACR_RESOURCE_ID": azure.MANAGED_RESOURCE_ID}


@_of_azure(_IMDS, asks=(f"GET {_IMDS}",))
def a_managed_identity_by_its_object_id(machine: Machine, cloud: AzureCloud) -> Environment:
    return {**_machine_of(cloud), f"{_OPTION}ACR_OBJECT_ID": azure.MANAGED_OBJECT_ID}


@_of_azure("/app-service/token", "oauth", "text", asks=("GET /app-service/token",))
def an_app_service(machine: Machine, cloud: AzureCloud) -> Environment:
    return {
        "IDENTITY_ENDPOINT": f"{cloud.url}/app-service/token",
        "IDENTITY_HEADER": azure.IDENTITY_HEADER,
        "AZURE_CLIENT_ID": MANAGED_CLIENT_ID,
    }


@_of_azure("/machine-learning/token", asks=("GET /machine-learning/token",))
def a_machine_learning_workspace(machine: Machine, cloud: AzureCloud) -> Environment:
    return {
        "MSI_ENDPOINT": f"{cloud.url}/machine-learning/token",
        "MSI_SECRET": azure.IDENTITY_HEADER,
        "AZURE_CLIENT_ID": MANAGED_CLIENT_ID,
    }


@_of_azure("/cloud-shell/token", asks=("POST /cloud-shell/token",))
def a_cloud_shell(machine: Machine, cloud: AzureCloud) -> Environment:
    # Cloud Shell has one identity; a client id that happens to be set chooses none there.
    return {"MSI_ENDPOINT": f"{cloud.url}/cloud-shell/token", "AZURE_CLIENT_ID": MANAGED_CLIENT_ID}


@_of_azure("/oauth2/exchange", "acr")
def az(machine: Machine, cloud: AzureCloud) -> Environment:
    variables = cloud.az_profile(machine.home)
    machine.scripts.program("az", f"echo '{cloud.az_answer()}'")
    return variables


@_of_azure("/oauth2/exchange")
def a_login_of_azure_powershell(machine: Machine, cloud: AzureCloud) -> Environment:
    token = cloud.issue(azure.AUDIENCE, azure.PUBLIC)
    machine.scripts.program("pwsh", f"echo 'azsdk%{token}%4070908800'")
    machine.write(".Azure/AzureRmContext.json", {})
    return {}


@_of_azure("/oauth2/exchange")
def a_login_of_azd(machine: Machine, cloud: AzureCloud) -> Environment:
    token = cloud.issue(azure.AUDIENCE, azure.PUBLIC)
    answer = json.dumps({"token": token, "expiresOn": "2099-01-01T00:00:00Z"})
    machine.scripts.program("azd", f"echo '{answer}'")
    machine.write(".azd/auth.json", {})
    return {}


@_of_azure(_ENTRA, "entra", "text", asks=("POST /azure-pipelines/oidctoken", _SIGN_IN))
def a_token_of_azure_pipelines(machine: Machine, cloud: AzureCloud) -> Environment:
    cloud.ci = CiSystem(cloud)
    cloud.workloads.add("job")
    job = cloud.ci.azure_pipelines("job")
    machine.marks.add(job["SYSTEM_ACCESSTOKEN"], "SYSTEM_ACCESSTOKEN")
    return {**_principal(cloud), **job, f"{_OPTION}ACR_ID_TOKEN": "ci"}


# --- Docker Hub -----------------------------------------------------------------------------------

_ASKS_JOB = f"GET {dockerhub.GITHUB_HOST}/oidc/token"
_ASKS_HUB = f"POST {dockerhub.IDENTITY_HOST}/oauth/token"


@_identity("dockerhub", "/oauth/token", "oauth", "oauth code", "text", asks=(_ASKS_JOB, _ASKS_HUB))
def a_job_of_github_actions(machine: Machine, cloud: DockerHub) -> Environment:
    job = cloud.job()
    machine.marks.add(job["ACTIONS_ID_TOKEN_REQUEST_TOKEN"], "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    return {**job, **cloud.connection()}


@_identity("dockerhub", "/oidc/token", "oauth", "text", asks=(_ASKS_JOB, _ASKS_HUB))
def a_job_that_github_refuses(machine: Machine, cloud: DockerHub) -> Environment:
    return a_job_of_github_actions(machine, cloud)


@_identity("dockerhub", "/oauth/token", "oauth", asks=(_ASKS_HUB,))
def an_identity_token_in_a_variable(machine: Machine, cloud: DockerHub) -> Environment:
    token = cloud.id_token()
    machine.marks.add(token, "JOB_TOKEN")
    named = {"JOB_TOKEN": token, f"{dockerhub.PREFIX}_ID_TOKEN": "env:JOB_TOKEN"}
    return {**named, **cloud.connection()}


def one_of_each(machine: Machine, running: dict[str, Any]) -> Environment:
    """The variables of one identity at every cloud."""
    environment: Environment = {}
    for name, cloud in running.items():
        known = of_cloud(name)
        environment |= known[0].make(machine, cloud) if known else cloud.identity(machine.home)
    return environment
