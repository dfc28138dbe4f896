"""The Azure provider from the outside: the executable, the real azure-identity, Azure on loopback.

`Acr` also checks each run: no secret or token is printed, no unexpected host gets a request, and
Azure refuses no request.
"""

from __future__ import annotations

import json
import os
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from functools import wraps
from hashlib import sha1
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.clouds import azure as cloud
from tests.clouds import faults
from tests.clouds.authority import Authority
from tests.clouds.azure import EXAMPLE_HOST, NULL_GUID, AzureCloud, Refusal, identities
from tests.clouds.fixtures import authority
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.server import Fault, Reply, json_reply
from tests.support.executable import COMMAND, NOT_FOUND, Completed
from tests.support.identity import Make
from tests.support.machine import Machine

__all__ = ["authority"]

TOKEN = f"POST {cloud.PUBLIC.authority}/{cloud.TENANT_ID}/oauth2/v2.0/token"
EXCHANGE = f"POST {EXAMPLE_HOST}/oauth2/exchange"
TOKEN_PATH = "/*/oauth2/v2.0/token"
OPTION = "DOCKER_CREDENTIAL_MULTI_ACR_"
# What a deadline of a few seconds may take with the process around it on a busy machine.
GENEROUS_S = 20.0


class Acr(Machine):
    """A machine that reaches Azure, and nothing else, through a proxy."""

    def __init__(
        self, home: Path, azure: AzureCloud, proxy: TerminatingProxy, folder: Path
    ) -> None:
        super().__init__(home, **azure.redirection())
        self.azure = azure
        self.proxy = proxy
        self.folder = folder
        header, token = cloud.IDENTITY_HEADER, azure.federated_token
        for secret in (cloud.CLIENT_SECRET, cloud.PASSWORD, header, token):
            self.marks.add(secret, "an identity")
        self.issues.append(azure.tokens)

    def ask(self, environment: Environment, host: str = EXAMPLE_HOST) -> Completed:
        """Ask, without the cache."""
        return self.get(host, **{"DOCKER_CREDENTIAL_MULTI_CACHE": "off", **environment})

    def fails(self, environment: Environment, host: str = EXAMPLE_HOST) -> Completed:
        """Ask, where the answer is an error."""
        done = self.fail(host, **{"DOCKER_CREDENTIAL_MULTI_CACHE": "off", **environment})
        assert host.encode() in done.stdout
        assert len(done.codes) == 1
        return done

    def requests(self) -> list[str]:
        """The requests that Azure received, in order."""
        return [f"{r.method} {r.host}{r.path}" for r in self.azure.received]

    def metadata(self) -> Environment:
        """An instance metadata service of its own."""
        return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": self.azure.url}

    def file(self, name: str, content: str) -> str:
        path = self.folder / name
        path.write_text(content)
        return str(path)


@pytest.fixture
def machine(authority: Authority, home: Path, tmp_path: Path) -> Iterator[Acr]:
    # Closed in this order, a cloud that never answers holds no connection of the proxy's open.
    with TerminatingProxy(authority) as proxy, AzureCloud(authority) as azure:
        azure.register(proxy)
        yield Acr(home, azure, proxy, tmp_path)
        assert proxy.refused == []


# --- Identities -----------------------------------------------------------------------------------


Environment = dict[str, str]
Who = Callable[[Acr], Environment]


def _of(make: Make) -> Who:
    @wraps(make)
    def made(machine: Acr) -> Environment:
        return make(machine, machine.azure)

    return made


client_secret = _of(identities.a_client_secret)
client_certificate = _of(identities.a_client_certificate)
username_and_password = _of(identities.a_user_name_and_a_password)
federated_token = _of(identities.a_federated_token)
workload_identity = _of(identities.a_workload_of_kubernetes)
managed_identity = _of(identities.a_managed_identity)
app_service = _of(identities.an_app_service)
machine_learning = _of(identities.a_machine_learning_workspace)
cloud_shell = _of(identities.a_cloud_shell)


def azure_cli(machine: Acr) -> Environment:
    return machine.azure.az_login(machine.folder)


def test_service_fabric_is_known_by_a_thumbprint(machine: Acr, authority: Authority) -> None:
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
        assert machine.ask(environment).status == 0
        stranger = {**environment, "IDENTITY_SERVER_THUMBPRINT": "0" * 40}
        assert machine.fails(stranger).codes == ["acr.sdk-refuses"]


