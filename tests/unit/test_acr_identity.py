"""Which Azure identity is chosen, by looking at an environment and at files."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cred_helper.errors import Misconfigured, NotFound, Unreachable
from cred_helper.providers.acr import AcrProvider
from cred_helper.providers.acr.authority import cloud_of
from cred_helper.providers.acr.identity import AcrIdentity
from cred_helper.providers.acr.sources import AzureSettings
from cred_helper.providers.common import cloud_detection
from cred_helper.providers.common.interface import TokenRequest
from tests.support.requests import jwt, token_request

TENANT, CLIENT = "contoso.example", "11111111-2222-4333-8444-555555555555"
SECRET = "loopback-secret"
PRINCIPAL = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT}
BY_SECRET = {**PRINCIPAL, "AZURE_CLIENT_SECRET": SECRET}
TOKEN_FILE = "AZURE_FEDERATED_TOKEN_FILE"
IMDS = "AZURE_POD_IDENTITY_AUTHORITY_HOST"
APP_SERVICE = {"IDENTITY_ENDPOINT": "http://h/", "IDENTITY_HEADER": "h"}
CHAIN = (
    *("client-secret", "client-certificate", "username-password", "federated-token"),
    *("workload-identity", "managed-identity", "visual-studio-code"),
    *("azure-cli", "azure-powershell", "azure-developer-cli"),
)


@pytest.fixture(autouse=True)
def firmware(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool | None], None]:
    """What the firmware says of the machine: nothing of Azure, if a test does not say otherwise."""

    def says(is_cloud: bool | None) -> None:
        sign = cloud_detection.CloudSigns(is_cloud, "the firmware names no such cloud")
        monkeypatch.setattr(cloud_detection, "machine_signs", lambda cloud: sign)

    says(False)
    return says


def request(
    environ: dict[str, str], host: str = "myreg.azurecr.io", **options: str
) -> TokenRequest:
    return token_request(host, environ, 5, options)


def identify(
    environ: dict[str, str], host: str = "myreg.azurecr.io", **options: str
) -> AcrIdentity:
    return AcrProvider().identify(request(environ, host, **options))


def wrong(environ: dict[str, str], host: str = "myreg.azurecr.io", **options: str) -> str:
    """The code of the error where something that is set is wrong."""
    with pytest.raises(Misconfigured) as raised:
        identify(environ, host, **options)
    assert raised.value.reason
    return raised.value.code


def why(identity: AcrIdentity) -> dict[str, str]:
    """The code of the reason why each other source is skipped."""
    assert all(other.reason for other in identity.skipped)
    return {other.source: other.code for other in identity.skipped}


def program(folder: Path, name: str) -> str:
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\nexit 3\n")
    path.chmod(0o755)
    return str(path.parent)


def get(environ: dict[str, str], **options: str) -> None:
    asked = request(environ, **options)
    AcrProvider().get(asked, AcrProvider().identify(asked))


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
        (BY_SECRET, "client-secret"),
        ({**PRINCIPAL, "AZURE_CLIENT_SECRET": ""}, None),
        ({**PRINCIPAL, "AZURE_CLIENT_CERTIFICATE_PATH": "/c.pem"}, "client-certificate"),
        (
            {"AZURE_CLIENT_ID": CLIENT, "AZURE_USERNAME": "a", "AZURE_PASSWORD": "b"},
            "username-password",
        ),
        ({"AZURE_USERNAME": "a", "AZURE_PASSWORD": "b"}, None),
        ({"AZURE_USERNAME": "a", "AZURE_CLIENT_ID": CLIENT}, None),
        ({**PRINCIPAL, "AZURE_FEDERATED_TOKEN": "jwt"}, "federated-token"),
        ({**PRINCIPAL, TOKEN_FILE: "/token"}, "workload-identity"),
        (APP_SERVICE, "managed-identity"),
        ({"IDENTITY_ENDPOINT": "http://h/", "IMDS_ENDPOINT": "http://h"}, "managed-identity"),
        ({"IDENTITY_ENDPOINT": "http://h/"}, None),
        ({"MSI_ENDPOINT": "http://h/"}, "managed-identity"),
        ({IMDS: "http://h"}, "managed-identity"),
        ({"AZURE_TOKEN_CREDENTIALS": "managedidentitycredential"}, "managed-identity"),
    ],
)
def test_variables_choose_an_identity(environ: dict[str, str], source: str | None) -> None:
    identity = identify(environ)
    assert identity.source == source
    # Whose token an address gives out that a variable names, only the token can say.
    is_known = source is not None and IMDS not in environ
    assert (identity.cache_key is not None) == is_known
    # Every other source of the chain is skipped with a reason.
    assert sorted([*why(identity), *filter(None, [source])]) == sorted(CHAIN)
    assert all(why(identity).values())


def test_a_certificate_in_a_pipe_is_not_known_and_so_not_cached(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    environ = {**PRINCIPAL, "AZURE_CLIENT_CERTIFICATE_PATH": str(tmp_path / "pipe")}
    assert identify(environ).source == "client-certificate"
    assert identify(environ).cache_key is None


def test_an_earlier_source_of_the_chain_comes_first(tmp_path: Path) -> None:
    variables = {
        "AZURE_CLIENT_SECRET": SECRET,
        "AZURE_CLIENT_CERTIFICATE_PATH": "/c.pem",
        "AZURE_PASSWORD": "b",
        "AZURE_FEDERATED_TOKEN": "jwt",
        TOKEN_FILE: "/token",
        **APP_SERVICE,
    }
    environ = {**PRINCIPAL, **az_login(tmp_path), "AZURE_USERNAME": "a", **variables}
    order = []
    for variable in variables:
        identity = identify(environ)
        order.append(identity.source)
        assert [one.source for one in identity.candidates] == [identity.source]
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
def test_token_credentials_narrow_a_chain(tmp_path: Path, chosen: str, source: str | None) -> None:
    environ = {**BY_SECRET, **az_login(tmp_path)}
    assert identify({**environ, "AZURE_TOKEN_CREDENTIALS": chosen}).source == source
    assert identify(environ, token_credentials=chosen).source == source


@pytest.mark.parametrize("chosen", ["InteractiveBrowserCredential", "nonsense"])
def test_a_credential_class_that_is_not_used_here_is_an_error(chosen: str) -> None:
    assert wrong({"AZURE_TOKEN_CREDENTIALS": chosen}) == "acr.bad-token-credentials"


@pytest.mark.parametrize(
    "variable",
    [
        *("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"),
        *("AZURE_FEDERATED_TOKEN", TOKEN_FILE),
    ],
)
@pytest.mark.parametrize("missing", ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"])
def test_half_an_identity_is_not_replaced_by_another(
    tmp_path: Path, variable: str, missing: str
) -> None:
    environ = {**PRINCIPAL, **az_login(tmp_path), variable: SECRET}
    del environ[missing]
    with pytest.raises(Misconfigured) as raised:
        identify(environ)
    assert raised.value.code == "acr.half-an-identity"
    assert variable in raised.value.reason
    assert missing in raised.value.reason


# --- The machine's own, and guesses ---------------------------------------------------------------


def test_a_machine_of_another_kind_has_no_managed_identity() -> None:
    reason = why(identify({"AZURE_CLIENT_ID": CLIENT}))["managed-identity"]
    assert reason == "acr.not-an-azure-machine"


def test_an_azure_machines_identity_comes_before_the_login_of_az_and_a_guess_after_it(
    tmp_path: Path, firmware: Callable[[bool | None], None]
) -> None:
    firmware(True)
    identity = identify(az_login(tmp_path))
    assert [one.source for one in identity.candidates] == ["managed-identity", "azure-cli"]
    assert identity.certain
    assert why(identity)["azure-cli"] == "acr.asked-later"
    firmware(None)
    identity = identify(az_login(tmp_path))
    assert [one.source for one in identity.candidates] == ["azure-cli"]
    assert why(identity)["managed-identity"] == "acr.guess"
    identity = identify({})
    assert (identity.source, identity.certain) == ("managed-identity", False)


def test_the_address_of_a_platform_alone_is_not_replaced_by_another_service(
    tmp_path: Path,
) -> None:
    environ = {"IDENTITY_ENDPOINT": "http://h", IMDS: "http://h", "MSI_ENDPOINT": "http://h"}
    identity = identify({**environ, **az_login(tmp_path)})
    assert identity.source == "azure-cli"
    assert why(identity)["managed-identity"] == "provider.variable-not-set"
    assert identify({**environ, "IMDS_ENDPOINT": "http://h"}).source == "managed-identity"


def test_a_managed_identity_that_the_user_chose_is_the_only_candidate(tmp_path: Path) -> None:
    for options in ({"resource_id": "/r"}, {"object_id": "o"}):
        identity = identify({**az_login(tmp_path), "AZURE_CLIENT_ID": CLIENT}, **options)
        assert [one.source for one in identity.candidates] == ["managed-identity"]
        assert identity.candidates[0].named == next(iter(options.items()))


def test_an_option_chooses_before_a_variable() -> None:
    environ = {"AZURE_CLIENT_ID": CLIENT, IMDS: "http://h"}
    assert identify(environ).candidates[0].named == ("client_id", CLIENT)
    assert identify(environ, client_id="other").candidates[0].named == ("client_id", "other")
    assert identify(environ, object_id="other").candidates[0].named == ("object_id", "other")
    assert wrong({}, client_id="one", object_id="other") == "acr.two-identities"


def test_a_secret_is_not_used_for_an_application_it_does_not_belong_to() -> None:
    assert identify(BY_SECRET, client_id=CLIENT).source == "client-secret"
    identity = identify(BY_SECRET, client_id="other")
    assert identity.source is None
    assert why(identity)["client-secret"] == "acr.other-client-id"
    assert identity.problem is not None
    assert identity.problem.code == "acr.no-such-identity"


def test_without_an_identity_or_an_answer_at_the_metadata_address_a_get_finds_nothing() -> None:
    closed = {IMDS: "http://127.0.0.1:9"}
    for environ in ({}, closed):
        with pytest.raises(NotFound):
            get(environ)
    with pytest.raises(Unreachable):  # it was chosen
        get(closed, token_credentials="ManagedIdentityCredential")


# --- Programs that sign people in -----------------------------------------------------------------


def test_az_is_logged_in_where_its_profile_names_a_user(tmp_path: Path) -> None:
    environ = az_login(tmp_path)
    identity = identify(environ)
    assert identity.source == "azure-cli"
    assert identity.detail == f"the login of someone@contoso.example to tenant {TENANT}"
    az_login(tmp_path, {"subscriptions": []})
    assert why(identify(environ))["azure-cli"] == "acr.az-logged-out"
    (tmp_path / ".azure" / "azureProfile.json").write_bytes(b'\xff"user"')
    assert identify(environ).detail == "the login of az"


def test_az_is_asked_where_it_has_left_no_folder_and_has_to_be_on_path(tmp_path: Path) -> None:
    identity = identify({"HOME": str(tmp_path), "PATH": program(tmp_path, "az")})
    assert (identity.source, identity.certain) == ("azure-cli", False)
    assert not identity.candidates[0].settled
    assert identity.cache_key is None
    environ = az_login(tmp_path)
    (tmp_path / "bin" / "az").chmod(0o644)
    assert why(identify(environ))["azure-cli"] == "provider.program-not-on-path"


def test_a_program_by_a_relative_path_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = az_login(tmp_path)
    monkeypatch.chdir(tmp_path)
    for path in ("bin", "./bin", ":/nowhere"):
        program(tmp_path, "az")
        (tmp_path / "az").write_text("#!/bin/sh\n")
        (tmp_path / "az").chmod(0o755)
        reason = why(identify({**environ, "PATH": path}))["azure-cli"]
        assert reason == "provider.program-by-relative-path"


@pytest.mark.parametrize(
    ("name", "state", "source"),
    [
        ("pwsh", ".Azure/AzureRmContext.json", "azure-powershell"),
        ("azd", ".azd/auth.json", "azure-developer-cli"),
    ],
)
def test_other_programs_need_a_login(tmp_path: Path, name: str, state: str, source: str) -> None:
    environ = {"HOME": str(tmp_path), "PATH": program(tmp_path, name)}
    assert why(identify(environ))[source] == "acr.tool-logged-out"
    (tmp_path / state).parent.mkdir()
    (tmp_path / state).write_text("{}")
    assert identify(environ).source == source


# --- The authority --------------------------------------------------------------------------------


KNOWN = "https://login.microsoftonline.com"


@pytest.mark.parametrize(
    ("configured", "authority"),
    [
        ("", KNOWN),
        ("login.microsoftonline.com", KNOWN),
        (f"{KNOWN}/", KNOWN),
        ("HTTPS://Login.Microsoft.com", "https://Login.Microsoft.com"),
        ("https://westeurope.login.microsoft.com", "https://westeurope.login.microsoft.com"),
        ("https://login.private.example:8443/", "https://login.private.example:8443"),
        ("https://127.0.0.1:8443", "https://127.0.0.1:8443"),
        ("[::1]", "https://[::1]"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
    ],
)
def test_an_authority_of_the_same_or_no_cloud_is_used(configured: str, authority: str) -> None:
    assert AzureSettings(request({"AZURE_AUTHORITY_HOST": configured})).authority == authority


@pytest.mark.parametrize(
    ("host", "configured"),
    [
        ("myreg.azurecr.us", KNOWN),
        ("myreg.azurecr.us", "https://westus2.login.microsoft.com"),
        ("myreg.azurecr.cn", "https://login.microsoftonline.de"),
        *(
            ("myreg.azurecr.io", configured)
            for configured in (
                "https://login.microsoftonline.us",
                "login.chinacloudapi.cn",
                "https://LOGIN.partner.microsoftonline.cn:443/",
                "http://login.microsoftonline.com",
                "https://",
                # What a parser of URLs may take for one host, and another for another.
                "https://evil.example\\@login.microsoftonline.com",
                "evil.example\\@login.microsoftonline.com",
                "https://evil.example@login.microsoftonline.com",
                f"{KNOWN}@evil.example",
                "https://evil.example?@login.microsoftonline.com",
                "https://evil.example#.login.microsoftonline.com",
                "https://evil.example/.login.microsoftonline.com",
                f"{KNOWN}/evil",
                "evil.example://login.microsoftonline.com",
                f"https://{KNOWN}",
                "//login.microsoftonline.com",
                *(f"{KNOWN}:{port}" for port in ("4a3", "", "99999", "٤٤٣")),
                "login.microsoftonline.us.",
                "login.microsoftonline。us",
                "login microsoftonline.com",
                "login.microsoftonline.com\t.evil.example",
                "[::1",
                "[evil.example]",
            )
        ),
    ],
)
def test_another_clouds_authority_or_one_without_tls_is_refused(host: str, configured: str) -> None:
    environ = {**BY_SECRET, "AZURE_AUTHORITY_HOST": configured}
    assert wrong(environ, host) in ("acr.bad-authority", "acr.authority-of-another-cloud")


def test_without_an_identity_the_authority_is_not_checked() -> None:
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
def test_microsoft_is_asked_about_an_authority_only_where_it_is_not_known_otherwise(
    configured: str, options: dict[str, str], asked: bool
) -> None:
    settings = AzureSettings(request({"AZURE_AUTHORITY_HOST": configured}, **options))
    assert settings.instance_discovery == asked


@pytest.mark.parametrize(
    "authority",
    ["login.microsoftonline.com.evil.example", "evillogin.microsoftonline.com", "example", ""],
)
def test_a_name_that_only_looks_like_an_authority_belongs_to_no_cloud(authority: str) -> None:
    assert cloud_of(authority) is None


# --- What is wrong with options -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"tenant_id": "a/b"}, "acr.bad-character"),
        ({"client_id": "x y"}, "acr.bad-character"),
        ({"audience": "https://a b"}, "acr.bad-character"),
        ({"identity_token": "maybe"}, "provider.not-a-flag"),
    ],
)
def test_an_invalid_option_is_an_error_that_does_not_quote_it(
    options: dict[str, str], code: str
) -> None:
    environ = {**PRINCIPAL, "AZURE_FEDERATED_TOKEN": "jwt"}
    with pytest.raises(Misconfigured) as raised:
        identify(environ, **options)
    assert raised.value.code == code
    assert next(iter(options)) in raised.value.reason
    assert next(iter(options.values())) not in raised.value.reason


@pytest.mark.parametrize("variable", ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"])
@pytest.mark.parametrize("stray", ["'", '"', "\n", "\r", "\t", " ", "\xa0", "\ufeff", "é", "\0"])
def test_a_stray_character_is_named_with_its_variable(variable: str, stray: str) -> None:
    for value in (BY_SECRET[variable] + stray, stray + BY_SECRET[variable]):
        with pytest.raises(Misconfigured) as raised:
            identify({**BY_SECRET, variable: value})
        assert raised.value.code == "acr.bad-character"
        assert variable in raised.value.reason
        assert raised.value.reason.isprintable()


@pytest.mark.parametrize(
    "client", ["Abc8Q.supersecretsupersecretsupersecret1", "someSecretOf34Characters-withoutTilde"]
)
def test_a_secret_in_the_place_of_an_id_is_not_shown(client: str) -> None:
    environ = {**BY_SECRET, "AZURE_CLIENT_ID": client}
    asked = request(environ)
    identity = identify(environ)
    assert client not in identity.detail
    found = list(AcrProvider().problems(asked, identity))
    assert [one.code for one in found] == ["acr.not-a-guid"]
    assert client not in found[0].line


# --- What files show ------------------------------------------------------------------------------


def problems(environ: dict[str, str]) -> list[str]:
    asked = request({**PRINCIPAL, **environ})
    found = list(AcrProvider().problems(asked, AcrProvider().identify(asked)))
    assert all(one.line for one in found)
    return [one.code for one in found]


def test_unusable_files_are_found_without_the_sdk(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for variable in ("AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_CERTIFICATE_PATH"):
        assert problems({variable: str(tmp_path / "missing")}) == ["acr.unreadable"]
        assert problems({variable: str(tmp_path)}) == ["acr.unreadable"]
        assert problems({variable: "-----BEGIN PRIVATE KEY-----"}) == ["acr.content-for-path"]
        assert problems({variable: jwt(sub="job")}) == ["acr.content-for-path"]
        os.mkfifo(tmp_path / variable)
        assert problems({variable: str(tmp_path / variable)}) == []
    token_file = {TOKEN_FILE: str(file)}
    for content, code in (
        ("\n", "acr.empty-token-file"),
        (jwt(exp=int(time.time()) - 600), "acr.token-expired"),
    ):
        file.write_text(content)
        assert problems(token_file) == [code]
    file.write_text(jwt(exp=int(time.time()) + 600))
    assert problems(token_file) == []
    assert problems({"AZURE_FEDERATED_TOKEN": jwt(exp=1)}) == ["acr.token-expired"]


def test_a_file_of_az_that_was_cut_short_is_found(tmp_path: Path) -> None:
    environ = az_login(tmp_path)
    folder = tmp_path / ".azure"
    assert problems(environ) == []
    for name in ("msal_token_cache.json", "service_principal_entries.json", "azureProfile.json"):
        whole = '{"subscriptions": [{"user": {}}]}'
        (folder / name).write_text(whole, encoding="utf-8-sig")
        assert problems(environ) == []
        (folder / name).write_text(whole + "}")
        assert problems(environ) == ["acr.az-file-broken"]
        (folder / name).write_text(whole)


# --- The cache key --------------------------------------------------------------------------------


def cache_key(environ: dict[str, str], host: str = "myreg.azurecr.io", **options: str) -> str:
    identity = identify(environ, host, **options)
    assert identity.cache_key is not None
    return identity.cache_key


def test_another_identity_has_another_cache_key(tmp_path: Path) -> None:
    certificate = tmp_path / "client.pem"
    by_certificate = {**PRINCIPAL, "AZURE_CLIENT_CERTIFICATE_PATH": str(certificate)}

    def federated(**claims: str) -> str:
        return cache_key({**PRINCIPAL, "AZURE_FEDERATED_TOKEN": jwt(**claims)})

    keys = [
        cache_key(BY_SECRET),
        *(
            cache_key({**BY_SECRET, variable: "other"})
            for variable in ("AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "AZURE_CLIENT_ID")
        ),
        cache_key({**BY_SECRET, "AZURE_AUTHORITY_HOST": "login.windows.net"}),
        cache_key(BY_SECRET, "myreg.azurecr.us"),
        cache_key(BY_SECRET, audience="https://management.azure.com"),
        cache_key(BY_SECRET, identity_token="true"),
        *(
            federated(iss="i", sub="one"),
            federated(iss="i", sub="2"),
            federated(iss="j", sub="one"),
        ),
        cache_key(APP_SERVICE),
        cache_key({**APP_SERVICE, "AZURE_CLIENT_ID": CLIENT}),
        cache_key(APP_SERVICE, object_id=CLIENT),
        cache_key({**APP_SERVICE, "IDENTITY_HEADER": "another app"}),
    ]
    for content in ("one", "other"):
        certificate.write_text(content)
        keys.append(cache_key(by_certificate))
    keys.append(cache_key({**by_certificate, "AZURE_CLIENT_CERTIFICATE_PASSWORD": "other"}))
    environ = az_login(tmp_path)
    keys.append(cache_key(environ))
    keys.append(cache_key(environ, tenant_id=TENANT))
    keys.append(cache_key({**environ, "AZURE_CLOUD_NAME": "AzureChinaCloud"}))
    az_login(tmp_path, {"subscriptions": [{"user": {"name": "other"}}]})
    keys.append(cache_key(environ))
    # Another job writes to the same token file.
    path = tmp_path / "token"
    for subject in ("main", "pull-request", ""):
        path.write_text(jwt(iss="i", sub=subject))
        keys.append(cache_key({**PRINCIPAL, TOKEN_FILE: str(path)}))
    assert len(set(keys)) == len(keys)


def test_the_same_identity_keeps_its_cache_key_while_its_token_renews(tmp_path: Path) -> None:
    path = tmp_path / "token"
    keys = set()
    for number in (1, 2):
        path.write_text(jwt(iss="i", sub="job", exp=number))
        keys.add(cache_key({**PRINCIPAL, TOKEN_FILE: str(path)}))
    assert len(keys) == 1
    inline = {cache_key({**PRINCIPAL, "AZURE_FEDERATED_TOKEN": jwt(sub="a", exp=n)}) for n in "12"}
    assert len(inline) == 1


def test_another_folder_of_az_is_another_identity(tmp_path: Path) -> None:
    environ = az_login(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / "azureProfile.json").write_bytes(
        (tmp_path / ".azure" / "azureProfile.json").read_bytes()
    )
    assert cache_key(environ) != cache_key({**environ, "AZURE_CONFIG_DIR": str(other)})
    assert identify({**environ, "AZURE_CONFIG_DIR": str(tmp_path / "none")}).cache_key is None


@pytest.mark.parametrize("user", ["systemAssignedIdentity", "userAssignedIdentity"])
def test_a_login_of_az_as_the_machine_is_not_known_by_its_files(tmp_path: Path, user: str) -> None:
    environ = az_login(tmp_path, {"subscriptions": [{"user": {"name": user}}]})
    identity = identify(environ)
    assert (identity.source, identity.cache_key) == ("azure-cli", None)


@pytest.mark.parametrize(
    ("config", "environ"),
    [('{"auth":{"useAzCliAuth":"true"}}', {}), ("{}", {"AZD_AUTH_ENDPOINT": "http://h"})],
)
def test_an_azd_that_signs_in_as_another_program_is_not_known_by_its_files(
    tmp_path: Path, config: str, environ: dict[str, str]
) -> None:
    (tmp_path / ".azd").mkdir()
    (tmp_path / ".azd" / "auth.json").write_text("{}")
    environ |= {"HOME": str(tmp_path), "PATH": program(tmp_path, "azd")}
    (tmp_path / ".azd" / "config.json").write_text(config)
    identity = identify(environ)
    assert (identity.source, identity.cache_key) == ("azure-developer-cli", None)


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
