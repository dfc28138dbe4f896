"""The Azure provider from the outside: the executable, the real azure-identity, Azure on loopback.

Whatever `Machine.get` runs is also checked for what must never be seen: a secret or a token in
something that is printed, a request to a host that nobody routed, a request that Azure objects to.
"""

from __future__ import annotations

import json
import os
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from hashlib import sha1
from pathlib import Path

import pytest

from tests.clouds import azure as cloud
from tests.clouds import faults
from tests.clouds.authority import Authority
from tests.clouds.azure import EXAMPLE_HOST, NULL_GUID, AzureCloud, Refusal
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.server import Fault, json_reply
from tests.support.executable import COMMAND, NOT_FOUND, Completed, Executable

DISCOVERY = f"GET {cloud.PUBLIC.authority}/{cloud.TENANT_ID}/v2.0/.well-known/openid-configuration"
TOKEN = f"POST {cloud.PUBLIC.authority}/{cloud.TENANT_ID}/oauth2/v2.0/token"
EXCHANGE = f"POST {EXAMPLE_HOST}/oauth2/exchange"
TOKEN_PATH = "/*/oauth2/v2.0/token"
OPTION = "DOCKER_CREDENTIAL_MULTI_ACR_"
# What a deadline of a few seconds may take with the process around it on a busy machine.
GENEROUS_S = 20.0


class Machine:
    """A machine that reaches Azure, and nothing else, through a proxy."""

    def __init__(
        self, azure: AzureCloud, proxy: TerminatingProxy, executable: Executable, folder: Path
    ) -> None:
        self.azure = azure
        self.proxy = proxy
        self.executable = executable
        self.folder = folder
        self.home = Path(executable.environment["HOME"])

    def get(self, environment: dict[str, str], host: str = EXAMPLE_HOST) -> Completed:
        """Ask, with nothing remembered from before."""
        fresh = {"DOCKER_CREDENTIAL_MULTI_CACHE": "off"}
        done = self.executable.get(host, self.azure.redirection() | fresh | environment)
        printed = done.stderr if done.status == 0 else done.stderr + done.stdout.decode()
        for secret in (
            cloud.CLIENT_SECRET,
            cloud.PASSWORD,
            cloud.IDENTITY_HEADER,
            self.azure.federated_token,
            *self.azure.tokens(),
        ):
            assert secret not in printed
        assert "Traceback" not in printed
        return done

    def fails(self, environment: dict[str, str], host: str = EXAMPLE_HOST) -> str:
        """Ask, and return what is said about why there is no credential."""
        done = self.get(environment, host)
        assert done.status == 1
        assert done.stdout != NOT_FOUND
        assert done.stdout.startswith(f"no credential for {host} from acr: ".encode())
        assert done.stderr.startswith("docker-credential-multi: error: no credential for ")
        return done.stderr

    def requests(self) -> list[str]:
        """What Azure was asked, in order."""
        return [f"{r.method} {r.host}{r.path}" for r in self.azure.received]

    def metadata(self) -> dict[str, str]:
        """An instance metadata service of its own."""
        return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": self.azure.url}

    def file(self, name: str, content: str) -> str:
        path = self.folder / name
        path.write_text(content)
        return str(path)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def machine(authority: Authority, executable: Executable, tmp_path: Path) -> Iterator[Machine]:
    # Closed in this order, a cloud that never answers holds no connection of the proxy's open.
    with TerminatingProxy(authority) as proxy, AzureCloud(authority) as azure:
        azure.register(proxy)
        yield Machine(azure, proxy, executable, tmp_path)
        assert proxy.refused == []


# --- Identities -----------------------------------------------------------------------------------


def client_secret(machine: Machine) -> dict[str, str]:
    return machine.azure.identity(machine.folder)


def client_certificate(machine: Machine) -> dict[str, str]:
    path = str(machine.azure.certificate_file)
    return {**machine.azure.principal(), "AZURE_CLIENT_CERTIFICATE_PATH": path}


def client_certificate_with_its_chain(machine: Machine) -> dict[str, str]:
    machine.azure.expects_chain = True
    return {**client_certificate(machine), "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN": "true"}


def client_certificate_explicitly_without_chain(machine: Machine) -> dict[str, str]:
    return {**client_certificate(machine), "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN": "false"}


