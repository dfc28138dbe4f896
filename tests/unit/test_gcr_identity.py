"""Which Google identity is chosen, and what it is known by; by environment and files alone."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from cred_helper.errors import Misconfigured
from cred_helper.hosts import route
from cred_helper.providers.common import cloud_detection
from cred_helper.providers.common.interface import Deadline, Identity, TokenRequest
from cred_helper.providers.gcr import GcrProvider
from cred_helper.server_url import ServerURL

OFF = {"NO_GCE_CHECK": "true"}
NAMED = {"GCE_METADATA_HOST": "127.0.0.1:1"}
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
    return {
        "type": "external_account",
        "audience": "a",
        "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request"
        if "environment_id" in source
        else "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": source,
    }


def identify(
    environ: Mapping[str, str], host: str = "us-docker.pkg.dev", **options: str
) -> Identity:
    found = route(ServerURL.parse(host))
    assert found is not None
    request = TokenRequest(
        found, environ=environ, deadline=Deadline(1, lambda: 0.0), options=options
    )
    return GcrProvider().identify(request)


def write(path: Path, content: object) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


class Gcloud:
    """A gcloud that is installed, and its folder."""

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
            f"# a comment\n[compute]\naccount = nobody\n\n[core]\naccount = {account}\n",
        )


@pytest.fixture
def gcloud(tmp_path: Path) -> Gcloud:
    return Gcloud(tmp_path / "gcloud")


@pytest.fixture
def firmware(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the firmware says; silent unless a test has it speak."""
    told = SimpleNamespace(sign=cloud_detection.Sign(None, "the firmware cannot be read here"))
    monkeypatch.setattr(cloud_detection, "machine_sign", lambda cloud: told.sign)
    return told


# --- Which one ------------------------------------------------------------------------------------


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
def test_the_first_that_is_there_is_chosen_and_every_other_passed_over(
    tmp_path: Path, gcloud: Gcloud, present: tuple[str, ...], expected: str | None
) -> None:
    environ = dict(gcloud.environ)
    options: dict[str, str] = {}
    if "option" in present:
        options["credentials_file"] = write(tmp_path / "own.json", KEY)
    if "environment" in present:
        environ["GOOGLE_APPLICATION_CREDENTIALS"] = write(tmp_path / "key.json", KEY)
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
    skipped = {over.source: over.reason for over in identity.skipped}
    assert sorted([*skipped, *filter(None, [expected])]) == sorted(sources)
    later = sources[sources.index(expected) + 1 :] if expected else []
    assert [skipped[source] for source in later] == [f"{expected} comes first"] * len(later)


def test_where_there_is_none_it_is_told_what_each_one_lacks(tmp_path: Path) -> None:
    identity = identify({**OFF, "HOME": str(tmp_path)})
    folder = tmp_path / ".config" / "gcloud"
    assert (identity.source, identity.cache_key) == (None, None)
    assert [(over.source, over.reason) for over in identity.skipped] == [
        ("credentials-file", "no credentials_file is set for this host"),
        ("environment", "GOOGLE_APPLICATION_CREDENTIALS is not set"),
        (
            "application-default",
            f"{folder / 'application_default_credentials.json'} does not exist",
        ),
        ("instance-metadata", "NO_GCE_CHECK is true"),
        ("gcloud", f"nobody is logged in: {folder / 'credentials.db'} does not exist"),
    ]


@pytest.mark.parametrize("named_by", ["GOOGLE_APPLICATION_CREDENTIALS", "credentials_file"])
def test_a_named_file_that_is_not_there_is_an_error(named_by: str) -> None:
    named = {named_by: "/no/such/file"}
    with pytest.raises(Misconfigured) as raised:
        identify(OFF, **named) if named_by.islower() else identify({**OFF, **named})
    assert raised.value.reason == f"/no/such/file, named by {named_by}, does not exist"


def test_an_own_file_may_be_named_from_the_home_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
def test_the_machine_is_taken_by_its_signs(
    tmp_path: Path,
    firmware: SimpleNamespace,
    sign: bool | None,
    hints: dict[str, str],
    certain: bool | None,
) -> None:
    firmware.sign = cloud_detection.Sign(sign, "so the firmware says")
    identity = identify({"HOME": str(tmp_path), **hints})
    assert identity.source == (None if certain is None else "instance-metadata")
    assert identity.certain is (certain is not False)
    if certain is None:
        assert identity.skipped[3].reason == "so the firmware says"