def test_az_is_asked_for_the_registries_audience_and_the_tenant_of_the_option(machine: Acr) -> None:
    environment = {**azure_cli(machine), f"{OPTION}TENANT_ID": cloud.TENANT_ID}
    assert machine.ask(environment).status == 0
    asked = (machine.folder / "az.arguments").read_text().split()
    assert asked[asked.index("--resource") + 1] == cloud.AUDIENCE
    assert asked[asked.index("--tenant") + 1] == cloud.TENANT_ID


def test_an_az_without_a_folder_is_run_to_see_whether_it_is_logged_in(machine: Acr) -> None:
    environment = azure_cli(machine)
    del environment["AZURE_CONFIG_DIR"]
    assert machine.ask(environment).status == 0
    environment = machine.azure.program(
        machine.folder, "az", "echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1"
    )
    done = machine.ask(environment)
    assert (done.status, done.stdout, done.stderr) == (1, NOT_FOUND, "")


def test_two_registries_get_credentials_of_their_own(machine: Acr) -> None:
    environment = client_secret(machine)
    hosts = (EXAMPLE_HOST, "other.azurecr.io", "myreg.eastus2.geo.azurecr.io")
    secrets = {host: machine.ask(environment, host).credential[1] for host in hosts}
    assert len(set(secrets.values())) == 3
    for host, secret in secrets.items():
        assert [machine.azure.issued(NULL_GUID, secret, h) for h in hosts].count(True) == 1
        assert machine.azure.issued(NULL_GUID, secret, host)


def test_options_choose_the_kind_of_credential_and_the_audience(machine: Acr) -> None:
    environment = {**client_secret(machine), f"{OPTION}IDENTITY_TOKEN": "true"}
    username, secret = machine.ask(environment).credential
    assert username == "<token>"
    assert machine.azure.issued(username, secret, EXAMPLE_HOST)
    machine.azure.audience = "https://management.azure.com"
    environment = {**client_secret(machine), f"{OPTION}AUDIENCE": machine.azure.audience}
    assert machine.ask(environment).status == 0
    environment = {**managed_identity(machine), f"{OPTION}AUDIENCE": machine.azure.audience}
    assert machine.ask(environment).status == 0


# --- A pipe in a file's place ---------------------------------------------------------------------

PIPED = ("AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE")


def pipe(machine: Acr, variable: str) -> tuple[Path, Environment]:
    path = machine.folder / "pipe"
    os.mkfifo(path)
    environment = {**machine.azure.principal(), variable: str(path)}
    return path, {**environment, "DOCKER_CREDENTIAL_MULTI_CACHE": "on"}


@pytest.mark.parametrize("variable", PIPED)
def test_a_pipe_is_read_once_and_by_the_get_that_needs_it(machine: Acr, variable: str) -> None:
    path, environment = pipe(machine, variable)
    content = {
        "AZURE_CLIENT_CERTIFICATE_PATH": machine.azure.certificate_file.read_text(),
        "AZURE_FEDERATED_TOKEN_FILE": machine.azure.federated_token,
    }[variable]
    writer = threading.Thread(target=path.write_text, args=(content,), daemon=True)
    writer.start()
    username, secret = machine.ask(environment).credential
    assert machine.azure.issued(username, secret, EXAMPLE_HOST)
    writer.join()


@pytest.mark.parametrize("variable", PIPED)
def test_explain_reads_no_pipe_and_a_get_waits_no_longer_than_asked(
    machine: Acr, variable: str
) -> None:
    _, environment = pipe(machine, variable)
    done = machine.executable.run("explain", EXAMPLE_HOST, environment=environment)
    assert done.status == 0
    assert variable in done.stdout.decode()
    began = time.monotonic()
    done = machine.fails({**environment, "DOCKER_CREDENTIAL_MULTI_DEADLINE_S": "2"})
    assert done.codes == ["provider.no-answer"]
    assert time.monotonic() - began < GENEROUS_S


# --- Which cloud ----------------------------------------------------------------------------------


@pytest.mark.parametrize("of", cloud.CLOUDS, ids=lambda of: of.suffix)
def test_the_suffix_of_the_host_decides_the_authority(machine: Acr, of: cloud.Cloud) -> None:
    host = f"myreg.{of.suffix}"
    username, secret = machine.ask(client_secret(machine), host).credential
    assert machine.azure.issued(username, secret, host)
    assert [r.host for r in machine.azure.received] == [of.authority, of.authority, host]


