"""The identity sources of Azure."""

from __future__ import annotations

import json
from collections.abc import Callable

from cryptography.hazmat.primitives import serialization

from tests.clouds import azure
from tests.clouds.azure import MANAGED_CLIENT_ID, AzureCloud
from tests.clouds.ci import CiSystem
from tests.support.executable import CLOSED_PORT
from tests.support.identity import OPTION, Environment, Make, identity
from tests.support.machine import Machine

_DISCOVERY = f"GET {azure.PUBLIC.authority}/{azure.TENANT_ID}/v2.0/.well-known/openid-configuration"
_SIGN_IN = f"POST {azure.PUBLIC.authority}/{azure.TENANT_ID}/oauth2/v2.0/token"
_REALM = f"GET {azure.PUBLIC.authority}/common/userrealm/{azure.USERNAME}"
_IMDS = "/metadata/identity/oauth2/token"
_ENTRA = "*/oauth2/v2.0/token"


def _of_azure(path: str, *forms: str, asks: tuple[str, ...] = ()) -> Callable[[Make], Make]:
    exchange = f"POST {azure.EXAMPLE_HOST}/oauth2/exchange"
    return identity("acr", path, *forms, asks=(*asks, exchange))


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
    return {**_machine_of(cloud), f"{OPTION}ACR_RESOURCE_ID": azure.MANAGED_RESOURCE_ID}


@_of_azure(_IMDS, asks=(f"GET {_IMDS}",))
def a_managed_identity_by_its_object_id(machine: Machine, cloud: AzureCloud) -> Environment:
    return {**_machine_of(cloud), f"{OPTION}ACR_OBJECT_ID": azure.MANAGED_OBJECT_ID}


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
    return {**_principal(cloud), **job, f"{OPTION}ACR_ID_TOKEN": "ci"}