# --- gcloud ---------------------------------------------------------------------------------------


def test_gclouds_account_is_that_of_its_active_configuration(gcloud: Gcloud) -> None:
    gcloud.log_in("one@example.com")
    gcloud.log_in("two@example.com", "work")
    told = "account {} of gcloud's configuration {}".format
    assert identify(gcloud.environ).detail == told("one@example.com", "default")
    write(gcloud.folder / "active_config", "work\n")
    assert identify(gcloud.environ).detail == told("two@example.com", "work")
    chosen = {**gcloud.environ, "CLOUDSDK_ACTIVE_CONFIG_NAME": "default"}
    assert identify(chosen).detail == told("one@example.com", "default")
    chosen["CLOUDSDK_CORE_ACCOUNT"] = "three@example.com"
    assert identify(chosen).detail == told("three@example.com", "default")


def test_gcloud_may_have_a_credential_in_place_of_an_account(gcloud: Gcloud) -> None:
    environ = {**gcloud.environ, "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE": "/a/key.json"}
    identity = identify(environ)
    assert identity.source == "gcloud"
    assert identity.detail == "/a/key.json, named in gcloud's configuration default"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/no/such/folder", "gcloud is not on the PATH"),
        ("", "gcloud is not on the PATH"),
        ("{relative}:{absolute}", "the first gcloud is on no absolute PATH entry"),
        ("{absolute}:{relative}", None),
    ],
)
def test_gcloud_is_run_from_an_absolute_folder_only(
    gcloud: Gcloud, path: str, reason: str | None
) -> None:
    gcloud.log_in("me@example.com")
    absolute = str(gcloud.program.parent)
    path = path.format(absolute=absolute, relative=os.path.relpath(absolute))
    identity = identify({**gcloud.environ, "PATH": path})
    assert identity.source == (None if reason else "gcloud")
    if reason:
        assert identity.skipped[-1].reason == reason


def test_a_gcloud_without_an_active_account_is_passed_over(gcloud: Gcloud) -> None:
    gcloud.log_in("me@example.com")
    write(gcloud.folder / "configurations" / "config_default", "[core]\n")
    identity = identify(gcloud.environ)
    assert identity.source is None
    reason = "gcloud's configuration default has no active account"
    assert identity.skipped[-1].reason == reason


# --- What it is known by --------------------------------------------------------------------------


def test_a_renewed_subject_token_is_the_same_identity(tmp_path: Path) -> None:
    token = tmp_path / "token"
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": write(tmp_path / "a", federated(file=str(token)))}
    write(token, "one")
    before = identify(environ).cache_key
    write(token, "two")
    assert before is not None
    assert identify(environ).cache_key == before


def test_another_content_place_or_impersonation_is_another_identity(tmp_path: Path) -> None:
    def fingerprint(name: str, content: object, **options: str) -> str | None:
        path = write(tmp_path / name, content)
        return identify({"GOOGLE_APPLICATION_CREDENTIALS": path}, **options).cache_key

    found = [
        fingerprint("a", KEY),
        fingerprint("b", KEY),
        fingerprint("a", USER),
        fingerprint("a", KEY, impersonate="a@example.com"),
        fingerprint("a", KEY, impersonate="b@example.com"),
    ]
    assert None not in found
    assert len(set(found)) == len(found)
    assert fingerprint("a", KEY) == found[0]


def test_what_depends_on_awss_key_is_known_by_it_and_nothing_else_is(tmp_path: Path) -> None:
    def fingerprint(content: object, key: str) -> str | None:
        path = write(tmp_path / "a", content)
        environ = {"GOOGLE_APPLICATION_CREDENTIALS": path, "AWS_ACCESS_KEY_ID": key}
        return identify(environ).cache_key

    aws = federated(environment_id="aws1", regional_cred_verification_url="https://a")
    assert fingerprint(aws, "AKIA1") != fingerprint(aws, "AKIA2")
    assert fingerprint(KEY, "AKIA1") == fingerprint(KEY, "AKIA2")


def test_what_a_program_or_a_pipe_would_give_is_not_known(tmp_path: Path) -> None:
    program = write(tmp_path / "a", federated(executable={"command": "a"}))
    assert identify({"GOOGLE_APPLICATION_CREDENTIALS": program}).cache_key is None
    os.mkfifo(tmp_path / "pipe")
    pipe = str(tmp_path / "pipe")
    piped = identify({"GOOGLE_APPLICATION_CREDENTIALS": pipe})
    assert piped.cache_key is None
    assert piped.detail.startswith("what a pipe has for a get alone, from ")