@pytest.mark.parametrize("identity", [client_secret, workload_identity, azure_cli])
def test_an_authority_of_another_cloud_causes_no_request(machine: Acr, identity: Who) -> None:
    environment = {**identity(machine), "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.us"}
    assert machine.fails(environment).codes == ["acr.authority-of-another-cloud"]
    assert machine.requests() == []
    assert not (machine.folder / "az.arguments").exists()


def test_another_name_of_the_same_cloud_is_used(machine: Acr) -> None:
    machine.proxy.route("westus2.login.microsoft.com", machine.azure)
    environment = {**client_secret(machine), "AZURE_AUTHORITY_HOST": "westus2.login.microsoft.com"}
    assert machine.ask(environment).status == 0
    assert {r.host for r in machine.azure.received} == {"westus2.login.microsoft.com", EXAMPLE_HOST}


@pytest.mark.parametrize("identity", [client_secret, workload_identity])
def test_a_loopback_authority_is_used(machine: Acr, authority: Authority, identity: Who) -> None:
    with AzureCloud(authority, tls=authority.server_context("127.0.0.1")) as private:
        private.federated_token = machine.azure.federated_token
        private.exchange_at(machine.azure)
        environment = {**identity(machine), "AZURE_AUTHORITY_HOST": private.url}
        username, secret = machine.ask(environment).credential
        assert private.issued(username, secret, EXAMPLE_HOST)
        assert machine.requests() == [EXCHANGE]


def test_an_unknown_authority_gets_no_secret(machine: Acr) -> None:
    environment = {**client_secret(machine), "AZURE_AUTHORITY_HOST": "login.private.example"}
    assert machine.fails(environment).codes == ["acr.unknown-authority"]
    assert {r.path for r in machine.azure.received} == {"/common/discovery/instance"}
    machine.proxy.route("login.private.example", machine.azure)
    assert machine.ask({**environment, f"{OPTION}INSTANCE_DISCOVERY": "false"}).status == 0


def test_the_closed_cloud_is_explained_and_never_called(machine: Acr) -> None:
    assert machine.fails(client_secret(machine), "myreg.azurecr.de").codes == ["acr.cloud-closed"]
    assert machine.requests() == []


def test_a_login_or_a_token_of_another_cloud_is_refused(machine: Acr) -> None:
    done = machine.fails(azure_cli(machine), "myreg.azurecr.us")
    assert done.codes == ["acr.az-in-another-cloud"]
    assert "az cloud set --name AzureUSGovernment" in done.stderr
    assert not (machine.folder / "az.arguments").exists()
    environment = machine.azure.az_login(machine.home, cloud=cloud.CHINA)
    assert machine.fails(environment).codes == ["acr.token-of-another-cloud"]
    assert machine.requests() == []


# --- What the token never meets -------------------------------------------------------------------


def test_a_metadata_service_is_never_asked_through_a_proxy(machine: Acr) -> None:
    everything = {"NO_PROXY": "", "no_proxy": ""}
    assert machine.ask({**managed_identity(machine), **everything}).status == 0
    assert machine.ask({**app_service(machine), **everything}).status == 0


# --- One identity, and no other -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identity", "spoilt", "code"),
    [
        (client_secret, {"AZURE_CLIENT_SECRET": "wrong"}, "acr.wrong-secret"),
        (client_secret, {"AZURE_CLIENT_ID": cloud.MANAGED_CLIENT_ID}, "acr.unknown-application"),
        (client_secret, {"AZURE_TENANT_ID": "unknown.example"}, "acr.unknown-tenant"),
        (client_secret, {"AZURE_TENANT_ID": ""}, "acr.half-an-identity"),
        (username_and_password, {"AZURE_PASSWORD": "wrong"}, "acr.wrong-password"),
        (federated_token, {"AZURE_FEDERATED_TOKEN": "not.a.token"}, "acr.entra-code"),
        (federated_token, {"AZURE_CLIENT_ID": ""}, "acr.half-an-identity"),
    ],
)
def test_a_configured_identity_that_fails_is_not_replaced_by_the_machines(
    machine: Acr, identity: Who, spoilt: Environment, code: str
) -> None:
    environment = {**managed_identity(machine), **azure_cli(machine), **identity(machine)}
    environment |= {**machine.metadata(), **spoilt}
    done = machine.fails(environment)
    assert done.codes == [code]
    assert "hint: " in done.stderr
    assert "Trace ID" not in done.stderr
    assert machine.azure.received_at("/metadata/*") == []
    assert not (machine.folder / "az.arguments").exists()
    assert machine.azure.exchanges == 0


