"""Every way to be somebody at a cloud, with a secret of its own, and where that is shown."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives import serialization

from tests.clouds import aws, azure, google
from tests.clouds.aws import ACCOUNT, START_URL
from tests.clouds.azure import MANAGED_CLIENT_ID
from tests.clouds.server import json_reply
from tests.secrets.machine import Cloud, Machine

Environment = dict[str, str]


@dataclass(frozen=True)
class Identity:
    """One of them: the registry it is for, and the step at which the cloud echoes what it got."""

    name: str
    registry: str
    make: Callable[[Machine], Environment]
    path: str
    forms: tuple[str, ...]

    def cloud(self, machine: Machine) -> Cloud:
        """The cloud that it is for."""
        clouds: dict[str, Cloud] = {
            aws.EXAMPLE_HOST: machine.aws,
            google.EXAMPLE_HOST: machine.google,
            azure.EXAMPLE_HOST: machine.azure,
        }
        return clouds[self.registry]


_AWS, _GOOGLE, _AZURE = aws.EXAMPLE_HOST, google.EXAMPLE_HOST, azure.EXAMPLE_HOST
IDENTITIES: list[Identity] = []


def _identity(
    registry: str, path: str, *forms: str
) -> Callable[[Callable[[Machine], Environment]], Callable[[Machine], Environment]]:
    def add(make: Callable[[Machine], Environment]) -> Callable[[Machine], Environment]:
        IDENTITIES.append(Identity(make.__name__, registry, make, path, forms))
        return make

    return add


# --- AWS ------------------------------------------------------------------------------------------


def _profile(machine: Machine, name: str, text: str) -> Environment:
    path = machine.write(f".aws/{name}", text)
    return {"AWS_CONFIG_FILE": str(path), **machine.aws.redirection()}


@_identity(_AWS, "/", "aws", "aws code", "text")
def keys_in_variables(machine: Machine) -> Environment:
    key = machine.aws.session("arn:aws:sts::123456789012:assumed-role/r/s")
    return {**key.environment(), **machine.aws.redirection()}


@_identity(_AWS, "/", "aws")
def keys_in_a_profile(machine: Machine) -> Environment:
    user = machine.aws.user("profile")
    text = f"[default]\naws_access_key_id = {user.id}\naws_secret_access_key = {user.secret}\n"
    return _profile(machine, "keys", text)


@_identity(_AWS, "/sts", "xml", "text")
def an_assumed_role(machine: Machine) -> Environment:
    user = machine.aws.user("assuming")
    keys = f"aws_access_key_id = {user.id}\naws_secret_access_key = {user.secret}\n"
    arn = machine.aws.role("assumed", user)
    profile = f"[default]\nrole_arn = {arn}\nsource_profile = user\n"
    return _profile(machine, "role", f"{profile}[profile user]\n{keys}")


@_identity(_AWS, "/sts", "xml")
def a_web_identity(machine: Machine) -> Environment:
    token = machine.marks.new("a web identity token")
    path = machine.write("web-token", token)
    return {
        **machine.aws.redirection(),
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(path),
        "AWS_ROLE_ARN": machine.aws.role("web", token),
    }


@_identity(_AWS, "/oidc/token", "aws", "oauth")
def an_sso_session_to_be_renewed(machine: Machine) -> Environment:
    renewal: dict[str, Any] = machine.aws.sso_renewal()
    machine.marks.add(renewal["clientSecret"], "the SSO client's secret")
    machine.aws.start_sso(machine.home, "work", expired=True, **renewal)
    text = (
        f"[default]\nsso_session = work\nsso_account_id = {ACCOUNT}\nsso_role_name = Puller\n"
        f"[sso-session work]\nsso_start_url = {START_URL}\nsso_region = us-east-1\n"
        "sso_registration_scopes = sso:account:access\n"
    )
    return _profile(machine, "sso-session", text)


@_identity(_AWS, "*/v1/token", "aws")
def a_sign_in_to_be_renewed(machine: Machine) -> Environment:
    machine.aws.sign_in(machine.home, "work", timedelta(minutes=-1))
    return _profile(machine, "sign-in", "[default]\nlogin_session = work\nregion = us-east-1\n")


@_identity(_AWS, "/", "aws")
def a_credential_process(machine: Machine) -> Environment:
    key = machine.aws.session("arn:aws:sts::123456789012:assumed-role/process/s")
    answer = {
        "Version": 1,
        "AccessKeyId": key.id,
        "SecretAccessKey": key.secret,
        "SessionToken": key.token,
    }
    program = machine.program("give-keys", f"echo '{json.dumps(answer)}'")
    return _profile(machine, "process", f"[default]\ncredential_process = {program}\n")


@_identity(_AWS, "/container", "text", "aws")
def a_container(machine: Machine) -> Environment:
    variables = machine.aws.container()
    url = f"{variables['AWS_CONTAINER_CREDENTIALS_FULL_URI']}?t={machine.marks.new('a URL')}"
    return {
        **variables,
        **machine.aws.redirection(),
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": url,
    }


@_identity(_AWS, "/latest/meta-data/iam/security-credentials/*", "text", "aws")
def an_instance(machine: Machine) -> Environment:
    return {**machine.aws.instance(), **machine.aws.redirection()}


# --- Google ---------------------------------------------------------------------------------------


def _named(machine: Machine, name: str, info: object) -> Environment:
    path = machine.write(f"adc/{name}.json", json.dumps(info))
    return {"GOOGLE_APPLICATION_CREDENTIALS": str(path)}


@_identity(_GOOGLE, "/token", "oauth", "oauth code", "text")
def a_service_account(machine: Machine) -> Environment:
    return _named(machine, "key", machine.google.service_account_info())


@_identity(_GOOGLE, "/token", "oauth", "oauth code")
def a_sign_in_of_a_user(machine: Machine) -> Environment:
    return _named(machine, "user", machine.google.user_info())


@_identity(_GOOGLE, "/v1/oauthtoken", "oauth")
def a_sign_in_of_a_workforce(machine: Machine) -> Environment:
    return _named(machine, "workforce", machine.google.federated_user_info())


@_identity(_GOOGLE, "/subject-token", "text", "oauth")
def a_federated_workload(machine: Machine) -> Environment:
    source = machine.google.url_source()
    url = f"{source['url']}&t={machine.marks.new('a URL of a subject token')}"
    answer = json_reply({"value": machine.google.subject_token()})
    machine.google.on("GET", "/subject-token", lambda _: answer)
    return _named(machine, "url", machine.google.federated_info({**source, "url": url}))


@_identity(_GOOGLE, "/v1/token", "oauth", "text")
def a_workload_known_by_a_program(machine: Machine) -> Environment:
    answer = {
        "version": 1,
        "success": True,
        "token_type": "urn:ietf:params:oauth:token-type:jwt",
        "id_token": machine.google.subject_token(),
        "expiration_time": int(time.time()) + 3600,
    }
    program = machine.program("give-subject-token", f"echo '{json.dumps(answer)}'")
    source = {"executable": {"command": f"{program} --for us"}}
    named = _named(machine, "program", machine.google.federated_info(source))
    return {**named, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1"}


@_identity(_GOOGLE, "*:generateAccessToken", "google", "text")
def an_impersonated_account(machine: Machine) -> Environment:
    source = machine.google.service_account_info()
    return _named(machine, "impersonated", machine.google.impersonated_info(source))


@_identity(_GOOGLE, "/computeMetadata/v1/instance/service-accounts/default/token", "text")
def a_machine_of_googles(machine: Machine) -> Environment:
    return machine.google.machine()


@_identity(_GOOGLE, "/nothing", "text")
def a_login_of_gcloud(machine: Machine) -> Environment:
    token = machine.google.issue(google.USER, google.CLOUD_SCOPE)
    variables = machine.google.gcloud(machine.folder)
    machine.program("gcloud", f"echo {token}")
    return {"CLOUDSDK_CONFIG": variables["CLOUDSDK_CONFIG"]}


# --- Azure ----------------------------------------------------------------------------------------


def _principal(machine: Machine) -> Environment:
    nobody = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:9"}
    return {**machine.azure.principal(), **nobody}


@_identity(_AZURE, "*/oauth2/v2.0/token", "entra", "oauth code", "text")
def a_client_secret(machine: Machine) -> Environment:
    return {**_principal(machine), "AZURE_CLIENT_SECRET": azure.CLIENT_SECRET}


@_identity(_AZURE, "/oauth2/exchange", "acr", "oauth", "text")
def a_client_certificate(machine: Machine) -> Environment:
    password = machine.marks.new("AZURE_CLIENT_CERTIFICATE_PASSWORD")
    key = machine.authority.rsa_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password.encode()),
    ).decode()
    _, _, certificate = machine.azure.certificate_file.read_text().partition("-----BEGIN CERT")
    path = machine.write("client.pem", f"{key}-----BEGIN CERT{certificate}")
    return {
        **_principal(machine),
        "AZURE_CLIENT_CERTIFICATE_PATH": str(path),
        "AZURE_CLIENT_CERTIFICATE_PASSWORD": password,
    }


@_identity(_AZURE, "*/oauth2/v2.0/token", "entra")
def a_user_name_and_password(machine: Machine) -> Environment:
    names = {"AZURE_USERNAME": azure.USERNAME, "AZURE_PASSWORD": azure.PASSWORD}
    return {**_principal(machine), **names}


@_identity(_AZURE, "*/oauth2/v2.0/token", "entra", "text")
def a_federated_token(machine: Machine) -> Environment:
    machine.marks.add(machine.azure.federated_token, "AZURE_FEDERATED_TOKEN")
    return {**_principal(machine), "AZURE_FEDERATED_TOKEN": machine.azure.federated_token}


@_identity(_AZURE, "/metadata/identity/oauth2/token", "oauth", "text")
def a_managed_identity(machine: Machine) -> Environment:
    return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": machine.azure.url}


@_identity(_AZURE, "/app-service/token", "oauth", "text")
def an_app_service(machine: Machine) -> Environment:
    return {
        "IDENTITY_ENDPOINT": f"{machine.azure.url}/app-service/token",
        "IDENTITY_HEADER": azure.IDENTITY_HEADER,
        "AZURE_CLIENT_ID": MANAGED_CLIENT_ID,
    }


@_identity(_AZURE, "/oauth2/exchange", "acr")
def a_login_of_az(machine: Machine) -> Environment:
    variables = machine.azure.az_profile(machine.folder)
    token = machine.azure.issue(azure.AUDIENCE, azure.PUBLIC)
    document = {
        "accessToken": token,
        "expiresOn": "2099-01-01 00:00:00.000000",
        "expires_on": int(time.time()) + 3600,
        "tenant": azure.TENANT_ID,
        "tokenType": "Bearer",
    }
    machine.program("az", f"echo '{json.dumps(document)}'")
    return variables


def everybody(machine: Machine) -> Environment:
    """A machine that is somebody at every cloud."""
    chosen = ("keys_in_variables", "a_service_account", "a_client_secret")
    environment = machine.environment()
    for identity in IDENTITIES:
        if identity.name in chosen:
            environment |= identity.make(machine)
    return environment