def username_and_password(machine: Machine) -> dict[str, str]:
    return {
        **machine.azure.principal(),
        "AZURE_USERNAME": cloud.USERNAME,
        "AZURE_PASSWORD": cloud.PASSWORD,
    }


def federated_token(machine: Machine) -> dict[str, str]:
    return {**machine.azure.principal(), "AZURE_FEDERATED_TOKEN": machine.azure.federated_token}


def workload_identity(machine: Machine) -> dict[str, str]:
    path = machine.file("federated", machine.azure.federated_token)
    return {
        **machine.azure.principal(),
        "AZURE_FEDERATED_TOKEN_FILE": path,
        # Kubernetes' webhook sets this as well.
        "AZURE_AUTHORITY_HOST": f"https://{cloud.PUBLIC.authority}/",
    }


def managed_identity(machine: Machine) -> dict[str, str]:
    return machine.metadata()


def managed_identity_by_client_id(machine: Machine) -> dict[str, str]:
    return {**machine.metadata(), "AZURE_CLIENT_ID": cloud.MANAGED_CLIENT_ID}


def managed_identity_by_resource_id(machine: Machine) -> dict[str, str]:
    return {**machine.metadata(), f"{OPTION}RESOURCE_ID": cloud.MANAGED_RESOURCE_ID}


def managed_identity_by_object_id(machine: Machine) -> dict[str, str]:
    return {**machine.metadata(), f"{OPTION}OBJECT_ID": cloud.MANAGED_OBJECT_ID}


def app_service(machine: Machine) -> dict[str, str]:
    return {
        "IDENTITY_ENDPOINT": f"{machine.azure.url}/app-service/token",
        "IDENTITY_HEADER": cloud.IDENTITY_HEADER,
        "AZURE_CLIENT_ID": cloud.MANAGED_CLIENT_ID,
    }


def machine_learning(machine: Machine) -> dict[str, str]:
    return {
        "MSI_ENDPOINT": f"{machine.azure.url}/machine-learning/token",
        "MSI_SECRET": cloud.IDENTITY_HEADER,
        "AZURE_CLIENT_ID": cloud.MANAGED_CLIENT_ID,
    }


def cloud_shell(machine: Machine) -> dict[str, str]:
    # Cloud Shell has one identity; a client id that happens to be set chooses none there.
    return {
        "MSI_ENDPOINT": f"{machine.azure.url}/cloud-shell/token",
        "AZURE_CLIENT_ID": cloud.MANAGED_CLIENT_ID,
    }


def azure_cli(machine: Machine) -> dict[str, str]:
    return machine.azure.az_login(machine.folder)


def azure_powershell(machine: Machine) -> dict[str, str]:
    said = f"azsdk%{machine.azure.issue(cloud.AUDIENCE, cloud.PUBLIC)}%4070908800"
    environment = machine.azure.program(machine.folder, "pwsh", f"echo '{said}'")
    (machine.home / ".Azure").mkdir()
    (machine.home / ".Azure" / "AzureRmContext.json").write_text("{}")
    return environment


def azure_developer_cli(machine: Machine) -> dict[str, str]:
    token = machine.azure.issue(cloud.AUDIENCE, cloud.PUBLIC)
    said = json.dumps({"token": token, "expiresOn": "2099-01-01T00:00:00Z"})
    environment = machine.azure.program(machine.folder, "azd", f"echo '{said}'")
    (machine.home / ".azd").mkdir()
    (machine.home / ".azd" / "auth.json").write_text("{}")
    return environment


IMDS = "GET 127.0.0.1/metadata/identity/oauth2/token"