def test_only_the_credential_class_that_was_chosen_is_tried(machine: Acr) -> None:
    environment = {**client_secret(machine), **azure_cli(machine)}
    environment["AZURE_TOKEN_CREDENTIALS"] = "AzureCliCredential"
    assert machine.ask(environment).status == 0
    assert machine.requests() == [EXCHANGE]
    # A managed identity does not sign in as a workload.
    environment = {**workload_identity(machine), **machine.metadata()}
    environment["AZURE_TOKEN_CREDENTIALS"] = "ManagedIdentityCredential"
    environment["AZURE_CLIENT_ID"] = cloud.MANAGED_CLIENT_ID
    assert machine.ask(environment).status == 0
    assert machine.azure.received_at(TOKEN_PATH) == []


# --- Nothing configured ---------------------------------------------------------------------------


@pytest.mark.skipif("-m" not in COMMAND, reason="only the interpreter reports its imports")
def test_with_no_identity_the_answer_is_not_found_and_the_sdk_is_not_loaded(machine: Acr) -> None:
    watched = {"PYTHONPROFILEIMPORTTIME": "1"}
    done = machine.ask(watched)
    assert (done.status, done.stdout) == (1, NOT_FOUND)
    assert "cred_helper.providers.acr" in done.stderr
    assert not re.search(r"\| +(azure|requests)", done.stderr)
    # The same eyes do see it where it is loaded.
    assert "azure.identity" in machine.ask({**client_secret(machine), **watched}).stderr


@pytest.mark.parametrize("chosen", ["prod", "dev", "EnvironmentCredential", "AzureCliCredential"])
def test_without_an_identity_of_the_chosen_kind_none_is_found(machine: Acr, chosen: str) -> None:
    began = time.monotonic()
    done = machine.ask({"AZURE_TOKEN_CREDENTIALS": chosen})
    assert (done.status, done.stdout, done.stderr) == (1, NOT_FOUND, "")
    assert time.monotonic() - began < GENEROUS_S


def test_where_the_machine_has_no_identity_the_login_of_az_is_used(machine: Acr) -> None:
    machine.azure.system_assigned = False
    done = machine.ask(managed_identity(machine))
    assert (done.status, done.stdout, done.stderr) == (1, NOT_FOUND, "")
    machine.azure.system_assigned = False
    assert machine.ask({**managed_identity(machine), **azure_cli(machine)}).status == 0
    assert (machine.folder / "az.arguments").exists()


# --- What is said of failures ---------------------------------------------------------------------


def test_a_managed_identity_that_the_machine_does_not_have_is_named(machine: Acr) -> None:
    chosen = {"AZURE_CLIENT_ID": cloud.CLIENT_ID}
    # It does not give way to the login of az.
    for environment in ({**managed_identity(machine), **azure_cli(machine)}, app_service(machine)):
        done = machine.fails({**environment, **chosen})
        assert done.codes == ["acr.identity-not-assigned"]
        assert cloud.CLIENT_ID in done.stderr
    assert not (machine.folder / "az.arguments").exists()


def test_one_of_several_managed_identities_has_to_be_chosen(machine: Acr) -> None:
    several = "Multiple user assigned identities exist, please specify the clientId"
    document = {"error": "invalid_request", "error_description": several}
    machine.azure.fail("/metadata/identity/*", json_reply(document, 400))
    assert machine.fails(managed_identity(machine)).codes == ["acr.several-identities"]
    machine.azure.system_assigned = False
    environment = app_service(machine)
    del environment["AZURE_CLIENT_ID"]
    assert machine.fails(environment).codes == ["acr.no-system-identity"]
    assert machine.fails({**environment, "AZURE_CLIENT_ID": ""}).codes == ["acr.no-system-identity"]


def test_a_chosen_metadata_service_that_does_not_answer_is_an_error(machine: Acr) -> None:
    environment = {f"{OPTION}RESOURCE_ID": cloud.MANAGED_RESOURCE_ID}
    assert machine.fails(environment).codes == ["acr.no-metadata-service"]
    environment = {"AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential"}
    assert machine.fails(environment).codes == ["acr.no-metadata-service"]


