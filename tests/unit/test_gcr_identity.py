"""Which Google identity is chosen, and its cache key, by environment and files alone."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from cred_helper.errors import Misconfigured, ProviderError
from cred_helper.files import user_folders
from cred_helper.providers.common import cloud_detection
from cred_helper.providers.common.interface import Identity, TokenRequest
from cred_helper.providers.gcr import GcrProvider
from tests.support.requests import jwt, token_request

OFF = {"NO_GCE_CHECK": "true"}
NAMED = {"GCE_METADATA_HOST": "127.0.0.1:1"}
ADC = "GOOGLE_APPLICATION_CREDENTIALS"
USER = {
    "type": "authorized_user",
    "client_id": "a",
    "client_secret": "hunter2",
    "refresh_token": "hunter2",
}
KEY = {
    "type": "service_account",
    "client_email": "pusher@example.com",
    "private_key": "hunter2",
    "token_uri": "https://oauth2.googleapis.com/token",
}
URL = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{}:generateAccessToken"


def federated(**source: object) -> dict[str, object]:
    kind = "aws:token-type:aws4_request" if "environment_id" in source else "oauth:token-type:jwt"
    return {
        "type": "external_account",
        "audience": "a",
        "subject_token_type": f"urn:ietf:params:{kind}",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": source,
    }


def impersonated(source: object) -> dict[str, object]:
    return {
        "type": "impersonated_service_account",
        "source_credentials": source,
        "service_account_impersonation_url": URL.format("t@example.com"),
    }


def identify(
    environ: Mapping[str, str], host: str = "us-docker.pkg.dev", **options: str
) -> Identity:
    return GcrProvider().identify(request_for(environ, host, **options))


def request_for(
    environ: Mapping[str, str], host: str = "us-docker.pkg.dev", **options: str
) -> TokenRequest:
    return token_request(host, environ, 1, options)


def write(path: Path, content: object) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


class Gcloud:
    """An installed gcloud, and its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "config"
        self.program = Path(write(folder / "bin" / "gcloud", "#!/bin/sh\n"))
        self.program.chmod(0o755)
        self.environ = {
            **OFF,
            "PATH": f"/no/such/folder{os.pathsep}{self.program.parent}",
            "CLOUDSDK_CONFIG": str(self.folder),
        }

    def log_in(self, account: str, configuration: str = "default") -> None:
        write(self.folder / "credentials.db", "SQLite format 3")
        write(
            self.folder / "configurations" / f"config_{configuration}",
            f"# a comment\n[compute]\naccount = other\n\n[core]\naccount = {account}\n",
        )


@pytest.fixture
def gcloud(tmp_path: Path) -> Gcloud:
    return Gcloud(tmp_path / "gcloud")