@pytest.mark.parametrize(
    ("identity", "signing_in"),
    [
        (client_secret, [DISCOVERY, TOKEN]),
        (client_certificate, [DISCOVERY, TOKEN]),
        (client_certificate_with_its_chain, [DISCOVERY, TOKEN]),
        (client_certificate_explicitly_without_chain, [DISCOVERY, TOKEN]),
        (
            username_and_password,
            [DISCOVERY, f"GET {cloud.PUBLIC.authority}/common/userrealm/{cloud.USERNAME}", TOKEN],
        ),
        (federated_token, [TOKEN]),
        (workload_identity, [TOKEN]),
        (managed_identity, [IMDS]),
        (managed_identity_by_client_id, [IMDS]),
        (managed_identity_by_resource_id, [IMDS]),
        (managed_identity_by_object_id, [IMDS]),
        (app_service, ["GET 127.0.0.1/app-service/token"]),
        (machine_learning, ["GET 127.0.0.1/machine-learning/token"]),
        (cloud_shell, ["POST 127.0.0.1/cloud-shell/token"]),
        (azure_cli, []),
        (azure_powershell, []),
        (azure_developer_cli, []),
    ],
)
def test_an_identity_becomes_a_credential_in_no_more_requests_than_it_takes(
    machine: Machine, identity: Callable[[Machine], dict[str, str]], signing_in: list[str]
) -> None:
    username, secret = machine.get(identity(machine)).credential
    assert username == NULL_GUID
    assert machine.azure.issued(username, secret, EXAMPLE_HOST)
    port = f":{machine.azure.port}"
    assert [r.replace(port, "") for r in machine.requests()] == [*signing_in, EXCHANGE]


