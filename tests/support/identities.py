"""Every identity source of every cloud, each with secrets of its own.

``machine.secret`` and ``machine.marks`` know these secrets, so that no run may print one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives import serialization

from cred_helper.providers.common import ci_job
from tests.clouds import azure, ci, dockerhub, google
from tests.clouds.aws import ACCOUNT, START_URL, AwsCloud
from tests.clouds.azure import MANAGED_CLIENT_ID, AzureCloud
from tests.clouds.ci import CiSystem
from tests.clouds.dockerhub import DockerHub
from tests.clouds.google import GoogleCloud
from tests.clouds.loopback import loopbacks
from tests.clouds.server import json_reply
from tests.support.executable import CLOSED_PORT
from tests.support.machine import Machine

Environment = dict[str, str]
Make = Callable[[Machine, Any], Environment]


@dataclass(frozen=True)
class Identity:
    """One identity source.

    ``cloud`` is the name of its row. ``make`` writes its files and programs, and returns its
    variables. ``path`` is the step at which the cloud receives its secret; ``forms`` are the forms
    in which the cloud refuses there.
    """

    name: str
    cloud: str
    make: Make
    path: str
    forms: tuple[str, ...]

    @property
    def registry(self) -> str:
        """A registry of its cloud."""
        return loopbacks()[self.cloud].host


IDENTITIES: list[Identity] = []


def of_cloud(name: str) -> list[Identity]:
    """The identity sources of one cloud."""
    return [identity for identity in IDENTITIES if identity.cloud == name]


def _identity(cloud: str, path: str, *forms: str) -> Callable[[Make], Make]:
    def add(make: Make) -> Make:
        name = getattr(make, "__name__", "").strip("_").replace("_", " ")
        IDENTITIES.append(Identity(name, cloud, make, path, forms))
        return make

    return add


# --- AWS ------------------------------------------------------------------------------------------


def _profile(machine: Machine, cloud: AwsCloud, name: str, text: str) -> Environment:
    path = machine.write(f".aws/{name}", text)
    return {"AWS_CONFIG_FILE": str(path), **cloud.redirection()}


@_identity("ecr", "/", "aws", "aws code", "text")
def keys_in_variables(machine: Machine, cloud: AwsCloud) -> Environment:
    key = cloud.session("arn:aws:sts::123456789012:assumed-role/r/s")
    return {**key.environment(), **cloud.redirection()}


@_identity("ecr", "/", "aws")
def keys_in_a_profile(machine: Machine, cloud: AwsCloud) -> Environment:
    user = cloud.user("profile")
    text = f"[default]\naws_access_key_id = {user.id}\naws_secret_access_key = {user.secret}\n"
    return _profile(machine, cloud, "keys", text)


@_identity("ecr", "/sts", "xml", "text")
def an_assumed_role(machine: Machine, cloud: AwsCloud) -> Environment:
    user = cloud.user("assuming")
    keys = f"aws_access_key_id = {user.id}\naws_secret_access_key = {user.secret}\n"
    arn = cloud.role("assumed", user)
    profile = f"[default]\nrole_arn = {arn}\nsource_profile = user\n"
    return _profile(machine, cloud, "role", f"{profile}[profile user]\n{keys}")


@_identity("ecr", "/sts", "xml")
def a_web_identity(machine: Machine, cloud: AwsCloud) -> Environment:
    token = machine.secret("a web identity token")
    path = machine.write("web-token", token)
    return {
        **cloud.redirection(),
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(path),
        "AWS_ROLE_ARN": cloud.role("web", token),
    }


@_identity("ecr", "/oidc/token", "aws", "oauth")
def an_sso_session_to_renew(machine: Machine, cloud: AwsCloud) -> Environment:
    renewal: dict[str, Any] = cloud.sso_renewal()
    machine.marks.add(renewal["clientSecret"], "the SSO client's secret")
    cloud.start_sso(machine.home, "work", expired=True, **renewal)
    text = (
        f"[default]\nsso_session = work\nsso_account_id = {ACCOUNT}\nsso_role_name = Puller\n"
        f"[sso-session work]\nsso_start_url = {START_URL}\nsso_region = us-east-1\n"
        "sso_registration_scopes = sso:account:access\n"
    )
    return _profile(machine, cloud, "sso-session", text)


@_identity("ecr", "*/v1/token", "aws")
def a_sign_in_to_renew(machine: Machine, cloud: AwsCloud) -> Environment:
    cloud.sign_in(machine.home, "work", timedelta(minutes=-1))
    return _profile(
        machine, cloud, "sign-in", "[default]\nlogin_session = work\nregion = us-east-1\n"
    )


@_identity("ecr", "/", "aws")
def a_credential_process(machine: Machine, cloud: AwsCloud) -> Environment:
    key = cloud.session("arn:aws:sts::123456789012:assumed-role/process/s")
    answer = {
        "Version": 1,
        "AccessKeyId": key.id,
        "SecretAccessKey": key.secret,
        "SessionToken": key.token,
    }
    program = machine.scripts.program("give-keys", f"echo '{json.dumps(answer)}'")
    return _profile(machine, cloud, "process", f"[default]\ncredential_process = {program}\n")


@_identity("ecr", "/container", "text", "aws")
def a_container_role(machine: Machine, cloud: AwsCloud) -> Environment:
    variables = cloud.container()
    url = f"{variables['AWS_CONTAINER_CREDENTIALS_FULL_URI']}?t={machine.secret('a URL')}"
    return {
        **variables,
        **cloud.redirection(),
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": url,
    }


@_identity("ecr", "/latest/meta-data/iam/security-credentials/*", "text", "aws")
def an_ec2_instance(machine: Machine, cloud: AwsCloud) -> Environment:
    return {**cloud.instance(), **cloud.redirection()}


@_identity("ecr", "/sts", "xml", "text")
def the_token_of_a_github_job(machine: Machine, cloud: AwsCloud) -> Environment:
    cloud.role("ci", "job")
    return {
        **cloud.redirection(),
        **_github(machine, cloud),
        f"{_OPTION}ECR_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/ci",
        f"{_OPTION}ECR_ID_TOKEN": "ci",
    }


@_identity("ecr", ci.GITHUB_PATH, "text", "oauth")
def the_request_token_of_a_github_job(machine: Machine, cloud: AwsCloud) -> Environment:
    return the_token_of_a_github_job(machine, cloud)


_OPTION = "DOCKER_CREDENTIAL_MULTI_"


def _github(machine: Machine, cloud: Any) -> Environment:
    """A job of GitHub, whose endpoint is at the cloud's server."""
    cloud.ci = CiSystem(cloud)
    variables = cloud.ci.github("job")
    machine.marks.add(variables[ci_job.GITHUB_TOKEN], ci_job.GITHUB_TOKEN)
    return dict(variables)