def test_an_identity_of_gcloud_in_a_pipe_is_not_known_either(gcloud: Gcloud) -> None:
    gcloud.log_in("someone@example.com")
    os.mkfifo(gcloud.folder / "pipe")
    environ = {
        **gcloud.environ,
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(gcloud.folder / "pipe"),
    }
    assert identify(environ).source == "gcloud"
    assert identify(environ).cache_key is None
    machine = identify({**environ, **NAMED, "NO_GCE_CHECK": ""})
    assert machine.source == "instance-metadata"
    assert machine.cache_key is None


def test_machines_that_share_a_home_folder_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload = {
        "GOOGLE_APPLICATION_CREDENTIALS": write(tmp_path / "workload", federated(file="/token"))
    }
    key = {"GOOGLE_APPLICATION_CREDENTIALS": write(tmp_path / "key", KEY)}
    found = []
    for name in ("pod-1", "pod-2"):
        monkeypatch.setattr(os, "uname", lambda name=name: SimpleNamespace(nodename=name))
        found.append([identify(environ).cache_key for environ in (NAMED, workload, key)])
    first, second = found
    assert first[0] != second[0]
    assert first[1] != second[1]
    assert first[2] == second[2]


def test_gclouds_login_is_known_by_who_is_logged_in_and_not_by_their_tokens(
    gcloud: Gcloud,
) -> None:
    gcloud.log_in("one@example.com")
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


def test_a_machine_is_also_known_by_the_gcloud_that_would_stand_in(gcloud: Gcloud) -> None:
    environ = {**gcloud.environ, **NAMED, "NO_GCE_CHECK": ""}
    alone = identify(environ).cache_key
    gcloud.log_in("me@example.com")
    assert identify(environ).cache_key != alone


def test_one_token_opens_every_registry_of_its_universe() -> None:
    assert identify(OFF, "gcr.io").scope == identify(OFF, "us-docker.pkg.dev").scope
    partner = identify(OFF, "docker.s3nsregistry.fr").scope
    assert partner == "the Google registries of s3nsapis.fr"


# --- In words -------------------------------------------------------------------------------------

FEDERATION = "workload identity federation, subject token from"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (KEY, "service account pusher@example.com"),
        (
            {**KEY, "universe_domain": "s3nsapis.fr"},
            "service account pusher@example.com in the universe s3nsapis.fr",
        ),
        (USER, "the sign-in of a user"),
        ({**USER, "account": "me@example.com"}, "the sign-in of a user me@example.com"),
        (
            {
                **federated(file="/token"),
                "service_account_impersonation_url": URL.format("t@example.com"),
            },
            f"{FEDERATION} the file /token, impersonating t@example.com",
        ),
        (
            federated(url="https://a/b?hunter2", headers={"Authorization": "hunter2"}),
            f"{FEDERATION} https://a/b",
        ),
        (
            federated(executable={"command": "/bin/give --secret hunter2"}),
            f"{FEDERATION} the program /bin/give",
        ),
        (
            federated(certificate={"use_default_certificate_config": True}),
            f"{FEDERATION} a client certificate",
        ),
        (
            federated(environment_id="aws1"),
            f"{FEDERATION} AWS",
        ),
        (
            {
                "type": "impersonated_service_account",
                "source_credentials": USER,
                "service_account_impersonation_url": URL.format("t@example.com"),
            },
            "the sign-in of a user, impersonating t@example.com",
        ),
    ],
)
def test_a_file_is_told_by_whose_it_is(tmp_path: Path, content: object, told: str) -> None:
    path = write(tmp_path / "a", content)
    identity = identify({"GOOGLE_APPLICATION_CREDENTIALS": path}, impersonate="i@example.com")
    named = f"from {path}, named by GOOGLE_APPLICATION_CREDENTIALS"
    assert identity.detail == f"{told}, {named}, impersonating i@example.com"
    assert "hunter2" not in identity.detail


def test_a_file_that_cannot_be_meant_is_told_where_a_person_asks(tmp_path: Path) -> None:
    path = write(tmp_path / "a", "hunter2")
    identity = identify({"GOOGLE_APPLICATION_CREDENTIALS": path})
    assert identity.detail.startswith(f"{path}, line 1: it is not JSON")
    assert "hunter2" not in identity.detail