def test_service_fabric_is_known_by_its_certificates_thumbprint(
    machine: Machine, authority: Authority
) -> None:
    with AzureCloud(authority, tls=authority.server_context("127.0.0.1")) as fabric:
        fabric.exchange_at(machine.azure)
        certificate = ssl.get_server_certificate(("127.0.0.1", fabric.port))
        thumbprint = sha1(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest()
        environment = {
            "IDENTITY_ENDPOINT": f"{fabric.url}/service-fabric/token",
            "IDENTITY_HEADER": cloud.IDENTITY_HEADER,
            "IDENTITY_SERVER_THUMBPRINT": thumbprint,
            # The cluster chooses the identity; a client id that happens to be set does not.
            "AZURE_CLIENT_ID": cloud.MANAGED_CLIENT_ID,
        }
        assert machine.get(environment).status == 0
        stranger = {**environment, "IDENTITY_SERVER_THUMBPRINT": "0" * 40}
        assert "managed-identity" in machine.fails(stranger)


def test_az_is_asked_for_the_registries_audience_and_the_tenant_of_the_option(
    machine: Machine,
) -> None:
    environment = {**azure_cli(machine), f"{OPTION}TENANT_ID": cloud.TENANT_ID}
    assert machine.get(environment).status == 0
    asked = (machine.folder / "az.arguments").read_text().split()
    assert asked[asked.index("--resource") + 1] == cloud.AUDIENCE
    assert asked[asked.index("--tenant") + 1] == cloud.TENANT_ID


def test_an_az_that_left_no_trace_is_asked_whether_it_is_logged_in(machine: Machine) -> None:
    environment = azure_cli(machine)
    del environment["AZURE_CONFIG_DIR"]
    assert machine.get(environment).status == 0
    environment = machine.azure.program(
        machine.folder, "az", "echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1"
    )
    done = machine.get(environment)
    assert (done.status, done.stdout, done.stderr) == (1, NOT_FOUND, "")


def test_two_registries_get_credentials_of_their_own(machine: Machine) -> None:
    environment = client_secret(machine)
    hosts = (EXAMPLE_HOST, "other.azurecr.io", "myreg.eastus2.geo.azurecr.io")
    secrets = {host: machine.get(environment, host).credential[1] for host in hosts}
    assert len(set(secrets.values())) == 3
    for host, secret in secrets.items():
        assert [machine.azure.issued(NULL_GUID, secret, h) for h in hosts].count(True) == 1
        assert machine.azure.issued(NULL_GUID, secret, host)


def test_the_identity_token_option_marks_the_credential_as_one(machine: Machine) -> None:
    environment = {**client_secret(machine), f"{OPTION}IDENTITY_TOKEN": "true"}
    username, secret = machine.get(environment).credential
    assert username == "<token>"
    assert machine.azure.issued(username, secret, EXAMPLE_HOST)


def test_an_audience_of_the_users_own_is_asked_for_and_shown(machine: Machine) -> None:
    machine.azure.audience = "https://management.azure.com"
    environment = {**client_secret(machine), f"{OPTION}AUDIENCE": machine.azure.audience}
    assert machine.get(environment).status == 0
    environment = {**managed_identity(machine), f"{OPTION}AUDIENCE": machine.azure.audience}
    assert machine.get(environment).status == 0


# --- A pipe in a file's place ---------------------------------------------------------------------

PIPED = ("AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE")


def pipe(machine: Machine, variable: str) -> tuple[Path, dict[str, str]]:
    path = machine.folder / "pipe"
    os.mkfifo(path)
    environment = {**machine.azure.principal(), variable: str(path)}
    return path, {**environment, "DOCKER_CREDENTIAL_MULTI_CACHE": "on"}


@pytest.mark.parametrize("variable", PIPED)
def test_what_a_pipe_holds_is_read_once_and_by_the_one_who_needs_it(
    machine: Machine, variable: str
) -> None:
    path, environment = pipe(machine, variable)
    content = {
        "AZURE_CLIENT_CERTIFICATE_PATH": machine.azure.certificate_file.read_text(),
        "AZURE_FEDERATED_TOKEN_FILE": machine.azure.federated_token,
    }[variable]
    writer = threading.Thread(target=path.write_text, args=(content,), daemon=True)
    writer.start()
    username, secret = machine.get(environment).credential
    assert machine.azure.issued(username, secret, EXAMPLE_HOST)
    writer.join()


@pytest.mark.parametrize("variable", PIPED)
def test_a_pipe_that_nobody_writes_to_holds_a_get_up_no_longer_than_its_deadline(
    machine: Machine, variable: str
) -> None:
    _, environment = pipe(machine, variable)
    began = time.monotonic()
    told = machine.fails({**environment, "DOCKER_CREDENTIAL_MULTI_DEADLINE_S": "2"})
    assert "no answer within 2 s" in told
    assert time.monotonic() - began < GENEROUS_S


@pytest.mark.parametrize("variable", PIPED)
def test_to_explain_a_pipe_is_not_to_read_it(machine: Machine, variable: str) -> None:
    _, environment = pipe(machine, variable)
    done = machine.executable.run("explain", EXAMPLE_HOST, environment=environment)
    assert done.status == 0
    assert variable in done.stdout.decode()


# --- Which cloud ----------------------------------------------------------------------------------


@pytest.mark.parametrize("of", cloud.CLOUDS, ids=lambda of: of.suffix)
def test_the_hosts_suffix_says_where_to_sign_in(machine: Machine, of: cloud.Cloud) -> None:
    host = f"myreg.{of.suffix}"
    username, secret = machine.get(client_secret(machine), host).credential
    assert machine.azure.issued(username, secret, host)
    assert [r.host for r in machine.azure.received] == [of.authority, of.authority, host]


@pytest.mark.parametrize("identity", [client_secret, workload_identity, azure_cli])
def test_an_authority_of_another_cloud_is_refused_without_any_request(
    machine: Machine, identity: Callable[[Machine], dict[str, str]]
) -> None:
    environment = {**identity(machine), "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.us"}
    assert "AZURE_AUTHORITY_HOST" in machine.fails(environment)
    assert machine.requests() == []
    assert not (machine.folder / "az.arguments").exists()


def test_another_name_of_the_same_cloud_is_used(machine: Machine) -> None:
    machine.proxy.route("westus2.login.microsoft.com", machine.azure)
    environment = {
        **client_secret(machine),
        "AZURE_AUTHORITY_HOST": "westus2.login.microsoft.com",
    }
    assert machine.get(environment).status == 0
    assert {r.host for r in machine.azure.received} == {"westus2.login.microsoft.com", EXAMPLE_HOST}


@pytest.mark.parametrize("identity", [client_secret, workload_identity])
def test_an_authority_on_loopback_is_used_as_given(
    machine: Machine, authority: Authority, identity: Callable[[Machine], dict[str, str]]
) -> None:
    with AzureCloud(authority, tls=authority.server_context("127.0.0.1")) as private:
        private.federated_token = machine.azure.federated_token
        private.exchange_at(machine.azure)
        environment = {**identity(machine), "AZURE_AUTHORITY_HOST": private.url}
        username, secret = machine.get(environment).credential
        assert private.issued(username, secret, EXAMPLE_HOST)
        assert machine.requests() == [EXCHANGE]


def test_an_authority_that_nobody_knows_is_not_given_a_secret(machine: Machine) -> None:
    environment = {**client_secret(machine), "AZURE_AUTHORITY_HOST": "login.private.example"}
    said = machine.fails(environment)
    assert "Microsoft does not know the authority" in said
    assert "ACR_INSTANCE_DISCOVERY=false" in said
    assert {r.path for r in machine.azure.received} == {"/common/discovery/instance"}
    machine.proxy.route("login.private.example", machine.azure)
    assert machine.get({**environment, f"{OPTION}INSTANCE_DISCOVERY": "false"}).status == 0


def test_the_closed_cloud_is_explained_and_never_called(machine: Machine) -> None:
    said = machine.fails(client_secret(machine), "myreg.azurecr.de")
    assert "was closed in October 2021" in said
    assert machine.requests() == []


def test_a_login_of_az_to_another_cloud_is_refused_before_az_is_run(machine: Machine) -> None:
    said = machine.fails(azure_cli(machine), "myreg.azurecr.us")
    assert "az cloud set --name AzureUSGovernment" in said
    assert not (machine.folder / "az.arguments").exists()


def test_a_token_of_another_cloud_is_not_shown_to_the_registry(machine: Machine) -> None:
    environment = machine.azure.az_login(machine.folder, cloud=cloud.CHINA)
    assert "another cloud" in machine.fails(environment)
    assert machine.requests() == []


# --- What the token never meets -------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_of_the_exchange_is_not_followed(machine: Machine, status: int) -> None:
    elsewhere = faults.redirect_to("https://elsewhere.example/oauth2/exchange", status)
    machine.azure.fail("/oauth2/exchange", elsewhere)
    said = machine.fails(client_secret(machine))
    assert "redirect to elsewhere.example" in said
    assert machine.requests().count(EXCHANGE) == 1
    assert machine.azure.exchanges == 0


def test_a_redirect_of_the_sign_in_is_not_followed(machine: Machine) -> None:
    machine.azure.fail(TOKEN_PATH, faults.redirect_to("https://elsewhere.example/token"))
    said = machine.fails(federated_token(machine))
    assert "redirect to elsewhere.example" in said


def test_netrc_is_shown_to_nobody(machine: Machine) -> None:
    netrc = machine.home / ".netrc"
    netrc.write_text("default login somebody password loopback-netrc\n")
    netrc.chmod(0o600)
    # That no Authorization header came with anything is what Azure itself asserts.
    assert machine.get(client_secret(machine)).status == 0
    assert machine.get(federated_token(machine)).status == 0


def test_a_metadata_service_is_never_asked_through_a_proxy(machine: Machine) -> None:
    everything = {"NO_PROXY": "", "no_proxy": ""}
    assert machine.get({**managed_identity(machine), **everything}).status == 0
    assert machine.get({**app_service(machine), **everything}).status == 0


def test_the_registry_is_asked_once_and_nothing_else(machine: Machine) -> None:
    machine.azure.fail("/oauth2/exchange", faults.unavailable(503), times=1)
    assert f"{EXAMPLE_HOST} has a fault (503)" in machine.fails(federated_token(machine))
    assert machine.requests() == [TOKEN, EXCHANGE]


# --- One identity, and no other -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identity", "spoilt", "said"),
    [
        (client_secret, {"AZURE_CLIENT_SECRET": "wrong"}, "AADSTS7000215"),
        (client_secret, {"AZURE_CLIENT_ID": cloud.MANAGED_CLIENT_ID}, "AADSTS700016"),
        (client_secret, {"AZURE_TENANT_ID": "nobodys.example"}, "AADSTS90002"),
        (client_secret, {"AZURE_TENANT_ID": ""}, "AZURE_TENANT_ID is not"),
        (username_and_password, {"AZURE_PASSWORD": "wrong"}, "AADSTS50126"),
        (federated_token, {"AZURE_FEDERATED_TOKEN": "not.a.token"}, "AADSTS50027"),
        (federated_token, {"AZURE_CLIENT_ID": ""}, "AZURE_CLIENT_ID is not"),
    ],
)
def test_an_identity_that_is_configured_and_fails_does_not_give_way_to_the_machines(
    machine: Machine,
    identity: Callable[[Machine], dict[str, str]],
    spoilt: dict[str, str],
    said: str,
) -> None:
    environment = {**managed_identity(machine), **azure_cli(machine), **identity(machine)}
    environment |= {**machine.metadata(), **spoilt}
    explained = machine.fails(environment)
    assert said in explained
    assert "hint: " in explained
    assert "Trace ID" not in explained
    assert machine.azure.received_at("/metadata/*") == []
    assert not (machine.folder / "az.arguments").exists()
    assert machine.azure.exchanges == 0