def complains(words: str) -> str:
    """A script that fails with these words."""
    return f"cat >&2 <<'END'\n{words}\nEND\nexit 1"


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        (complains("ERROR: Please run 'az login' to setup account."), "acr.not-logged-in", ""),
        (
            complains("ERROR: AADSTS700082: The refresh token has expired. Trace ID: 1"),
            *("acr.login-expired", "AADSTS700082"),
        ),
        (complains("ERROR: AADSTS50076: a second factor"), "acr.second-factor", "AADSTS50076"),
        (
            complains('ERROR: The subscription of "contoso" is disabled. Trace ID: 1'),
            *("acr.program-failed", 'The subscription of "contoso" is disabled'),
        ),
        (
            complains("ERROR: no lock: eyJloopback-token.loopback-token.x"),
            *("acr.program-failed", "no lock: …"),
        ),
        ('echo \'{"accessToken": "loopback-token"\'', "acr.no-token-given", ""),
        ("echo '{\"accessToken\": 7}'", "acr.no-token-given", ""),
        ("echo 'loopback-token: it broke' >&2; exit 3", "acr.program-failed-silently", ""),
        ("yes loopback-token", "provider.program-output-too-long", ""),
    ],
)
def test_an_az_without_a_token_is_quoted(machine: Acr, script: str, code: str, said: str) -> None:
    environment = machine.azure.program(machine.folder, "az", script)
    done = machine.fails({**environment, **machine.azure.az_profile(machine.folder)})
    assert done.codes == [code]
    assert said in done.stderr
    if code.startswith(("acr.not", "acr.login", "acr.program")):
        assert "hint: az login\n" in done.stderr
    assert "loopback-token" not in done.stderr
    assert "Trace ID" not in done.stderr


NO_MODULE = "Az.Accounts was not loaded"
LOGIN_AZD = '{"data": {"message": "ERROR: run `azd auth login` to login"}}'


@pytest.mark.parametrize(
    ("name", "script", "code"),
    [
        ("pwsh", "yes loopback-token", "provider.program-output-too-long"),
        (*("pwsh", complains("Az.Accounts: Run Connect-AzAccount to login.")), "acr.not-logged-in"),
        ("pwsh", complains(NO_MODULE), "acr.no-powershell-module"),
        ("pwsh", "echo azsdk%", "acr.no-token-given"),
        ("azd", "yes loopback-token", "provider.program-output-too-long"),
        ("azd", "echo '{\"token\": 7}'", "acr.no-token-given"),
        ("azd", complains(LOGIN_AZD), "acr.not-logged-in"),
    ],
)
def test_pwsh_or_azd_without_a_token_fails(machine: Acr, name: str, script: str, code: str) -> None:
    azd, pwsh = identities.a_login_of_azd, identities.a_login_of_azure_powershell
    {"pwsh": pwsh, "azd": azd}[name](machine, machine.azure)
    machine.scripts.program(name, script)
    done = machine.fails({"PATH": machine.scripts.path})
    assert done.codes == [code]
    assert "loopback-token" not in done.stderr


def wrapped(document: str, before: str = "", after: str = "") -> str:
    return f"cat <<'END'\n{before}{document}{after}\nEND"


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        # Azure/azure-sdk-for-python#11362, #18664, #37841
        ("", "\n\x1b[0m", {}),
        # Azure/azure-sdk-for-java#36232
        ("WARNING: {preview} is in preview.\n", "", {}),
        ("{}\n", "", {}),
        # Azure/azure-cli#20211
        ("", "", {"expiresOn": None, "expires_on": None}),
        ("", "", {"expiresOn": "", "expires_on": ""}),
        # Azure/azure-cli#14218
        ("", "", {"expires_on": "4070908800"}),
    ],
)
def test_other_output_of_az_besides_the_token_is_ignored(
    machine: Acr, before: str, after: str, changed: dict[str, object]
) -> None:
    document = {
        "accessToken": machine.azure.issue(cloud.AUDIENCE, cloud.PUBLIC),
        "expiresOn": "2099-01-01 00:00:00.000000",
        "tokenType": "Bearer",
        **changed,
    }
    script = f"echo 'WARNING: a warning' >&2; {wrapped(json.dumps(document), before, after)}"
    environment = machine.azure.program(machine.folder, "az", script)
    environment |= machine.azure.az_profile(machine.folder)
    assert machine.ask(environment).status == 0
    assert machine.ask({**environment, "DOCKER_CREDENTIAL_MULTI_CACHE": "on"}).status == 0