# --- Google ---------------------------------------------------------------------------------------


def _named(machine: Machine, name: str, info: object) -> Environment:
    path = machine.write(f"adc/{name}.json", json.dumps(info))
    return {"GOOGLE_APPLICATION_CREDENTIALS": str(path)}


@_identity("gcr", "/token", "oauth", "oauth code", "text")
def a_service_account(machine: Machine, cloud: GoogleCloud) -> Environment:
    return _named(machine, "key", cloud.service_account_info())


@_identity("gcr", "/token", "oauth", "oauth code")
def a_user(machine: Machine, cloud: GoogleCloud) -> Environment:
    return _named(machine, "user", cloud.user_info())


@_identity("gcr", "/v1/oauthtoken", "oauth")
def a_workforce_user(machine: Machine, cloud: GoogleCloud) -> Environment:
    return _named(machine, "workforce", cloud.federated_user_info())


@_identity("gcr", "/subject-token", "text", "oauth")
def a_subject_token_from_a_url(machine: Machine, cloud: GoogleCloud) -> Environment:
    source = cloud.url_source()
    url = f"{source['url']}&t={machine.secret('a URL of a subject token')}"
    answer = json_reply({"value": cloud.subject_token()})
    cloud.on("GET", "/subject-token", lambda _: answer)
    return _named(machine, "url", cloud.federated_info({**source, "url": url}))