def test_where_the_machine_has_no_identity_the_login_of_az_is_used(machine: Machine) -> None:
    machine.azure.system_assigned = False
    assert machine.get({**managed_identity(machine), **azure_cli(machine)}).status == 0
    assert (machine.folder / "az.arguments").exists()


def test_an_identity_that_was_chosen_by_its_class_is_the_only_one(machine: Machine) -> None:
    environment = {**client_secret(machine), **azure_cli(machine)}
    environment["AZURE_TOKEN_CREDENTIALS"] = "AzureCliCredential"
    assert machine.get(environment).status == 0
    assert machine.requests() == [EXCHANGE]


def test_a_managed_identity_chosen_by_its_class_is_no_workload(machine: Machine) -> None:
    environment = {**workload_identity(machine), **machine.metadata()}
    environment["AZURE_TOKEN_CREDENTIALS"] = "ManagedIdentityCredential"
    environment["AZURE_CLIENT_ID"] = cloud.MANAGED_CLIENT_ID
    assert machine.get(environment).status == 0
    assert machine.azure.received_at(TOKEN_PATH) == []


# --- Nothing configured ---------------------------------------------------------------------------


@pytest.mark.skipif("-m" not in COMMAND, reason="only the interpreter tells what it imports")
def test_with_no_identity_the_answer_is_not_found_and_the_sdk_is_not_loaded(
    machine: Machine,
) -> None:
    watched = {"PYTHONPROFILEIMPORTTIME": "1"}
    done = machine.get(watched)
    assert (done.status, done.stdout) == (1, NOT_FOUND)
    assert "cred_helper.providers.acr" in done.stderr
    assert "azure" not in done.stderr.replace("cred_helper.providers", "")
    assert "requests" not in done.stderr
    # The same eyes do see it where it is loaded.
    assert "azure.identity" in machine.get({**client_secret(machine), **watched}).stderr