@pytest.mark.parametrize(
    ("identity", "variable"),
    [(client_secret, "AZURE_CLIENT_SECRET"), (username_and_password, "AZURE_PASSWORD")],
)
def test_a_line_end_in_a_secret_is_named_as_the_cause(
    machine: Acr, identity: Who, variable: str
) -> None:
    environment = identity(machine)
    environment[variable] += "\n"
    done = machine.fails(environment)
    assert done.codes == ["acr.secret-with-blanks"]
    assert variable in done.stderr


def test_a_fault_in_a_certificates_file_is_reported(machine: Acr, authority: Authority) -> None:
    pem = machine.azure.certificate_file.read_text()
    key, certificate = pem[: pem.index("-----BEGIN CERT")], pem[pem.index("-----BEGIN CERT") :]
    by = serialization
    password = by.BestAvailableEncryption(b"a password")
    locked = authority.rsa_key.private_bytes(by.Encoding.PEM, by.PrivateFormat.PKCS8, password)
    elliptic = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        by.Encoding.PEM, by.PrivateFormat.PKCS8, by.NoEncryption()
    )
    path = machine.folder / "client-file"
    environment = {**client_certificate(machine), "AZURE_CLIENT_CERTIFICATE_PATH": str(path)}
    for content, code in (
        (None, "acr.unreadable"),
        ("-----BEGIN PRIVATE KEY-----\nloopback-garbage\n", "acr.certificate-without-certificate"),
        (certificate, "acr.certificate-without-key"),
        (key, "acr.certificate-without-certificate"),
        (locked.decode() + certificate, "acr.certificate-needs-password"),
        (elliptic.decode() + certificate, "acr.certificate-not-rsa"),
        (pem.split("-----")[2].strip(), "acr.certificate-encoded"),
        ("", "acr.bad-certificate"),
    ):
        if content is not None:
            path.write_text(content)
        done = machine.fails(environment)
        assert done.codes == [code]
        assert str(path) in done.stderr
        assert "loopback-garbage" not in done.stderr
    assert machine.requests() == []
    working = (
        # Azure/azure-sdk-for-python#21798: OpenSSL's text between the parts; a Windows editor's
        f"Bag Attributes\n    friendlyName: x\n{key}Bag Attributes\n{certificate}",
        "\ufeff" + pem.replace("\n", "\r\n"),
        pem,
    )
    for content in working:
        path.write_text(content)
        needless = {"AZURE_CLIENT_CERTIFICATE_PASSWORD": "a password"}
        assert machine.ask({**environment, **needless}).status == 0


def test_a_federated_token_file_that_cannot_be_used_is_named(machine: Acr) -> None:
    environment = workload_identity(machine)
    for path, code in (
        (machine.file("empty", "\n"), "acr.empty-token-file"),
        ("/nowhere/token", "acr.unreadable"),
    ):
        done = machine.fails({**environment, "AZURE_FEDERATED_TOKEN_FILE": path})
        assert done.codes == [code]
        assert path in done.stderr
    assert machine.requests() == []


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (Refusal(7000222, "invalid_client", "Expired."), "acr.secret-expired"),
        (Refusal(53003, "invalid_grant", "Blocked."), "acr.conditional-access"),
        (Refusal(700213, "invalid_client", "No match."), "acr.no-federated-credential"),
        # MicrosoftDocs/azure-docs#116275
        (Refusal(70023, "invalid_request", "Lifetime."), "acr.federated-token-too-long"),
        # MicrosoftDocs/azure-docs#72306
        (Refusal(90072, "invalid_grant", "Guest."), "acr.not-a-user-of-the-tenant"),
        (Refusal(4242424, "invalid_client", "New."), "acr.entra-code"),
    ],
)
def test_each_error_code_of_entra_has_a_message(machine: Acr, refusal: Refusal, code: str) -> None:
    machine.azure.fail(TOKEN_PATH, refusal.reply())
    done = machine.fails(client_secret(machine))
    assert done.codes == [code]
    assert "AADSTS" in done.stderr
    assert "Trace ID" not in done.stderr
    assert "Correlation ID" not in done.stderr


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (faults.wrong_json({"access_token": 7, "expires_in": 3600}), "acr.no-token-given"),
        (faults.wrong_json({"error": "invalid_client"}, 401), "acr.entra-refuses"),
    ],
)
def test_what_is_wrong_with_entra_is_reported(machine: Acr, fault: Fault, code: str) -> None:
    machine.azure.fail(TOKEN_PATH, fault)
    assert machine.fails(client_secret(machine)).codes == [code]