@_identity("gcr", "/v1/token", "oauth", "text")
def a_subject_token_from_a_program(machine: Machine, cloud: GoogleCloud) -> Environment:
    answer = {
        "version": 1,
        "success": True,
        "token_type": "urn:ietf:params:oauth:token-type:jwt",
        "id_token": cloud.subject_token(),
        "expiration_time": int(time.time()) + 3600,
    }
    program = machine.scripts.program("give-subject-token", f"echo '{json.dumps(answer)}'")
    source = {"executable": {"command": f"{program} --for us"}}
    named = _named(machine, "program", cloud.federated_info(source))
    return {**named, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1"}


@_identity("gcr", "/v1/token", "oauth", "oauth code", "text")
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


@_identity("gcr", "*:generateAccessToken", "google", "text")
def an_impersonated_account(machine: Machine, cloud: GoogleCloud) -> Environment:
    source = cloud.service_account_info()
    return _named(machine, "impersonated", cloud.impersonated_info(source))


@_identity("gcr", "/computeMetadata/v1/instance/service-accounts/default/token", "text")
def a_compute_engine_instance(machine: Machine, cloud: GoogleCloud) -> Environment:
    return cloud.machine()


@_identity("gcr", "/nothing", "text")
def gcloud(machine: Machine, cloud: GoogleCloud) -> Environment:
    token = cloud.issue(google.USER, google.CLOUD_SCOPE)
    variables = cloud.gcloud(machine.home)
    machine.scripts.program("gcloud", f"echo {token}")
    return {"CLOUDSDK_CONFIG": variables["CLOUDSDK_CONFIG"]}


# --- Azure ----------------------------------------------------------------------------------------


def _principal(cloud: AzureCloud) -> Environment:
    return {**cloud.principal(), "AZURE_POD_IDENTITY_AUTHORITY_HOST": CLOSED_PORT}


@_identity("acr", "*/oauth2/v2.0/token", "entra", "oauth code", "text")
def a_client_secret(machine: Machine, cloud: AzureCloud) -> Environment:
    return {**_principal(cloud), "AZURE_CLIENT_SECRET": azure.CLIENT_SECRET}


@_identity("acr", "/oauth2/exchange", "acr", "oauth", "text")
def a_client_certificate(machine: Machine, cloud: AzureCloud) -> Environment:
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


@_identity("acr", "*/oauth2/v2.0/token", "entra")
def a_user_name_and_a_password(machine: Machine, cloud: AzureCloud) -> Environment:
    names = {"AZURE_USERNAME": azure.USERNAME, "AZURE_PASSWORD": azure.PASSWORD}
    return {**_principal(cloud), **names}


@_identity("acr", "*/oauth2/v2.0/token", "entra", "text")
def a_federated_token(machine: Machine, cloud: AzureCloud) -> Environment:
    machine.marks.add(cloud.federated_token, "AZURE_FEDERATED_TOKEN")
    return {**_principal(cloud), "AZURE_FEDERATED_TOKEN": cloud.federated_token}


@_identity("acr", "*/oauth2/v2.0/token", "entra", "text")
def a_token_of_azure_pipelines(machine: Machine, cloud: AzureCloud) -> Environment:
    cloud.ci = CiSystem(cloud)
    cloud.workloads.add("job")
    job = cloud.ci.azure_pipelines("job")
    machine.marks.add(job["SYSTEM_ACCESSTOKEN"], "SYSTEM_ACCESSTOKEN")
    return {**_principal(cloud), **job, f"{_OPTION}ACR_ID_TOKEN": "ci"}


@_identity("acr", "/metadata/identity/oauth2/token", "oauth", "text")
def a_managed_identity(machine: Machine, cloud: AzureCloud) -> Environment:
    return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": cloud.url}


@_identity("acr", "/app-service/token", "oauth", "text")
def an_app_service(machine: Machine, cloud: AzureCloud) -> Environment:
    return {
        "IDENTITY_ENDPOINT": f"{cloud.url}/app-service/token",
        "IDENTITY_HEADER": azure.IDENTITY_HEADER,
        "AZURE_CLIENT_ID": MANAGED_CLIENT_ID,
    }


@_identity("acr", "/oauth2/exchange", "acr")
def az(machine: Machine, cloud: AzureCloud) -> Environment:
    variables = cloud.az_profile(machine.home)
    token = cloud.issue(azure.AUDIENCE, azure.PUBLIC)
    document = {
        "accessToken": token,
        "expiresOn": "2099-01-01 00:00:00.000000",
        "expires_on": int(time.time()) + 3600,
        "tenant": azure.TENANT_ID,
        "tokenType": "Bearer",
    }
    machine.scripts.program("az", f"echo '{json.dumps(document)}'")
    return variables


# --- Docker Hub -----------------------------------------------------------------------------------


@_identity("dockerhub", "/oauth/token", "oauth", "oauth code", "text")
def a_job_of_github_actions(machine: Machine, cloud: DockerHub) -> Environment:
    job = cloud.job()
    machine.marks.add(job["ACTIONS_ID_TOKEN_REQUEST_TOKEN"], "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    return {**job, **cloud.connection()}


@_identity("dockerhub", "/oidc/token", "oauth", "text")
def a_job_that_github_refuses(machine: Machine, cloud: DockerHub) -> Environment:
    return a_job_of_github_actions(machine, cloud)


@_identity("dockerhub", "/oauth/token", "oauth")
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