@pytest.mark.parametrize("chosen", ["prod", "dev", "EnvironmentCredential", "AzureCliCredential"])
def test_with_no_identity_of_the_chosen_kind_the_answer_is_not_found(
    machine: Machine, chosen: str
) -> None:
    began = time.monotonic()
    done = machine.get({"AZURE_TOKEN_CREDENTIALS": chosen})
    assert (done.status, done.stdout, done.stderr) == (1, NOT_FOUND, "")
    assert time.monotonic() - began < GENEROUS_S


def test_a_machine_without_an_identity_of_its_own_is_not_found(machine: Machine) -> None:
    machine.azure.system_assigned = False
    done = machine.get(managed_identity(machine))
    assert (done.status, done.stdout, done.stderr) == (1, NOT_FOUND, "")


# --- What is said of failures ---------------------------------------------------------------------


def test_a_managed_identity_that_the_machine_does_not_have_is_named(machine: Machine) -> None:
    environment = {**managed_identity(machine), "AZURE_CLIENT_ID": cloud.CLIENT_ID}
    assert cloud.CLIENT_ID in machine.fails(environment)
    environment = {**app_service(machine), "AZURE_CLIENT_ID": cloud.CLIENT_ID}
    assert cloud.CLIENT_ID in machine.fails(environment)


def test_a_managed_identity_that_was_named_does_not_give_way_to_the_login_of_az(
    machine: Machine,
) -> None:
    environment = {**managed_identity(machine), **azure_cli(machine)}
    assert cloud.CLIENT_ID in machine.fails({**environment, "AZURE_CLIENT_ID": cloud.CLIENT_ID})
    assert not (machine.folder / "az.arguments").exists()


def test_a_choice_among_several_managed_identities_is_asked_for(machine: Machine) -> None:
    several = "Multiple user assigned identities exist, please specify the clientId"
    document = {"error": "invalid_request", "error_description": several}
    machine.azure.fail("/metadata/identity/*", json_reply(document, 400))
    assert "choose one by AZURE_CLIENT_ID" in machine.fails(managed_identity(machine))


