"""Which Azure identity is chosen, by looking at an environment and at files."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cred_helper.errors import CredentialError, Misconfigured, NotFound, Unreachable
from cred_helper.hosts import route
from cred_helper.providers.acr import AcrIdentity, AcrProvider
from cred_helper.providers.acr.setup import Setup, cloud_of
from cred_helper.providers.common import cloud_detection
from cred_helper.providers.common.interface import Deadline, TokenRequest
from cred_helper.server_url import ServerURL

TENANT, CLIENT = "contoso.example", "11111111-2222-4333-8444-555555555555"
SECRET = "loopback-secret"
PRINCIPAL = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT}
CHAIN = (
    "client-secret",
    "client-certificate",
    "username-password",
    "federated-token",
    "workload-identity",
    "managed-identity",
    "visual-studio-code",
    "azure-cli",
    "azure-powershell",
    "azure-developer-cli",
)


@pytest.fixture(autouse=True)
def firmware(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool | None], None]:
    """What the firmware says of the machine: nothing of Azure, if a test does not say otherwise."""

    def says(is_cloud: bool | None) -> None:
        sign = cloud_detection.Sign(is_cloud, "the firmware names no such cloud")
        monkeypatch.setattr(cloud_detection, "machine_sign", lambda cloud: sign)

    says(False)
    return says


def request(
    environ: dict[str, str], host: str = "myreg.azurecr.io", **options: str
) -> TokenRequest:
    found = route(ServerURL.parse(host))
    assert found is not None
    deadline = Deadline(5, time.monotonic)
    return TokenRequest(found, environ=environ, deadline=deadline, options=options)


def identify(
    environ: dict[str, str], host: str = "myreg.azurecr.io", **options: str
) -> AcrIdentity:
    return AcrProvider().identify(request(environ, host, **options))


def why(identity: AcrIdentity) -> dict[str, str]:
    return {other.source: other.reason for other in identity.skipped}


def program(folder: Path, name: str) -> str:
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\nexit 3\n")
    path.chmod(0o755)
    return str(path.parent)


def az_login(folder: Path, profile: object = None) -> dict[str, str]:
    (folder / ".azure").mkdir(exist_ok=True)
    user = {"name": "someone@contoso.example", "type": "user"}
    subscription = {"isDefault": True, "tenantId": TENANT, "user": user}
    document = json.dumps(profile or {"subscriptions": [subscription]})
    (folder / ".azure" / "azureProfile.json").write_text(document, encoding="utf-8-sig")
    return {"HOME": str(folder), "PATH": program(folder, "az")}


# --- The chain ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "source"),
    [
        ({}, None),
        (PRINCIPAL, None),
        ({**PRINCIPAL, "AZURE_CLIENT_SECRET": SECRET}, "client-secret"),
        ({**PRINCIPAL, "AZURE_CLIENT_SECRET": ""}, None),
        ({**PRINCIPAL, "AZURE_CLIENT_CERTIFICATE_PATH": "/c.pem"}, "client-certificate"),
        (
            {"AZURE_CLIENT_ID": CLIENT, "AZURE_USERNAME": "a", "AZURE_PASSWORD": "b"},
            "username-password",
        ),
        ({"AZURE_USERNAME": "a", "AZURE_PASSWORD": "b"}, None),
        ({"AZURE_USERNAME": "a", "AZURE_CLIENT_ID": CLIENT}, None),
        ({**PRINCIPAL, "AZURE_FEDERATED_TOKEN": "jwt"}, "federated-token"),
        ({**PRINCIPAL, "AZURE_FEDERATED_TOKEN_FILE": "/token"}, "workload-identity"),
        ({"IDENTITY_ENDPOINT": "http://h/", "IDENTITY_HEADER": "h"}, "managed-identity"),
        ({"IDENTITY_ENDPOINT": "http://h/", "IMDS_ENDPOINT": "http://h"}, "managed-identity"),
        ({"IDENTITY_ENDPOINT": "http://h/"}, None),
        ({"MSI_ENDPOINT": "http://h/"}, "managed-identity"),
        ({"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://h"}, "managed-identity"),
        ({"AZURE_TOKEN_CREDENTIALS": "managedidentitycredential"}, "managed-identity"),
    ],
)
def test_variables_choose_an_identity(environ: dict[str, str], source: str | None) -> None:
    identity = identify(environ)
    assert identity.source == source
    assert (identity.cache_key is None) == (source is None)


def test_a_certificate_in_a_pipe_is_not_known_and_so_not_cached(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    environ = {**PRINCIPAL, "AZURE_CLIENT_CERTIFICATE_PATH": str(tmp_path / "pipe")}
    assert identify(environ).source == "client-certificate"
    assert identify(environ).cache_key is None


def test_every_link_of_the_chain_is_either_chosen_or_explained() -> None:
    for environ in ({}, {**PRINCIPAL, "AZURE_CLIENT_SECRET": SECRET}):
        identity = identify(environ)
        assert sorted([*why(identity), *filter(None, [identity.source])]) == sorted(CHAIN)
        assert all(why(identity).values())


def test_what_is_earlier_in_the_chain_comes_first(tmp_path: Path) -> None:
    environ = {
        **PRINCIPAL,
        **az_login(tmp_path),
        "AZURE_CLIENT_SECRET": SECRET,
        "AZURE_CLIENT_CERTIFICATE_PATH": "/c.pem",
        "AZURE_USERNAME": "a",
        "AZURE_PASSWORD": "b",
        "AZURE_FEDERATED_TOKEN": "jwt",
        "AZURE_FEDERATED_TOKEN_FILE": "/token",
        "IDENTITY_ENDPOINT": "http://h/",
        "IDENTITY_HEADER": "h",
    }
    order = []
    for variable in (
        "AZURE_CLIENT_SECRET",
        "AZURE_CLIENT_CERTIFICATE_PATH",
        "AZURE_PASSWORD",
        "AZURE_FEDERATED_TOKEN",
        "AZURE_FEDERATED_TOKEN_FILE",
        "IDENTITY_ENDPOINT",
        "HOME",
    ):
        identity = identify(environ)
        order.append(identity.source)
        assert [login.source for login in identity.logins] == [identity.source]
        del environ[variable]
    assert order == [*CHAIN[:6], "azure-cli"]


@pytest.mark.parametrize(
    ("chosen", "source"),
    [
        ("prod", "client-secret"),
        ("dev", "azure-cli"),
        ("EnvironmentCredential", "client-secret"),
        ("AzureCliCredential", "azure-cli"),
        (" azureclicredential ", "azure-cli"),
        ("WorkloadIdentityCredential", None),
        ("VisualStudioCodeCredential", None),
    ],
)
def test_azure_token_credentials_narrows_the_chain(
    tmp_path: Path, chosen: str, source: str | None
) -> None:
    environ = {**PRINCIPAL, **az_login(tmp_path), "AZURE_CLIENT_SECRET": SECRET}
    assert identify({**environ, "AZURE_TOKEN_CREDENTIALS": chosen}).source == source
    assert identify(environ, token_credentials=chosen).source == source


@pytest.mark.parametrize("chosen", ["InteractiveBrowserCredential", "nonsense"])
def test_a_credential_class_that_cannot_be_used_here_is_told(chosen: str) -> None:
    with pytest.raises(Misconfigured, match="AZURE_TOKEN_CREDENTIALS"):
        identify({"AZURE_TOKEN_CREDENTIALS": chosen})


@pytest.mark.parametrize(
    "variable",
    [
        "AZURE_CLIENT_SECRET",
        "AZURE_CLIENT_CERTIFICATE_PATH",
        "AZURE_FEDERATED_TOKEN",
        "AZURE_FEDERATED_TOKEN_FILE",
    ],
)
@pytest.mark.parametrize("missing", ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"])
def test_half_an_identity_is_told_and_not_replaced_by_another(
    tmp_path: Path, variable: str, missing: str
) -> None:
    environ = {**PRINCIPAL, **az_login(tmp_path), variable: SECRET}
    del environ[missing]
    with pytest.raises(Misconfigured, match=f"{variable} is set, but {missing} is not"):
        identify(environ)


# --- The machine's own, and guesses ---------------------------------------------------------------


def test_a_machine_of_another_kind_has_no_managed_identity() -> None:
    reason = why(identify({"AZURE_CLIENT_ID": CLIENT}))["managed-identity"]
    assert reason == "this is no Azure machine: the firmware names no such cloud"


def test_an_azure_machines_identity_comes_first_and_the_login_of_az_after_it(
    tmp_path: Path, firmware: Callable[[bool | None], None]
) -> None:
    firmware(True)
    identity = identify(az_login(tmp_path))
    assert [login.source for login in identity.logins] == ["managed-identity", "azure-cli"]
    assert identity.certain
    assert why(identity)["azure-cli"] == "it is asked if there is no managed-identity after all"


def test_a_login_that_is_certain_comes_before_a_guess(
    tmp_path: Path, firmware: Callable[[bool | None], None]
) -> None:
    firmware(None)
    identity = identify(az_login(tmp_path))
    assert [login.source for login in identity.logins] == ["azure-cli"]
    assert "managed-identity" in why(identity)
    identity = identify({})
    assert (identity.source, identity.certain) == ("managed-identity", False)


def test_an_identity_that_is_insisted_on_is_followed_by_nobody(tmp_path: Path) -> None:
    for options in ({"resource_id": "/r"}, {"object_id": "o"}):
        identity = identify({**az_login(tmp_path), "AZURE_CLIENT_ID": CLIENT}, **options)
        assert [login.source for login in identity.logins] == ["managed-identity"]
        assert identity.logins[0].named == next(iter(options.items()))


def test_an_option_chooses_before_a_variable() -> None:
    environ = {"AZURE_CLIENT_ID": CLIENT, "AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://h"}
    assert identify(environ).logins[0].named == ("client_id", CLIENT)
    assert identify(environ, client_id="other").logins[0].named == ("client_id", "other")
    assert identify(environ, object_id="other").logins[0].named == ("object_id", "other")


def test_two_options_that_choose_an_identity_are_one_too_many() -> None:
    with pytest.raises(Misconfigured, match="client_id and object_id"):
        identify({}, client_id="one", object_id="other")


def test_a_secret_is_not_used_for_an_application_it_does_not_belong_to() -> None:
    environ = {**PRINCIPAL, "AZURE_CLIENT_SECRET": SECRET}
    assert identify(environ, client_id=CLIENT).source == "client-secret"
    identity = identify(environ, client_id="other")
    assert identity.source is None
    assert "client_id" in why(identity)["client-secret"]
    assert identity.problem is not None
    assert "with the client_id other" in identity.problem.reason


def test_nobody_at_the_metadata_address_is_no_identity() -> None:
    asked = request({"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:9"})
    with pytest.raises(NotFound):
        AcrProvider().get(asked, AcrProvider().identify(asked))


def test_nobody_at_the_metadata_address_is_a_failure_where_it_was_insisted_on() -> None:
    environ = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:9"}
    asked = request(environ, token_credentials="ManagedIdentityCredential")
    with pytest.raises(Unreachable):
        AcrProvider().get(asked, AcrProvider().identify(asked))


def test_no_identity_at_all_is_not_found() -> None:
    asked = request({})
    with pytest.raises(NotFound):
        AcrProvider().get(asked, AcrProvider().identify(asked))


# --- Programs that sign people in -----------------------------------------------------------------


def test_az_is_logged_in_where_its_profile_names_a_user(tmp_path: Path) -> None:
    environ = az_login(tmp_path)
    identity = identify(environ)
    assert identity.source == "azure-cli"
    assert identity.detail == f"the login of someone@contoso.example to tenant {TENANT}"
    az_login(tmp_path, {"subscriptions": []})
    assert why(identify(environ))["azure-cli"] == "nobody is logged in to az: az login"
    (tmp_path / ".azure" / "azureProfile.json").write_bytes(b'\xff"user"')
    assert identify(environ).detail == "the login az has"


def test_az_is_asked_where_it_has_left_no_folder(tmp_path: Path) -> None:
    identity = identify({"HOME": str(tmp_path), "PATH": program(tmp_path, "az")})
    assert (identity.source, identity.certain) == ("azure-cli", False)
    assert not identity.logins[0].settled


def test_az_has_to_be_on_path(tmp_path: Path) -> None:
    environ = az_login(tmp_path)
    (tmp_path / "bin" / "az").chmod(0o644)
    assert why(identify(environ))["azure-cli"] == "az is not on PATH"


@pytest.mark.parametrize(
    ("name", "state", "source"),
    [
        ("pwsh", ".Azure/AzureRmContext.json", "azure-powershell"),
        ("azd", ".azd/auth.json", "azure-developer-cli"),
    ],
)
def test_other_programs_are_used_once_they_wrote_down_a_login(
    tmp_path: Path, name: str, state: str, source: str
) -> None:
    environ = {"HOME": str(tmp_path), "PATH": program(tmp_path, name)}
    assert why(identify(environ))[source].startswith(f"nobody is logged in to {name}")
    (tmp_path / state).parent.mkdir()
    (tmp_path / state).write_text("{}")
    assert identify(environ).source == source


# --- The authority --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("configured", "authority"),
    [
        ("", "https://login.microsoftonline.com"),
        ("login.microsoftonline.com", "https://login.microsoftonline.com"),
        ("https://login.microsoftonline.com/", "https://login.microsoftonline.com"),
        ("HTTPS://Login.Microsoft.com", "https://Login.Microsoft.com"),
        ("https://westeurope.login.microsoft.com", "https://westeurope.login.microsoft.com"),
        ("https://login.private.example:8443/", "https://login.private.example:8443"),
        ("https://127.0.0.1:8443", "https://127.0.0.1:8443"),
        ("[::1]", "https://[::1]"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
    ],
)
def test_an_authority_of_the_same_cloud_or_of_no_known_one_is_used(
    configured: str, authority: str
) -> None:
    assert Setup(request({"AZURE_AUTHORITY_HOST": configured})).authority == authority


@pytest.mark.parametrize(
    ("host", "configured"),
    [
        ("myreg.azurecr.io", "https://login.microsoftonline.us"),
        ("myreg.azurecr.io", "login.chinacloudapi.cn"),
        ("myreg.azurecr.io", "https://LOGIN.partner.microsoftonline.cn:443/"),
        ("myreg.azurecr.us", "https://login.microsoftonline.com"),
        ("myreg.azurecr.us", "https://westus2.login.microsoft.com"),
        ("myreg.azurecr.cn", "https://login.microsoftonline.de"),
        ("myreg.azurecr.io", "http://login.microsoftonline.com"),
        ("myreg.azurecr.io", "https://"),
        # What a parser of URLs may take for one host, and another for another.
        ("myreg.azurecr.io", "https://evil.example\\@login.microsoftonline.com"),
        ("myreg.azurecr.io", "evil.example\\@login.microsoftonline.com"),
        ("myreg.azurecr.io", "https://evil.example@login.microsoftonline.com"),
        ("myreg.azurecr.io", "https://login.microsoftonline.com@evil.example"),
        ("myreg.azurecr.io", "https://evil.example?@login.microsoftonline.com"),
        ("myreg.azurecr.io", "https://evil.example#.login.microsoftonline.com"),
        ("myreg.azurecr.io", "https://evil.example/.login.microsoftonline.com"),
        ("myreg.azurecr.io", "https://login.microsoftonline.com/evil"),
        ("myreg.azurecr.io", "evil.example://login.microsoftonline.com"),
        ("myreg.azurecr.io", "https://https://login.microsoftonline.com"),
        ("myreg.azurecr.io", "//login.microsoftonline.com"),
        ("myreg.azurecr.io", "https://login.microsoftonline.com:4a3"),
        ("myreg.azurecr.io", "https://login.microsoftonline.com:"),
        ("myreg.azurecr.io", "https://login.microsoftonline.com:99999"),
        ("myreg.azurecr.io", "https://login.microsoftonline.com:٤٤٣"),
        ("myreg.azurecr.io", "login.microsoftonline.us."),
        ("myreg.azurecr.io", "login.microsoftonline。us"),
        ("myreg.azurecr.io", "login microsoftonline.com"),
        ("myreg.azurecr.io", "login.microsoftonline.com\t.evil.example"),
        ("myreg.azurecr.io", "[::1"),
        ("myreg.azurecr.io", "[evil.example]"),
    ],
)
def test_an_authority_of_another_cloud_or_without_tls_is_refused(
    host: str, configured: str
) -> None:
    environ = {**PRINCIPAL, "AZURE_CLIENT_SECRET": SECRET, "AZURE_AUTHORITY_HOST": configured}
    with pytest.raises(Misconfigured, match="AZURE_AUTHORITY_HOST"):
        identify(environ, host)


def test_without_an_identity_the_authority_is_nobodys_business() -> None:
    environ = {"AZURE_AUTHORITY_HOST": "https://login.microsoftonline.us"}
    assert identify(environ).source is None


@pytest.mark.parametrize(
    ("configured", "options", "asked"),
    [
        ("", {}, False),
        ("https://127.0.0.1:8443", {}, False),
        ("https://login.private.example", {}, True),
        ("https://login.private.example", {"instance_discovery": "false"}, False),
    ],
)
def test_microsoft_is_asked_about_an_authority_only_where_nobody_vouches_for_it(
    configured: str, options: dict[str, str], asked: bool
) -> None:
    setup = Setup(request({"AZURE_AUTHORITY_HOST": configured}, **options))
    assert setup.instance_discovery == asked


@pytest.mark.parametrize(
    "authority",
    ["login.microsoftonline.com.evil.example", "evillogin.microsoftonline.com", "example", ""],
)
def test_a_name_that_only_looks_like_an_authority_is_none(authority: str) -> None:
    assert cloud_of(authority) is None


# --- What is wrong with options -------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"tenant_id": "a/b"},
        {"client_id": "a b"},
        {"audience": "https://a b"},
        {"identity_token": "maybe"},
    ],
)
def test_an_option_that_cannot_be_meant_is_told_and_not_quoted(options: dict[str, str]) -> None:
    environ = {**PRINCIPAL, "AZURE_FEDERATED_TOKEN": "jwt"}
    with pytest.raises(Misconfigured) as told:
        identify(environ, **options)
    assert next(iter(options.values())) not in told.value.reason


def test_the_closed_cloud_is_explained() -> None:
    with pytest.raises(CredentialError, match="closed in October 2021"):
        identify({}, "myreg.azurecr.de")


# --- The fingerprint ------------------------------------------------------------------------------


def fingerprint(environ: dict[str, str], host: str = "myreg.azurecr.io", **options: str) -> str:
    identity = identify(environ, host, **options)
    assert identity.cache_key is not None
    return identity.cache_key


def test_another_identity_has_another_fingerprint(tmp_path: Path) -> None:
    environ = {**PRINCIPAL, "AZURE_CLIENT_SECRET": SECRET}
    certificate = tmp_path / "client.pem"
    certificate.write_text("one")
    by_certificate = {**PRINCIPAL, "AZURE_CLIENT_CERTIFICATE_PATH": str(certificate)}
    app_service = {"IDENTITY_ENDPOINT": "http://h/", "IDENTITY_HEADER": "h"}
    prints = [
        fingerprint(environ),
        fingerprint({**environ, "AZURE_CLIENT_SECRET": "other"}),
        fingerprint({**environ, "AZURE_TENANT_ID": "other"}),
        fingerprint({**environ, "AZURE_CLIENT_ID": "other"}),
        fingerprint({**environ, "AZURE_AUTHORITY_HOST": "login.windows.net"}),
        fingerprint(environ, "myreg.azurecr.us"),
        fingerprint(environ, audience="https://management.azure.com"),
        fingerprint(environ, identity_token="true"),
        fingerprint({**PRINCIPAL, "AZURE_FEDERATED_TOKEN": SECRET}),
        fingerprint({**PRINCIPAL, "AZURE_FEDERATED_TOKEN_FILE": "/one"}),
        fingerprint({**PRINCIPAL, "AZURE_FEDERATED_TOKEN_FILE": "/other"}),
        fingerprint(by_certificate),
        fingerprint(app_service),
        fingerprint({**app_service, "AZURE_CLIENT_ID": CLIENT}),
        fingerprint(app_service, object_id=CLIENT),
    ]
    certificate.write_text("other")
    prints.append(fingerprint(by_certificate))
    environ = az_login(tmp_path)
    prints.append(fingerprint(environ))
    prints.append(fingerprint(environ, tenant_id=TENANT))
    prints.append(fingerprint({**environ, "AZURE_CLOUD_NAME": "AzureChinaCloud"}))
    az_login(tmp_path, {"subscriptions": [{"user": {"name": "other"}}]})
    prints.append(fingerprint(environ))
    assert len(set(prints)) == len(prints)


def test_the_same_identity_keeps_its_fingerprint_while_its_token_renews(tmp_path: Path) -> None:
    path = tmp_path / "token"
    prints = set()
    for token in ("one", "other"):
        path.write_text(token)
        prints.add(fingerprint({**PRINCIPAL, "AZURE_FEDERATED_TOKEN_FILE": str(path)}))
    assert len(prints) == 1
    assert len({fingerprint({**PRINCIPAL, "AZURE_FEDERATED_TOKEN": t}) for t in "ab"}) == 1


def test_nothing_that_is_secret_shows_in_an_identity() -> None:
    for variables in (
        {"AZURE_CLIENT_SECRET": SECRET},
        {"AZURE_USERNAME": "a", "AZURE_PASSWORD": SECRET},
        {"AZURE_FEDERATED_TOKEN": SECRET},
        {"IDENTITY_ENDPOINT": "http://h/", "IDENTITY_HEADER": SECRET},
    ):
        identity = identify({**PRINCIPAL, **variables})
        shown = [identity.detail, identity.cache_key, *why(identity).values()]
        assert SECRET not in str(shown)