def test_one_failure_of_entra_or_the_metadata_service_is_retried(machine: Acr) -> None:
    machine.azure.fail(TOKEN_PATH, faults.unavailable(503), times=1)
    assert machine.ask(client_secret(machine)).status == 0
    machine.azure.fail("/metadata/identity/*", faults.unavailable(429, retry_after_s=1), times=1)
    assert machine.ask(managed_identity(machine)).status == 0


FIREWALL = {
    "errors": [{"code": "DENIED", "message": "client with IP '192.0.2.7' is not allowed access."}]
}


UNAUTHORIZED = faults.wrong_json({"errors": [{"code": "UNAUTHORIZED"}]}, 401)
DENIED = {"errors": [{"code": "DENIED", "message": "The operation is disallowed on this registry"}]}


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (UNAUTHORIZED, "acr.not-let-in", "AcrPull on myreg"),
        (UNAUTHORIZED, "acr.not-let-in", "Container Registry Repository Reader"),
        (UNAUTHORIZED, "acr.not-let-in", cloud.CLIENT_ID),
        (faults.wrong_json(FIREWALL, 403), "acr.network-rules", "192.0.2.7"),
        (faults.wrong_json(DENIED, 403), "acr.exchange-denied", "The operation is disallowed"),
        (faults.html(403), "acr.not-the-registry", ""),
        (faults.wrong_json({"errors": []}, 403), "acr.not-the-registry", ""),
        (faults.wrong_json({}, 404), "acr.registry-not-found", EXAMPLE_HOST),
        (faults.unavailable(429, retry_after_s=7), "network.throttled", "7 s"),
        (faults.unavailable(418), "acr.not-exchanged", cloud.CLIENT_ID),
        (faults.wrong_json({"refresh_token": None}), "acr.no-refresh-token", ""),
        (faults.wrong_json({"refresh_token": ""}), "acr.no-refresh-token", ""),
    ],
)
def test_a_wrong_exchange_is_reported(machine: Acr, fault: Fault, code: str, said: str) -> None:
    machine.azure.fail("/oauth2/exchange", fault)
    done = machine.fails(federated_token(machine))
    assert done.codes == [code]
    assert said in done.stderr
    assert machine.requests().count(EXCHANGE) == 1


@pytest.mark.parametrize("identity", [managed_identity, app_service, machine_learning, cloud_shell])
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (faults.cut_body, "network.broken-off"),
        (faults.huge_body(1 << 40), "network.reply-too-large"),
        (faults.html(), "acr.no-metadata-token"),
        (faults.unavailable(500), "network.server-error"),
    ],
)
def test_a_wrong_metadata_service_is_reported(
    machine: Acr, identity: Who, fault: Fault, code: str
) -> None:
    environment = identity(machine)
    machine.azure.fail("*/token", fault)
    assert machine.fails(environment).codes == [code]


@pytest.mark.parametrize(
    ("status", "text"),
    [
        # Azure/aad-pod-identity#681, #1280: what its NMI answers
        (403, "no AzureAssignedIdentity found for pod:default/demo in assigned state"),
        (403, "no azure identity found for request clientID"),
        # What Docker Desktop answers in place of a metadata service
        (403, "A socket operation was attempted to an unreachable network"),
    ],
)
def test_a_metadata_services_words_are_passed_on(machine: Acr, status: int, text: str) -> None:
    machine.azure.fail("/metadata/identity/*", Reply(status, {}, f"{text}\n".encode()))
    done = machine.fails(managed_identity(machine))
    assert done.codes == ["acr.no-metadata-token"]
    assert text in done.stderr


def test_a_program_that_hangs_is_not_waited_for(machine: Acr) -> None:
    environment = machine.azure.program(machine.folder, "az", "exec sleep 600")
    environment |= machine.azure.az_profile(machine.folder)
    began = time.monotonic()
    machine.fails({**environment, "DOCKER_CREDENTIAL_MULTI_DEADLINE_S": "3"})
    assert time.monotonic() - began < GENEROUS_S