def test_a_metadata_service_that_somebody_insists_on_and_is_not_there_is_told(
    machine: Machine,
) -> None:
    environment = {f"{OPTION}RESOURCE_ID": cloud.MANAGED_RESOURCE_ID}
    assert "no metadata service answers" in machine.fails(environment)
    environment = {"AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential"}
    assert "no metadata service answers" in machine.fails(environment)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1", "nobody is logged"),
        (
            "echo 'ERROR: AADSTS700082: The refresh token has expired. Trace ID: 1' >&2; exit 1",
            "the login has expired (AADSTS700082)",
        ),
        ('echo \'{"accessToken": "loopback-token"\'', "azure-cli gave no token"),
        ("echo 'loopback-token: it broke' >&2; exit 3", "azure-cli gave no token"),
    ],
)
def test_a_login_of_az_that_does_not_work_says_to_log_in(
    machine: Machine, script: str, said: str
) -> None:
    environment = machine.azure.program(machine.folder, "az", script)
    explained = machine.fails({**environment, **machine.azure.az_profile(machine.folder)})
    assert said in explained
    assert "hint: az login\n" in explained
    assert "loopback-token" not in explained
    assert "Trace ID" not in explained


def test_a_certificate_that_cannot_be_used_is_named_and_not_quoted(machine: Machine) -> None:
    environment = client_certificate(machine)
    missing = {**environment, "AZURE_CLIENT_CERTIFICATE_PATH": "/nowhere/client.pem"}
    assert "/nowhere/client.pem cannot be read (No such file" in machine.fails(missing)
    garbage = machine.file("garbage.pem", "-----BEGIN PRIVATE KEY-----\nloopback-garbage\n")
    said = machine.fails({**environment, "AZURE_CLIENT_CERTIFICATE_PATH": garbage})
    assert garbage in said
    assert "loopback-garbage" not in said
    assert machine.requests() == []


def test_a_federated_token_file_that_cannot_be_used_is_named(machine: Machine) -> None:
    environment = workload_identity(machine)
    empty = machine.file("empty", "\n")
    assert f"{empty} is empty" in machine.fails(
        {**environment, "AZURE_FEDERATED_TOKEN_FILE": empty}
    )
    missing = {**environment, "AZURE_FEDERATED_TOKEN_FILE": "/nowhere/token"}
    assert "/nowhere/token cannot be read (No such file" in machine.fails(missing)
    assert machine.requests() == []


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (Refusal(7000222, "invalid_client", "Expired."), "the client secret has expired"),
        (Refusal(700213, "invalid_client", "No match."), "no federated credential of the applicat"),
        (Refusal(4242424, "invalid_client", "New."), "https://login.microsoftonline.com/error?cod"),
    ],
)
def test_a_code_of_entras_is_said_in_words(machine: Machine, refusal: Refusal, said: str) -> None:
    machine.azure.fail(TOKEN_PATH, refusal.reply())
    explained = machine.fails(client_secret(machine))
    assert said in explained
    assert "(AADSTS" in explained
    assert "Trace ID" not in explained
    assert "Correlation ID" not in explained


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (faults.unavailable(429, retry_after_s=600), "hint: it asks to wait 600 s\n"),
        (faults.unavailable(503), f"{cloud.PUBLIC.authority} has a fault (503)"),
        (faults.html(), "something that is no token (200)"),
        (faults.wrong_json(), "something that is no token (200)"),
        (faults.wrong_json({"access_token": 7, "expires_in": 3600}), "gave no token"),
        (faults.wrong_json({"error": "invalid_client"}, 401), "refuses the identity (invalid_cli"),
        (faults.cut_body, "broke off the connection"),
    ],
)
def test_what_is_wrong_with_entra_is_said(machine: Machine, fault: Fault, said: str) -> None:
    machine.azure.fail(TOKEN_PATH, fault)
    began = time.monotonic()
    assert said in machine.fails(client_secret(machine))
    assert time.monotonic() - began < GENEROUS_S


def test_a_hiccup_of_entra_or_the_metadata_service_is_survived(machine: Machine) -> None:
    machine.azure.fail(TOKEN_PATH, faults.unavailable(503), times=1)
    assert machine.get(client_secret(machine)).status == 0
    machine.azure.fail("/metadata/identity/*", faults.unavailable(429, retry_after_s=1), times=1)
    assert machine.get(managed_identity(machine)).status == 0