@pytest.fixture
def firmware(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the firmware says; it cannot be read unless a test sets it."""
    firmware = SimpleNamespace(
        signs=cloud_detection.CloudSigns(None, "the firmware cannot be read here")
    )
    monkeypatch.setattr(cloud_detection, "machine_signs", lambda cloud: firmware.signs)
    return firmware


# --- The choice -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        (("option", "environment", "well-known", "machine", "gcloud"), "credentials-file"),
        (("environment", "well-known", "machine", "gcloud"), "environment"),
        (("well-known", "machine", "gcloud"), "application-default"),
        (("machine", "gcloud"), "instance-metadata"),
        (("gcloud",), "gcloud"),
        ((), None),
    ],
)
def test_the_first_source_with_an_identity_is_chosen_and_every_other_is_skipped(
    tmp_path: Path, gcloud: Gcloud, present: tuple[str, ...], expected: str | None
) -> None:
    environ = dict(gcloud.environ)
    options: dict[str, str] = {}
    if "option" in present:
        options["credentials_file"] = write(tmp_path / "own.json", KEY)
    if "environment" in present:
        environ[ADC] = write(tmp_path / "key.json", KEY)
    if "well-known" in present:
        write(gcloud.folder / "application_default_credentials.json", USER)
    if "machine" in present:
        environ |= {**NAMED, "NO_GCE_CHECK": ""}
    if "gcloud" in present:
        gcloud.log_in("me@example.com")
    identity = identify(environ, **options)
    assert identity.source == expected
    sources = ["credentials-file", "environment", "application-default"]
    sources += ["instance-metadata", "gcloud"]
    skipped = {over.source: over for over in identity.skipped}
    assert sorted([*skipped, *filter(None, [expected])]) == sorted(sources)
    later = sources[sources.index(expected) + 1 :] if expected else []
    assert {skipped[source].code for source in later} <= {"provider.comes-first"}
    assert all(str(expected) in skipped[source].reason for source in later)


def test_without_an_identity_the_reason_of_each_source_is_reported(tmp_path: Path) -> None:
    identity = identify({**OFF, "HOME": str(tmp_path)})
    folder = tmp_path / ".config" / "gcloud"
    assert (identity.source, identity.cache_key) == (None, None)
    assert [(over.source, over.code) for over in identity.skipped] == [
        ("credentials-file", "gcr.no-credentials-file"),
        ("environment", "provider.variable-not-set"),
        ("application-default", "gcr.no-default-file"),
        ("instance-metadata", "gcr.metadata-switched-off"),
        ("gcloud", "gcr.gcloud-no-login"),
    ]
    assert str(folder / "application_default_credentials.json") in identity.skipped[2].reason
    assert str(folder / "credentials.db") in identity.skipped[4].reason


@pytest.mark.parametrize("home", ["", "relative"])
def test_without_a_home_no_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (".config/gcloud", "relative/.config/gcloud", "~/.config/gcloud"):
        write(tmp_path / folder / "application_default_credentials.json", KEY)
        write(tmp_path / folder / "docker_credentials.json", {"gcrCreds": {"a": "b"}})
    monkeypatch.setattr(user_folders, "home", lambda environ: home)
    identity = identify(OFF)
    assert identity.source is None
    assert "docker-credential-gcr" not in [over.source for over in identity.skipped]


def refused(path: str, named_by: str = ADC) -> Misconfigured:
    """The error where a variable or an option names this file."""
    with pytest.raises(Misconfigured) as raised:
        identify(OFF, **{named_by: path}) if named_by.islower() else identify(
            {**OFF, named_by: path}
        )
    return raised.value


@pytest.mark.parametrize("named_by", [ADC, "credentials_file"])
def test_a_named_file_that_is_not_there_is_an_error(named_by: str) -> None:
    error = refused("/no/such/file", named_by)
    assert error.code == "gcr.file-missing"
    assert "/no/such/file" in error.reason
    assert named_by in error.reason


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("~/key.json", "gcr.file-missing-tilde"),
        ('"{folder}/key.json"', "gcr.file-missing-quotes"),
        ("'{folder}/key.json'", "gcr.file-missing-quotes"),
        ("{folder}/key.json\n", "gcr.file-missing-blank"),
        (" {folder}/key.json", "gcr.file-missing-blank"),
        ("{folder}/other.json", "gcr.file-missing"),
    ],
)
def test_a_mistake_in_a_path_is_named(home: Path, tmp_path: Path, path: str, code: str) -> None:
    for folder in (home, tmp_path):
        write(folder / "key.json", KEY)
    error = refused(path.format(folder=tmp_path))
    assert error.code == code
    assert ADC in error.reason


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(KEY),
        json.dumps(KEY) + " " * 5000,
        base64.b64encode(json.dumps(KEY).encode()).decode(),
        "-----BEGIN PRIVATE KEY-----\nhunter2",
        "ya29.hunter2",
        "hunter2/hunter2",
    ],
)
@pytest.mark.parametrize("named_by", [ADC, "credentials_file"])
def test_content_in_place_of_a_path_is_not_shown_but_named(content: str, named_by: str) -> None:
    error = refused(content, named_by)
    shown = f"{error.reason} {error.hint}"
    assert named_by in shown
    assert "hunter2" not in shown
    assert content[:40] not in shown


def test_an_own_file_may_be_named_from_the_home_folder(home: Path) -> None:
    write(home / "key.json", KEY)
    assert identify(OFF, credentials_file="~/key.json").source == "credentials-file"


@pytest.mark.parametrize(
    ("sign", "hints", "certain"),
    [
        (True, {}, True),
        (True, {"K_SERVICE": "a"}, True),
        (None, {}, False),
        (False, {"K_SERVICE": "a"}, False),
        (False, {"GCE_METADATA_IP": "127.0.0.1"}, False),
        (False, NAMED, True),
        (False, {}, None),
    ],
)
def test_a_google_machine_is_detected_by_firmware_and_variables(
    tmp_path: Path,
    firmware: SimpleNamespace,
    sign: bool | None,
    hints: dict[str, str],
    certain: bool | None,
) -> None:
    firmware.signs = cloud_detection.CloudSigns(sign, "so the firmware says")
    identity = identify({"HOME": str(tmp_path), **hints})
    assert identity.source == (None if certain is None else "instance-metadata")
    assert identity.certain is (certain is not False)
    if certain is None:
        assert identity.skipped[3].code == "gcr.not-a-google-machine"
        assert "so the firmware says" in identity.skipped[3].reason


# --- gcloud ---------------------------------------------------------------------------------------


def test_gclouds_account_is_that_of_its_active_configuration(gcloud: Gcloud) -> None:
    gcloud.log_in("one@example.com")
    gcloud.log_in("two@example.com", "work")
    detail = "account {} of gcloud's configuration {}".format
    assert identify(gcloud.environ).detail == detail("one@example.com", "default")
    write(gcloud.folder / "active_config", "work\n")
    assert identify(gcloud.environ).detail == detail("two@example.com", "work")
    chosen = {**gcloud.environ, "CLOUDSDK_ACTIVE_CONFIG_NAME": "default"}
    assert identify(chosen).detail == detail("one@example.com", "default")
    chosen["CLOUDSDK_CORE_ACCOUNT"] = "three@example.com"
    assert identify(chosen).detail == detail("three@example.com", "default")


def test_gclouds_account_may_be_set_for_its_whole_installation(gcloud: Gcloud) -> None:
    gcloud.log_in("one@example.com")
    write(gcloud.program.parent.parent / "properties", "[core]\naccount = two@example.com\n")
    assert "one@example.com" in identify(gcloud.environ).detail
    write(gcloud.folder / "configurations" / "config_default", "[compute]\n")
    before = identify(gcloud.environ)
    assert "two@example.com" in before.detail
    write(gcloud.program.parent.parent / "properties", "[core]\naccount = three@example.com\n")
    assert identify(gcloud.environ).cache_key != before.cache_key


@pytest.mark.parametrize("by", ["variable", "configuration"])
def test_the_account_that_gcloud_impersonates_is_named(gcloud: Gcloud, by: str) -> None:
    gcloud.log_in("one@example.com")
    itself = identify(gcloud.environ).cache_key
    environ = dict(gcloud.environ)
    accounts = "between@p.iam.gserviceaccount.com,target@p.iam.gserviceaccount.com"
    if by == "variable":
        environ["CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT"] = accounts
    else:
        file = gcloud.folder / "configurations" / "config_default"
        file.write_text(f"{file.read_text()}[auth]\nimpersonate_service_account = {accounts}\n")
    identity = identify(environ)
    assert identity.detail.endswith(", impersonating target@p.iam.gserviceaccount.com")
    assert identity.cache_key not in (itself, None)


def test_an_access_token_in_a_variable_comes_before_gclouds_login(gcloud: Gcloud) -> None:
    gcloud.log_in("me@example.com")
    environ = {**gcloud.environ, "CLOUDSDK_AUTH_ACCESS_TOKEN": "ya29.hunter2"}
    for path in (gcloud.environ["PATH"], "/no/such/folder"):
        identity = identify({**environ, "PATH": path})
        assert (identity.source, identity.cache_key) == ("gcloud", None)
        assert "me@example.com" not in identity.detail
        assert "CLOUDSDK_AUTH_ACCESS_TOKEN" in identity.detail


def test_a_token_file_needs_no_gcloud_and_has_a_key(gcloud: Gcloud, tmp_path: Path) -> None:
    file = write(tmp_path / "token", "ya29.one")
    environ = {**gcloud.environ, "PATH": "", "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": file}
    before = identify(environ)
    assert before.source == "gcloud"
    assert file in before.detail
    write(tmp_path / "token", "ya29.two")
    assert identify(environ).cache_key != before.cache_key
    # The content in place of the path.
    environ["CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"] = "ya29.two"
    assert "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE" in identify(environ).detail
    assert [problem.code for problem in found_problems(environ)] == ["gcr.file-missing"]


def test_gcloud_may_have_a_credential_in_place_of_an_account(gcloud: Gcloud) -> None:
    identity = identify({**gcloud.environ, "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE": "/a/key.json"})
    assert identity.source == "gcloud"
    assert identity.detail == "/a/key.json, named in gcloud's configuration default"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/no/such/folder", "provider.program-not-on-path"),
        ("", "provider.program-not-on-path"),
        ("{relative}", "provider.program-by-relative-path"),
        ("{relative}:{absolute}", None),
        ("{absolute}:{relative}", None),
    ],
)
def test_gcloud_is_run_by_an_absolute_path(gcloud: Gcloud, path: str, code: str | None) -> None:
    gcloud.log_in("me@example.com")
    absolute = str(gcloud.program.parent)
    path = path.format(absolute=absolute, relative=os.path.relpath(absolute))
    identity = identify({**gcloud.environ, "PATH": path})
    assert identity.source == (None if code else "gcloud")
    if code:
        assert identity.skipped[-1].code == code


def test_a_gcloud_without_an_active_account_is_skipped(gcloud: Gcloud) -> None:
    gcloud.log_in("me@example.com")
    write(gcloud.folder / "configurations" / "config_default", "[core]\n")
    identity = identify(gcloud.environ)
    assert identity.source is None
    assert identity.skipped[-1].code == "gcr.gcloud-no-account"
    assert "default" in identity.skipped[-1].reason


# --- The cache key --------------------------------------------------------------------------------


CLAIMS = {"iss": "https://ci.example", "sub": "repo:one", "aud": "pool", "jti": "1", "exp": 10}
TEXT: dict[str, object] = {}
JSON: dict[str, object] = {"format": {"type": "json", "subject_token_field_name": "id_token"}}


@pytest.mark.parametrize("form", [TEXT, JSON], ids=["text", "json"])
@pytest.mark.parametrize("nested", [False, True], ids=["itself", "as source"])
def test_a_subject_token_is_known_by_issuer_subject_and_audience(
    tmp_path: Path, form: dict[str, object], nested: bool
) -> None:
    token = tmp_path / "tokén"
    content: dict[str, object] = federated(file=str(token), **form)
    if nested:
        content = impersonated(content)
    for ascii_only in (True, False):
        path = write(tmp_path / "a", json.dumps(content, ensure_ascii=ascii_only, indent=2))

        def key(text: str = "", path: str = path, **changes: object) -> str | None:
            text = text or jwt(**{**CLAIMS, **changes})
            write(token, {"other": "x", "id_token": text} if form else text + "\n")
            return identify({ADC: path}).cache_key

        before = key()
        assert before is not None
        assert key(jti="2", exp=20) == before
        others = [key(iss="https://b.example"), key(sub="repo:two"), key(aud="other")]
        # Without a subject, it is known by itself.
        others += [key("one"), key("two")]
        assert None not in others
        assert len({before, *others}) == 6
        assert key("one") == others[3]


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"executable": {"command": "a"}},
        {"environment_id": "aws1", "url": "http://127.0.0.1:1/latest"},
        {"file": "/token", "format": {"type": "xml"}},
        {"file": 1},
    ],
)
def test_a_source_of_unknown_owner_has_no_key(tmp_path: Path, source: dict[str, object]) -> None:
    assert identify({ADC: write(tmp_path / "a", federated(**source))}).cache_key is None


@pytest.mark.parametrize(
    "variable",
    [
        *("", "GOOGLE_API_CERTIFICATE_CONFIG", "CLOUDSDK_CONFIG"),
        "CLOUDSDK_CONTEXT_AWARE_CERTIFICATE_CONFIG_FILE_PATH",
    ],
)
def test_a_certificate_is_known_by_configuration_and_text(tmp_path: Path, variable: str) -> None:
    certificate = tmp_path / "certificate.pem"
    config = {"cert_configs": {"workload": {"cert_path": str(certificate), "key_path": "/key"}}}
    places = [tmp_path / name / "certificate_config.json" for name in ("one", "two")]
    source: dict[str, object] = {"use_default_certificate_config": True}
    if not variable:
        source = {"certificate_config_location": str(places[0])}
    path = write(tmp_path / "a", federated(certificate=source))

    def key(place: Path, changes: object = None) -> str | None:
        write(place, {**config, "other": changes})
        value = str(place.parent if variable == "CLOUDSDK_CONFIG" else place)
        environ = {ADC: path, "HOME": str(tmp_path)}
        return identify({**environ, variable: value} if variable else environ).cache_key

    write(certificate, "one")
    before = key(places[0])
    assert before is not None
    assert key(places[0]) == before
    assert key(places[0], "changed") != before
    write(certificate, "two")
    assert key(places[0]) != before
    write(certificate, "one")
    assert (key(places[1]) != before) is bool(variable)


def test_another_content_place_or_impersonation_is_another_identity(tmp_path: Path) -> None:
    def key(name: str, content: object, **options: str) -> str | None:
        return identify({ADC: write(tmp_path / name, content)}, **options).cache_key

    found = [
        *(key("a", KEY), key("b", KEY), key("a", USER)),
        *(key("a", KEY, impersonate=f"{name}@example.com") for name in "ab"),
    ]
    assert None not in found
    assert len(set(found)) == len(found)
    assert key("a", KEY) == found[0]


def test_only_an_aws_workload_depends_on_the_keys_and_the_region_of_aws(tmp_path: Path) -> None:
    def key(content: object, key_id: str, **others: str) -> str | None:
        environ = {ADC: write(tmp_path / "a", content), "AWS_ACCESS_KEY_ID": key_id}
        return identify({**environ, "AWS_SECRET_ACCESS_KEY": "a", **others}).cache_key

    aws = federated(environment_id="aws1", regional_cred_verification_url="https://a")
    names = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION")
    keys = [key(aws, "AKIA1"), key(aws, "AKIA2")]
    keys += [key(aws, "AKIA1", **{name: "other"}) for name in names]
    assert None not in keys
    assert len(set(keys)) == len(keys)
    assert key(KEY, "AKIA1") == key(KEY, "AKIA2")
    # Without keys, a machine is known by its name.
    url = "http://169.254.169.254/latest/meta-data/iam/security-credentials"
    machine = federated(environment_id="aws1", url=url)
    with_keys = key(machine, "AKIA1")
    assert identify({ADC: str(tmp_path / "a")}).cache_key not in (None, with_keys)


def test_the_content_of_a_pipe_is_unknown_before_it_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    piped = identify({ADC: str(tmp_path / "pipe")})
    assert piped.cache_key is None
    assert str(tmp_path / "pipe") in piped.detail


def test_a_federated_login_of_gcloud_has_no_cache_key(gcloud: Gcloud, tmp_path: Path) -> None:
    info = json.dumps(federated(file="/token"))
    gcloud.log_in("principal://iam.googleapis.com/a")
    write(gcloud.folder / "credentials.db", f"SQLite format 3 {info}")
    assert identify(gcloud.environ).cache_key is None
    gcloud.log_in("me@example.com")
    assert identify(gcloud.environ).cache_key is not None
    override = write(tmp_path / "override.json", info)
    environ = {**gcloud.environ, "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE": override}
    assert identify(environ).cache_key is None


def test_gclouds_token_in_a_pipe_has_no_cache_key(gcloud: Gcloud) -> None:
    gcloud.log_in("someone@example.com")
    os.mkfifo(gcloud.folder / "pipe")
    environ = {**gcloud.environ, "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(gcloud.folder / "pipe")}
    assert identify(environ).source == "gcloud"
    assert identify(environ).cache_key is None
    machine = identify({**environ, **NAMED, "NO_GCE_CHECK": ""})
    assert machine.source == "instance-metadata"
    assert machine.cache_key is None


def test_machines_with_one_home_have_different_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload = {ADC: write(tmp_path / "workload", federated(file="/token"))}
    key = {ADC: write(tmp_path / "key", KEY)}
    machine = {"GCE_METADATA_IP": "127.0.0.1:1"}
    found = []
    for name in ("pod-1", "pod-2"):
        monkeypatch.setattr(os, "uname", lambda name=name: SimpleNamespace(nodename=name))
        found.append([identify(environ).cache_key for environ in (machine, workload, key)])
    first, second = found
    assert None not in first
    assert first[0] != second[0]
    assert first[1] != second[1]
    assert first[2] == second[2]


def test_gclouds_login_is_known_by_its_account_and_not_by_its_tokens(gcloud: Gcloud) -> None:
    machine = {**gcloud.environ, "GCE_METADATA_IP": "127.0.0.1:1", "NO_GCE_CHECK": ""}
    alone = identify(machine).cache_key
    gcloud.log_in("one@example.com")
    # A machine has its own identity and that login.
    assert identify(machine).cache_key not in (alone, None)
    before = identify(gcloud.environ).cache_key
    write(gcloud.folder / "access_tokens.db", "another token")
    assert before is not None
    assert identify(gcloud.environ).cache_key == before
    write(gcloud.folder / "credentials.db", "another refresh token")
    anew = identify(gcloud.environ).cache_key
    gcloud.log_in("two@example.com")
    other = identify(gcloud.environ).cache_key
    impersonating = {**gcloud.environ, "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT": "a@b"}
    assert len({before, anew, other, identify(impersonating).cache_key}) == 4


def test_another_account_can_be_behind_an_address_that_a_variable_names() -> None:
    assert identify(NAMED).cache_key is None


def test_one_token_opens_every_registry_of_its_universe() -> None:
    assert identify(OFF, "gcr.io").scope == identify(OFF, "us-docker.pkg.dev").scope
    partner = identify(OFF, "docker.s3nsregistry.fr").scope
    assert partner == "the Google registries of s3nsapis.fr"


# --- In words -------------------------------------------------------------------------------------

BY = "workload identity federation, subject token from"
OF_KEY = "service account pusher@example.com"
IMPERSONATING_URL = {"service_account_impersonation_url": URL.format("t@example.com")}
SECRET_URL = {"url": "https://hunter2:hunter2@a/b/hunter2?hunter2"}


@pytest.mark.parametrize(
    ("content", "whose"),
    [
        (KEY, OF_KEY),
        ({**KEY, "universe_domain": "s3nsapis.fr"}, f"{OF_KEY} in the universe s3nsapis.fr"),
        (USER, "the sign-in of a user"),
        ({**USER, "account": "me@example.com"}, "the sign-in of me@example.com"),
        (
            {**federated(file="/token"), **IMPERSONATING_URL},
            f"{BY} the file /token, impersonating t@example.com",
        ),
        (federated(**SECRET_URL, headers={"Authorization": "hunter2"}), f"{BY} https://a"),
        (
            federated(executable={"command": "/bin/give --secret hunter2"}),
            f"{BY} the program /bin/give",
        ),
        (
            federated(certificate={"use_default_certificate_config": True}),
            f"{BY} a client certificate",
        ),
        (federated(environment_id="aws1"), f"{BY} AWS"),
        (impersonated(USER), "the sign-in of a user, impersonating t@example.com"),
    ],
)
def test_a_file_is_described_by_its_identity(tmp_path: Path, content: object, whose: str) -> None:
    path = write(tmp_path / "a", content)
    identity = identify({ADC: path}, impersonate="i@example.com")
    named = f"from {path}, named by GOOGLE_APPLICATION_CREDENTIALS"
    assert identity.detail == f"{whose}, {named}, impersonating i@example.com"
    assert "hunter2" not in identity.detail


def found_problems(environ: Mapping[str, str], **options: str) -> list[ProviderError]:
    request = request_for(environ, **options)
    return list(GcrProvider().problems(request, GcrProvider().identify(request)))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (KEY, None),
        (USER, None),
        ("", "file.not-json"),
        ("hunter2", "file.not-json"),
        ({"installed": {"client_secret": "hunter2"}}, "gcr.oauth-client-file"),
        ({**USER, "refresh_token": ""}, "gcr.field-missing"),
        (federated(file=["/a"]), "gcr.field-missing"),
        (federated(url=7), "gcr.field-missing"),
        (federated(url="https://a.example", headers={"a": None}), "gcr.field-missing"),
        (federated(url="https://a.example", headers="a: b"), "gcr.field-missing"),
        (federated(certificate={"certificate_config_location": 7}), "gcr.field-missing"),
        (impersonated(federated(file={"a": 1})), "gcr.field-missing"),
        (federated(file="/no/such/token"), "gcr.subject-file-missing"),
        (federated(file="{folder}"), "gcr.subject-file-unreadable"),
        (federated(file="{folder}/empty"), "gcr.subject-file-empty"),
        (federated(file="{folder}/binary"), "gcr.subject-file-unreadable"),
        (federated(file="{folder}/token", **JSON), "file.not-json"),
        (federated(file="{folder}/json", **JSON), "gcr.subject-field-missing"),
        (federated(file="{folder}/expired"), "gcr.subject-token-expired"),
        (federated(file="{folder}/token"), None),
        (federated(executable={"command": "/no/such/program hunter2"}), "gcr.program-missing"),
        (federated(executable={"command": "no-such-program"}), "gcr.program-missing"),
        (federated(executable={"command": "'/bin/sh hunter2"}), "gcr.bad-program"),
        (federated(executable={"command": ""}), "gcr.bad-program"),
        (federated(executable={"command": "sh hunter2"}), "gcr.programs-not-allowed"),
        (federated(executable={"command": "sh", "timeout_millis": 1}), "gcr.bad-program-timeout"),
        (federated(environment_id="aws1"), None),
        (impersonated(federated(file="/no/such/token")), "gcr.subject-file-missing"),
    ],
)
def test_wrong_files_are_reported_at_once(
    tmp_path: Path, content: object, code: str | None
) -> None:
    write(tmp_path / "empty", "\n")
    (tmp_path / "binary").write_bytes(b"\xff")
    write(tmp_path / "token", "hunter2")
    write(tmp_path / "json", {"other": "hunter2"})
    write(tmp_path / "expired", jwt(**CLAIMS))
    text = content if isinstance(content, str) else json.dumps(content)
    path = write(tmp_path / "a", text.replace("{folder}", str(tmp_path)))
    environ = {ADC: path, "PATH": os.defpath}
    problems = found_problems(environ)
    codes = [problem.code for problem in problems]
    assert codes == ([code] if code else [])
    shown = " ".join(f"{problem.reason} {problem.hint}" for problem in problems)
    assert "hunter2" not in shown + identify(environ).detail
    assert not problems or path in shown or str(tmp_path) in shown


@pytest.mark.parametrize(
    "value", ["ya29.Hunter2", json.dumps({"private_key": "Hunter2"}), "Hunter2"]
)
@pytest.mark.parametrize(
    "variable",
    [
        *("CLOUDSDK_CONFIG", "CLOUDSDK_ACTIVE_CONFIG_NAME", "CLOUDSDK_CORE_ACCOUNT"),
        *("CLOUDSDK_AUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"),
        *("CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE", "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT"),
        *("GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP"),
        "DOCKER_CREDENTIAL_GCR_STORE",
    ],
)
def test_a_secret_in_any_value_is_not_shown(gcloud: Gcloud, variable: str, value: str) -> None:
    gcloud.log_in("me@example.com")
    environ = {**gcloud.environ, variable: value}
    if "METADATA" in variable:
        environ["NO_GCE_CHECK"] = ""
    try:
        identity = identify(environ)
    except Misconfigured as error:
        shown = [error.reason, error.hint]
    else:
        problems = found_problems(environ)
        shown = [identity.detail, *(over.reason for over in identity.skipped)]
        shown += [f"{problem.reason} {problem.hint}" for problem in problems]
    assert "Hunter2" not in " ".join(map(str, shown))