# --- The way there --------------------------------------------------------------------------------


def test_the_bundle_that_openssl_and_go_read_is_trusted_too(machine: Acr) -> None:
    environment = federated_token(machine)
    bundle = machine.azure.redirection()["SSL_CERT_FILE"]
    only = {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": ""}
    assert machine.ask({**environment, **only, "SSL_CERT_FILE": bundle}).status == 0
    assert machine.ask({**environment, **only, "CURL_CA_BUNDLE": bundle}).status == 0
    done = machine.fails({**environment, **only, "SSL_CERT_FILE": "/nowhere/ca.pem"})
    assert done.codes == ["network.ca-file-missing"]
    assert "SSL_CERT_FILE" in done.stderr


# --- What is kept ---------------------------------------------------------------------------------

CACHE = {"DOCKER_CREDENTIAL_MULTI_CACHE": "on"}
SEVERAL = ("a1.azurecr.io", "b2.azurecr.io", "c3.azurecr.io")


@pytest.mark.parametrize("identity", [client_secret, workload_identity, app_service, azure_cli])
def test_one_sign_in_serves_all_registries_of_an_identity(machine: Acr, identity: Who) -> None:
    environment = {**identity(machine), **CACHE}
    for host in SEVERAL:
        username, secret = machine.ask(environment, host).credential
        assert machine.azure.issued(username, secret, host)
    sign_ins = [r for r in machine.azure.received if r.path.endswith("/token")]
    arguments = machine.folder / "az.arguments"
    runs = arguments.read_text().splitlines() if arguments.exists() else []
    assert len(sign_ins) + len(runs) == 1
    assert machine.azure.exchanges == len(SEVERAL)


def test_simultaneous_gets_for_several_registries_run_one_az(machine: Acr) -> None:
    machine.use({**azure_cli(machine), **CACHE})
    az = machine.folder / "bin" / "az"
    az.write_text(az.read_text().replace("cat <<", "sleep 1\ncat <<"))
    assert [one.status for one in machine.get_at_once(*SEVERAL)] == [0] * len(SEVERAL)
    assert len((machine.folder / "az.arguments").read_text().splitlines()) == 1


@pytest.mark.parametrize("named", [True, False])
def test_an_az_that_keeps_its_login_elsewhere_is_asked_each_time(machine: Acr, named: bool) -> None:
    tokens = {who: machine.azure.issue(cloud.AUDIENCE, cloud.PUBLIC) for who in "AB"}
    for who, token in tokens.items():
        machine.file(who, json.dumps({"accessToken": token, "expires_on": int(time.time()) + 3600}))
    environment = (
        machine.azure.program(machine.folder, "az", f'cat "{machine.folder}/$WHO"') | CACHE
    )
    if named:
        environment["AZURE_CONFIG_DIR"] = str(machine.folder / "no-such-folder")
    secrets = [machine.ask({**environment, "WHO": who}).credential[1] for who in "ABBA"]
    assert secrets[0] == secrets[3]
    assert secrets[1] == secrets[2]
    assert secrets[0] != secrets[1]


def test_two_apps_with_the_same_endpoint_get_tokens_of_their_own(machine: Acr) -> None:
    environment = {**app_service(machine), **CACHE}
    assert machine.ask(environment).status == 0
    machine.azure.fail("/app-service/token", faults.unavailable(500))
    assert machine.ask(environment).status == 0
    other = {**environment, "IDENTITY_HEADER": "another app's header"}
    assert machine.fails(other).codes == ["network.server-error"]


def test_another_identity_behind_a_named_metadata_address_is_noticed(machine: Acr) -> None:
    environment = {**managed_identity(machine), **CACHE}
    first = machine.ask(environment).credential[1]
    assert machine.ask(environment).credential[1] != first


def test_a_cached_sign_in_that_a_registry_refuses_is_repeated(machine: Acr) -> None:
    environment = {**client_secret(machine), **CACHE}
    assert machine.ask(environment, SEVERAL[0]).status == 0
    machine.azure.fail("/oauth2/exchange", UNAUTHORIZED, times=1)
    assert machine.ask(environment, SEVERAL[1]).status == 0
    assert machine.requests().count(TOKEN) == 2