FIREWALL = {
    "errors": [{"code": "DENIED", "message": "client with IP '192.0.2.7' is not allowed access."}]
}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (faults.wrong_json({"errors": [{"code": "UNAUTHORIZED"}]}, 401), "role AcrPull on myreg"),
        (faults.wrong_json({"errors": [{"code": "UNAUTHORIZED"}]}, 401), cloud.CLIENT_ID),
        (faults.wrong_json(FIREWALL, 403), "network rules let nobody in from 192.0.2.7"),
        (faults.wrong_json({}, 404), "no registry at myreg.azurecr.io"),
        (faults.unavailable(429, retry_after_s=7), "hint: it asks to wait 7 s\n"),
        (faults.unavailable(500), "myreg.azurecr.io has a fault (500)"),
        (faults.unavailable(418), "did not exchange the token of application"),
        (faults.html(), "something that is no refresh token"),
        (faults.wrong_json(), "something that is no refresh token"),
        (faults.wrong_json({"refresh_token": None}), "something that is no refresh token"),
        (faults.wrong_json({"refresh_token": ""}), "something that is no refresh token"),
        # Of what nobody would wait for the end of, only the beginning is read.
        (faults.huge_body(1 << 40), "something that is no refresh token"),
        (faults.cut_body, "broke off the connection"),
    ],
)
def test_what_is_wrong_with_the_exchange_is_said(machine: Machine, fault: Fault, said: str) -> None:
    machine.azure.fail("/oauth2/exchange", fault)
    assert said in machine.fails(federated_token(machine))
    assert machine.requests().count(EXCHANGE) == 1


@pytest.mark.parametrize(
    ("path", "identity", "silent"),
    [
        (TOKEN_PATH, client_secret, f"{cloud.PUBLIC.authority} did not answer in time"),
        ("/oauth2/exchange", federated_token, f"{EXAMPLE_HOST} did not answer in time"),
        ("/metadata/identity/*", managed_identity, "the metadata service at 127.0.0.1"),
    ],
)
def test_who_is_silent_is_named_within_the_deadline(
    machine: Machine, path: str, identity: Callable[[Machine], dict[str, str]], silent: str
) -> None:
    machine.azure.fail(path, faults.never_answer)
    began = time.monotonic()
    said = machine.fails({**identity(machine), "DOCKER_CREDENTIAL_MULTI_DEADLINE_S": "6"})
    assert silent in said
    assert time.monotonic() - began < GENEROUS_S


def test_a_program_that_hangs_is_not_waited_for(machine: Machine) -> None:
    environment = machine.azure.program(machine.folder, "az", "exec sleep 600")
    environment |= machine.azure.az_profile(machine.folder)
    began = time.monotonic()
    machine.fails({**environment, "DOCKER_CREDENTIAL_MULTI_DEADLINE_S": "3"})
    assert time.monotonic() - began < GENEROUS_S


# --- The way there --------------------------------------------------------------------------------


def test_a_proxy_that_does_not_connect_is_named(machine: Machine, authority: Authority) -> None:
    with TerminatingProxy(authority) as other:
        environment = {**client_secret(machine), **other.environment()}
        said = machine.fails(environment)
        assert f"the proxy does not connect to {cloud.PUBLIC.authority} (403)" in said
        assert set(other.refused) == {f"{cloud.PUBLIC.authority}:443"}


def test_a_certificate_of_an_unknown_authority_is_not_trusted(
    machine: Machine, tmp_path: Path
) -> None:
    folder = tmp_path / "stranger"
    folder.mkdir()
    stranger = str(Authority(folder).ca_file)
    environment = {**federated_token(machine), "REQUESTS_CA_BUNDLE": stranger}
    assert f"certificate of {cloud.PUBLIC.authority} is not trusted" in machine.fails(environment)


def test_the_bundle_that_openssl_and_go_read_is_trusted_too(machine: Machine) -> None:
    environment = federated_token(machine)
    bundle = machine.azure.redirection()["SSL_CERT_FILE"]
    only = {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": ""}
    assert machine.get({**environment, **only, "SSL_CERT_FILE": bundle}).status == 0
    assert machine.get({**environment, **only, "CURL_CA_BUNDLE": bundle}).status == 0
    said = machine.fails({**environment, **only, "SSL_CERT_FILE": "/nowhere/ca.pem"})
    assert "SSL_CERT_FILE names /nowhere/ca.pem, which does not exist" in said
