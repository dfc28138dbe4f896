"""The identity of a request to ECR, compared with the SDK's own chain and with other identities."""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import sys
from pathlib import Path
from socket import gaierror
from typing import Any

import botocore.session
import pytest
from botocore import exceptions as sdk
from hypothesis import example, given
from hypothesis import strategies as st

from cred_helper.errors import CredentialError, Denied, Misconfigured, NotFound, Unreachable
from cred_helper.providers.common import cloud_detection, metadata_probe
from cred_helper.providers.common.bounded_provider import BoundedProvider
from cred_helper.providers.common.ini_file import parse
from cred_helper.providers.common.interface import Identity, TokenRequest
from cred_helper.providers.common.wire import Wire
from cred_helper.providers.ecr import EcrProvider
from cred_helper.providers.ecr.configuration import Configuration
from cred_helper.providers.ecr.errors import explained
from tests.clouds.aws import EXAMPLE_HOST, AwsCloud
from tests.support.requests import jwt, token_request

KEYS = "aws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = example-secret\n"
KEY = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example-secret"}
DEFAULT = f"[default]\n{KEYS}"
DEV = f"[profile dev]\n{KEYS}"
AS_DEV = {"AWS_PROFILE": "dev"}
ROLE = "arn:aws:iam::123456789012:role/example"
AS_ROLE = f"[default]\nrole_arn = {ROLE}\n"
TOO_MANY = "ecr.source-profiles-too-many"
BY_A = f"{AS_ROLE}source_profile = a\n"
SSO = "sso_account_id = 1\nsso_role_name = r\nsso_region = us-east-1\nsso_start_url = https://x\n"
# A token of no known form: it stands for itself.
TOKEN_FILE = __file__
WEB_TOKEN = {"AWS_WEB_IDENTITY_TOKEN_FILE": TOKEN_FILE}
WEB = {**WEB_TOKEN, "AWS_ROLE_ARN": ROLE}
WEB_PROFILE = f"{AS_ROLE}web_identity_token_file = "
CONTAINER_URL = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
CONTAINER_PATH = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
BEARER = "AWS_CONTAINER_AUTHORIZATION_TOKEN"

# The SDK's names of what its chain found → ours; the others are of a profile.
METHODS: dict[str | None, str | None] = {
    "env": "environment",
    "assume-role-with-web-identity": "web-identity",
    "ec2-credentials-file": "boto-config",
    "boto-config": "boto-config",
    "container-role": "container",
    None: None,
}
# The session of the start URL in SSO.
SESSION_FILE = f".aws/sso/cache/{hashlib.sha1(b'https://x').hexdigest()}.json"
FILES = {
    "config": ".aws/config",
    "credentials": ".aws/credentials",
    "boto": ".boto",
    "sso": SESSION_FILE,
    "named sso": f".aws/sso/cache/{hashlib.sha1(b'work').hexdigest()}.json",
    "sign-in": f".aws/login/cache/{hashlib.sha256(b'me').hexdigest()}.json",
    "token": "token",
}
# What FILES names are files, the rest are variables; {home} is the home folder. "profile" is an
# option of ours.
Given = dict[str, str]


def request(host: str = EXAMPLE_HOST, **options: str) -> TokenRequest:
    return token_request(host, os.environ, options=options)


def identify(**options: str) -> Identity:
    return EcrProvider().identify(request(**options))


def refusal(**options: str) -> Misconfigured:
    with pytest.raises(Misconfigured) as refused:
        identify(**options)
    assert "example-secret" not in f"{refused.value.reason} {refused.value.hint}"
    return refused.value


class SetUp:
    """The files and variables of this process's home."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self._monkeypatch = monkeypatch

    def write(self, text: str, name: str = ".aws/config") -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def __call__(self, given_: Given) -> str:
        """Set what a row says; the profile of this registry, if it has one."""
        for name, value in given_.items():
            text = value.replace("{home}", str(self.home))
            if name == "sso" and not text:
                (self.home / SESSION_FILE).unlink()
            elif name in FILES:
                self.write(text, FILES[name])
            elif name != "profile":
                self._monkeypatch.setenv(name, text)
        return given_.get("profile", "")


@pytest.fixture
def set_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> SetUp:
    return SetUp(home, monkeypatch)


# What is set → what is found.
@pytest.mark.parametrize(
    ("given_", "source"),
    [
        ({}, None),
        (KEY, "environment"),
        ({**KEY, **AS_DEV, "config": DEV}, "environment"),
        ({**KEY, "profile": "dev", "config": DEV}, "profile"),
        ({"AWS_ACCESS_KEY_ID": "", "config": DEFAULT}, "profile"),
        ({"AWS_SECRET_ACCESS_KEY": "example-secret"}, None),
        ({**KEY, **WEB}, "environment"),
        ({**WEB, "credentials": DEFAULT}, "web-identity"),
        ({**WEB, **AS_DEV, "config": f"[profile dev]\n{SSO}"}, "web-identity"),
        ({**WEB, "config": f"{BY_A}[profile a]\n{KEYS}"}, "profile"),
        ({**WEB, "profile": "dev", "config": f"[profile dev]\n{SSO}"}, "profile"),
        # The token file in a variable, its role in the profile.
        ({**WEB_TOKEN, "config": f"{WEB_PROFILE}/t\n"}, "web-identity"),
        ({**WEB, "AWS_WEB_IDENTITY_TOKEN_FILE": "", "credentials": DEFAULT}, "profile"),
        ({"credentials": DEFAULT}, "profile"),
        ({"config": DEFAULT}, "profile"),
        ({"AWS_SHARED_CREDENTIALS_FILE": "$HOME/.boto", "boto": DEFAULT}, "profile"),
        # Of two profile variables, the older wins.
        (
            {"AWS_PROFILE": "a", "AWS_DEFAULT_PROFILE": "dev", "config": f"[profile a]\n{DEV}"},
            "profile",
        ),
        ({"AWS_PROFILE": "my dev", "config": f"[profile 'my dev']\n{KEYS}"}, "profile"),
        ({"config": "[default]\ncredential_process = cat $HOME/none\n"}, "profile"),
        ({**AS_DEV, "config": "[profile dev]\nregion = eu-west-1\n"}, None),
        # Options that are indented below another.
        ({"config": "[default]\ns3 =\n  aws_access_key_id = x\n  sso_account_id = 1\n"}, None),
        ({**AS_DEV, "config": f"[DEFAULT]\n{KEYS}[profile dev]\n"}, "profile"),
        ({"boto": f"[Credentials]\n{KEYS}"}, "boto-config"),
        (
            {"AWS_CREDENTIAL_FILE": "~/.boto", "boto": "AWSAccessKeyId=A\nAWSSecretKey=b\n"},
            "boto-config",
        ),
        ({CONTAINER_URL: "", "boto": f"[Credentials]\n{KEYS}"}, "boto-config"),
    ],
)
def test_the_source_is_that_of_the_sdk(set_up: SetUp, given_: Given, source: str | None) -> None:
    profile = set_up(given_)
    identity = identify(profile=profile)
    assert identity.source == source
    try:
        found = botocore.session.Session(profile=profile or None).get_credentials()
    except sdk.CredentialRetrievalError as error:
        method = error.kwargs["provider"]
    else:
        method = found.method if found else None
    assert METHODS.get(method, "profile") == source


def test_a_container_comes_before_the_instance(set_up: SetUp) -> None:
    with AwsCloud() as cloud:
        set_up({**cloud.container(), **cloud.instance()})
        assert identify().source == "container"
        found = botocore.session.Session().get_credentials()
        assert found is not None
        assert found.method == "container-role"


# What is set → the SDK's own refusal, and our code for it.
@pytest.mark.parametrize(
    ("given_", "theirs", "code"),
    [
        ({**AS_DEV, "config": DEFAULT}, sdk.ProfileNotFound, "ecr.profile-missing"),
        ({**AS_DEV, **KEY}, sdk.ProfileNotFound, "ecr.profile-missing"),
        ({"profile": "dev"}, sdk.ProfileNotFound, "ecr.profile-missing"),
        ({**AS_DEV, "config": f"[dev]\n{KEYS}"}, sdk.ProfileNotFound, "ecr.section-misnamed"),
        ({**AS_DEV, "credentials": DEV}, sdk.ProfileNotFound, "ecr.section-misnamed"),
        ({"AWS_ACCESS_KEY_ID": "AK"}, sdk.PartialCredentialsError, "ecr.secret-not-set"),
        (
            {"config": "[default]\naws_access_key_id = AKIAEXAMPLE\n"},
            *(sdk.PartialCredentialsError, "ecr.profile-half-key"),
        ),
        (WEB_TOKEN, sdk.InvalidConfigError, "ecr.web-identity-without-role"),
        (
            {**WEB, "AWS_ROLE_ARN": "", "config": f"{WEB_PROFILE}{TOKEN_FILE}\n"},
            *(sdk.InvalidConfigError, "ecr.web-identity-without-role"),
        ),
        ({"config": AS_ROLE}, sdk.PartialCredentialsError, "ecr.role-without-source"),
        (
            {"config": f"{BY_A}credential_source = Environment\n[profile a]\n"},
            *(sdk.InvalidConfigError, "ecr.two-role-sources"),
        ),
        ({"config": BY_A}, sdk.InvalidConfigError, "ecr.source-profile-missing"),
        ({"config": f"{BY_A}[profile a]\n"}, sdk.InvalidConfigError, "ecr.source-profile-empty"),
        (
            {"config": f"{AS_ROLE}source_profile = default\n"},
            *(sdk.InfiniteLoopConfigError, "ecr.source-profile-loop"),
        ),
        (
            {
                "config": f"{BY_A}[profile a]\nrole_arn = {ROLE}\nsource_profile = b\n"
                f"[profile b]\nrole_arn = {ROLE}\nsource_profile = a\n"
            },
            *(sdk.InfiniteLoopConfigError, "ecr.source-profile-loop"),
        ),
        (
            {"config": f"{AS_ROLE}credential_source = environment\n"},
            *(sdk.InvalidConfigError, "ecr.credential-source-unknown"),
        ),
        (
            {"config": f"{AS_ROLE}credential_source = Environment\n"},
            *(sdk.CredentialRetrievalError, "ecr.credential-source-empty"),
        ),
        (
            {"config": "[default]\nsso_session = gone\nsso_account_id = 1\nsso_role_name = r\n"},
            *(sdk.InvalidConfigError, "ecr.sso-session-missing"),
        ),
        (
            {
                "config": f"[default]\nsso_session = corp\n{SSO}"
                "[sso-session corp]\nsso_start_url = https://y\nsso_region = us-east-1\n"
            },
            *(sdk.InvalidConfigError, "ecr.sso-contradiction"),
        ),
        (
            {"config": "[default]\nsso_account_id = 1\n"},
            *(sdk.InvalidConfigError, "ecr.sso-incomplete"),
        ),
        ({"config": "[default]\nnonsense\n"}, sdk.ConfigParseError, "file.not-ini"),
        ({"config": "[default]\na = 1\nA = 2\n"}, sdk.ConfigParseError, "file.not-ini"),
        ({"config": "[default]\n[default]\n"}, sdk.ConfigParseError, "file.not-ini"),
        ({"credentials": KEYS}, sdk.ConfigParseError, "file.not-ini"),
        ({"config": "\ufeff[default]\n"}, sdk.ConfigParseError, "ecr.byte-order-mark"),
        ({"AWS_CREDENTIAL_FILE": "/none"}, sdk.ConfigNotFound, "ecr.credential-file-missing"),
    ],
)
def test_a_configuration_that_the_sdk_refuses_is_refused_without_the_sdk(
    set_up: SetUp, given_: Given, theirs: type[Exception], code: str
) -> None:
    profile = set_up(given_)
    assert refusal(profile=profile).code == code
    session = botocore.session.Session(profile=profile or None)
    with pytest.raises(theirs):
        session.create_client("ecr", region_name="us-east-1")


@pytest.mark.parametrize(("roles", "code"), [(100, None), (101, TOO_MANY), (2000, TOO_MANY)])
def test_a_chain_of_roles_ends_before_the_recursion_of_the_sdk(
    set_up: SetUp, roles: int, code: str | None
) -> None:
    names = ["default", *(f"profile p{number}" for number in range(1, roles))]
    chain = [
        f"[{name}]\nrole_arn = {ROLE}\nsource_profile = p{number}\n"
        for number, name in enumerate(names, 1)
    ]
    set_up.write("".join([*chain, f"[profile p{roles}]\n{KEYS}"]))
    session = botocore.session.Session()
    if code is None:
        assert identify().source == "profile"
        assert session.get_credentials()
    else:
        assert refusal().code == code
    if roles > 1000:
        with pytest.raises(RecursionError):
            session.get_credentials()


def test_a_missing_profile_is_reported_with_its_variable_and_the_others(set_up: SetUp) -> None:
    set_up.write(f"{DEV}[default]\n")
    error = refusal(profile="prod")
    assert error.code == "ecr.profile-missing"
    assert "default, dev" in str(error.hint)
    set_up({"AWS_DEFAULT_PROFILE": "gone", **AS_DEV})
    assert "AWS_DEFAULT_PROFILE comes before AWS_PROFILE" in refusal().reason


@pytest.mark.parametrize("variable", ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
def test_an_empty_profile_variable_counts_as_not_set(set_up: SetUp, variable: str) -> None:
    set_up({**AS_DEV, "AWS_DEFAULT_PROFILE": "dev", variable: "", "config": DEV})
    assert identify().source == "profile"


# A value that no key has, from a file, a shell or an env file → the variable that is named.
@pytest.mark.parametrize("variable", [*KEY, "AWS_SESSION_TOKEN"])
@pytest.mark.parametrize("value", ["example\n", "example\r", "exam ple", '"example"', "exam\0ple"])
def test_an_impossible_key_is_refused_and_its_variable_named(variable: str, value: str) -> None:
    asked = request()
    asked.environ = {**KEY, variable: value}
    with pytest.raises(Misconfigured) as refused:
        EcrProvider().identify(asked)
    assert refused.value.code == "ecr.key-not-usable"
    assert variable in refused.value.reason
    assert "exam" not in refused.value.reason


def test_a_key_in_quotation_marks_in_a_profile_is_refused(set_up: SetUp) -> None:
    set_up.write('[default]\naws_access_key_id = "AKIAEXAMPLE"\naws_secret_access_key = x\n')
    assert refusal().code == "ecr.key-not-usable"


CONTAINER = {CONTAINER_URL: "http://169.254.170.23/v1/credentials"}
POD = {**CONTAINER, f"{BEARER}_FILE": "{home}/token"}
WEB_FILE = {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": "{home}/token"}
OF_PROFILE = {"config": WEB_PROFILE + "{home}/token\n"}
OF_A_SOURCE = {
    "config": f"{BY_A}[profile a]\nrole_arn = {ROLE}\n" + "web_identity_token_file = {home}/token\n"
}


@pytest.mark.parametrize("named", [WEB_FILE, OF_PROFILE, OF_A_SOURCE, POD])
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "ecr.token-file-unreadable"),
        ("", "ecr.token-file-empty"),
        ("\n", "ecr.token-file-empty"),
    ],
)
def test_an_empty_token_file_is_named(
    set_up: SetUp, named: Given, content: str | None, code: str
) -> None:
    set_up(named if content is None else {**named, "token": content})
    error = refusal()
    assert error.code == code
    assert str(set_up.home / "token") in error.reason


def test_a_folder_in_the_place_of_a_token_file_is_named(set_up: SetUp) -> None:
    set_up({**WEB, "AWS_WEB_IDENTITY_TOKEN_FILE": "{home}"})
    error = refusal()
    assert error.code == "ecr.token-file-unreadable"
    assert "is a directory" in error.reason


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (f"role_arn = {ROLE}\nsource_profile = dev\n{KEYS}", f"assumes {ROLE}"),
        (
            f"role_arn = {ROLE}\nweb_identity_token_file = {TOKEN_FILE}\n",
            f"assumes {ROLE} by web identity",
        ),
        (SSO, "sso"),
        (f"{SSO}{KEYS}", "sso"),
        (f"credential_process = x\n{KEYS}", "credential_process"),
        ("login_session = x\ncredential_process = x\n", "aws login"),
        (KEYS, "static keys"),
    ],
)
def test_a_profile_is_described_by_its_use(set_up: SetUp, options: str, kind: str) -> None:
    set_up.write(f"[profile dev]\n{options}")
    assert identify(profile="dev").detail == f'profile "dev" in ~/.aws/config ({kind})'


def test_keys_in_the_credentials_file_come_before_a_program(set_up: SetUp) -> None:
    set_up({"config": "[profile dev]\ncredential_process = x\n", "credentials": f"[dev]\n{KEYS}"})
    described = 'profile "dev" in ~/.aws/config and ~/.aws/credentials (static keys)'
    assert identify(profile="dev").detail == described


@pytest.mark.parametrize("set_", [{"role_arn": ROLE}, {"profile": "dev"}])
def test_without_a_metadata_service_an_option_that_needs_an_identity_is_an_error(
    set_up: SetUp, monkeypatch: pytest.MonkeyPatch, set_: Given
) -> None:
    set_up.write("[profile dev]\nregion = eu-west-1\n")
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setattr(
        cloud_detection, "machine_signs", lambda cloud: cloud_detection.CloudSigns(None, "silent")
    )
    monkeypatch.setattr(metadata_probe, "answers", lambda *_, **__: False)
    provider = BoundedProvider(EcrProvider())
    with pytest.raises(NotFound):
        provider.get(request(), provider.identify(request()))
    asked = request(**set_)
    assert not provider.identify(asked).certain
    with pytest.raises(Misconfigured) as missing:
        provider.get(asked, provider.identify(asked))
    assert missing.value.code in ("ecr.nothing-assumes-role", "ecr.profile-empty")


def test_a_folder_in_the_place_of_a_file_is_reported(set_up: SetUp) -> None:
    (set_up.home / ".aws/credentials").mkdir(parents=True)
    problem = identify().problem
    assert problem is not None
    assert problem.code == "ecr.file-unreadable"
    assert "~/.aws/credentials" in problem.reason
    set_up.write(DEFAULT)
    assert identify().source == "profile"


def test_a_token_in_a_pipe_is_left_to_the_sdk_and_has_no_cache_key(set_up: SetUp) -> None:
    os.mkfifo(set_up.home / "token")
    set_up(POD)
    assert identify().source == "container"
    assert identify().cache_key is None


def test_every_source_that_is_not_used_has_a_reason(set_up: SetUp) -> None:
    set_up({"AWS_SECRET_ACCESS_KEY": "example-secret", "config": "[profile other]\n"})
    identity = identify()
    assert identity.source is None
    assert {skipped.source: skipped.code for skipped in identity.skipped} == {
        "environment": "ecr.key-id-not-set",
        "web-identity": "provider.variable-not-set",
        "profile": "ecr.no-default-profile",
        "boto-config": "ecr.no-boto-file",
        "container": "ecr.no-container-variable",
        "instance-metadata": "ecr.metadata-disabled",
    }


def test_an_identity_is_described_without_a_secret(set_up: SetUp) -> None:
    set_up({**KEY, "AWS_SESSION_TOKEN": "example-session"})
    identity = identify(role_arn=ROLE)
    assert identity.detail == f"AWS_ACCESS_KEY_ID …MPLE with a session token, then {ROLE}"
    assert [skipped.code for skipped in identity.skipped] == ["provider.comes-first"] * 5
    assert identity.scope == "ECR in us-east-1"
    assert identity.certain
    for secret in ("example-secret", "example-session", "AKIAEXAMPLE"):
        assert secret not in str(identity.cache_key) + identity.detail


def test_an_address_is_shown_without_the_secrets_that_a_url_can_hold(set_up: SetUp) -> None:
    set_up({CONTAINER_URL: "https://user:example-secret@loopback:8443/x?key=example-secret"})
    assert identify().detail == "the credentials at https://loopback:8443"


@pytest.mark.parametrize(
    ("variable", "value", "address"),
    [
        ("EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1338/latest", "127.0.0.1:1338"),
        ("EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6", "[fd00:ec2::254]"),
        ("IMDS_USE_IPV6", "true", "[fd00:ec2::254]"),
    ],
)
def test_a_metadata_service_that_is_set_needs_no_sign_of_one(
    set_up: SetUp, variable: str, value: str, address: str
) -> None:
    set_up({"AWS_EC2_METADATA_DISABLED": "false", f"AWS_{variable}": value})
    identity = identify()
    assert (identity.source, identity.certain) == ("instance-metadata", True)
    assert identity.detail == f"the metadata service at http://{address}"


ISSUER = "https://oidc.eks.eu-west-1.amazonaws.com/id"
APP = "system:serviceaccount:a:b"
SSO_DEFAULT = f"[default]\n{SSO}"
NAMED_SSO = (
    "[default]\nsso_session = work\nsso_account_id = 1\nsso_role_name = r\n"
    "[sso-session work]\nsso_region = us-east-1\nsso_start_url = https://x\n"
)
SIGNED_IN = "[default]\nlogin_session = me\n"


def token(sub: str, iss: str = ISSUER, **claims: object) -> Given:
    return {"token": jwt(iss=iss, sub=sub, **claims)}


def renewable(token: str) -> Given:
    """The file of an SSO session that the SDK can renew."""
    session = {"accessToken": token, "refreshToken": f"r-{token}", "clientId": "c"}
    return {"named sso": json.dumps(session)}


def sign_in(key: str) -> Given:
    """The file of ``aws login``."""
    return {"sign-in": json.dumps({"accessToken": {"accessKeyId": key}, "refreshToken": "r"})}


def endpoint(port: int, profile: str = "default") -> str:
    return f"[{profile}]\nendpoint_url = http://127.0.0.1:{port}\n"


def services(port: int) -> Given:
    ours = f"[services ours]\necr =\n  endpoint_url = http://127.0.0.1:{port}\n"
    return {"config": f"[default]\nservices = ours\n{ours}"}


def role_of(source: str) -> Given:
    return {"config": f"{AS_ROLE}credential_source = {source}\n"}


# Before a renewal of an identity, and what it changes.
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({**POD, **token(APP, iat=1)}, {"token": jwt(iat=2, sub=APP, iss=ISSUER)}),
        ({**WEB_FILE, **token("a", exp=1)}, token("a", exp=2)),
        ({**OF_PROFILE, **token("a", exp=1)}, token("a", exp=2)),
        ({"config": SIGNED_IN, **sign_in("one")}, sign_in("two")),
        # A profile that is not in use.
        (
            {**KEY, "credentials": f"[other]\n{KEYS}"},
            {"credentials": f"[other]\n{KEYS}aws_session_token = renewed\n"},
        ),
    ],
)
def test_a_renewed_session_is_the_same_identity(set_up: SetUp, before: Given, after: Given) -> None:
    set_up(before)
    first = identify().cache_key
    set_up(after)
    assert first is not None
    assert identify().cache_key == first


# An identity, and what makes another one of it.
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (KEY, {"AWS_ACCESS_KEY_ID": "AKIAOTHER"}),
        (KEY, {"AWS_SECRET_ACCESS_KEY": "other"}),
        ({**KEY, "AWS_SESSION_TOKEN": "t"}, {"AWS_ACCESS_KEY_ID": "ASIAOTHER"}),
        ({**AS_DEV, "config": f"{DEV}[profile b]\n{KEYS}"}, {"AWS_PROFILE": "b"}),
        ({"config": DEFAULT}, {"config": f"{DEFAULT}#"}),
        ({"credentials": DEFAULT}, {"credentials": f"{DEFAULT}#"}),
        (WEB, {"AWS_ROLE_ARN": f"{ROLE}2"}),
        (WEB, {"AWS_ROLE_SESSION_NAME": "other"}),
        (WEB, {"config": "[default]\nrole_session_name = other\n"}),
        ({**WEB_FILE, **token("a")}, token("b")),
        ({**WEB_FILE, **token("a")}, token("a", iss=f"{ISSUER}/2")),
        ({**OF_PROFILE, **token("a")}, token("b")),
        ({**WEB_FILE, "token": "of unknown form"}, {"token": "two"}),
        ({CONTAINER_PATH: "/v2/credentials/1"}, {CONTAINER_PATH: "/v2/credentials/2"}),
        ({**POD, **token(APP)}, token("system:serviceaccount:a:c")),
        ({**POD, **token(APP)}, token(APP, iss=f"{ISSUER}/2")),
        ({CONTAINER_URL: "http://127.0.0.1:1/x", BEARER: "one"}, {BEARER: "two"}),
        ({**role_of("Environment"), **KEY, "profile": "default"}, {"AWS_ACCESS_KEY_ID": "AKIAO"}),
        ({**role_of("EcsContainer"), CONTAINER_PATH: "/1"}, {CONTAINER_PATH: "/2"}),
        # The CLI keeps its clientId when the user signs out and another one signs in.
        ({"config": NAMED_SSO, **renewable("one")}, renewable("two")),
        ({"config": SIGNED_IN, **sign_in("one")}, {"sign-in": ""}),
        ({"config": SSO_DEFAULT, "sso": "one"}, {"sso": "two"}),
        ({"config": SSO_DEFAULT, "sso": "one"}, {"config": SSO_DEFAULT, "sso": ""}),
        ({**KEY, "config": endpoint(1)}, {"config": endpoint(2)}),
        (
            {**KEY, **AS_DEV, "config": endpoint(1, "profile dev") + endpoint(2, "profile b")},
            {"AWS_PROFILE": "b"},
        ),
        ({**KEY, **services(1)}, services(2)),
        (
            {**KEY, "AWS_ENDPOINT_URL_ECR": "http://127.0.0.1:1"},
            {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
        ),
        *(
            ({**KEY, variable: "http://127.0.0.1:1"}, {variable: "http://127.0.0.1:2"})
            for api in ("", "_ECR", "_STS", "_SSO", "_SSO_OIDC", "_SIGNIN")
            for variable in [f"AWS_ENDPOINT_URL{api}"]
        ),
    ],
)
def test_another_identity_has_another_cache_key(set_up: SetUp, before: Given, after: Given) -> None:
    profile = set_up(before)
    first = identify(profile=profile).cache_key
    set_up(after)
    assert first is not None
    assert identify(profile=profile).cache_key not in (None, first)


def test_a_role_on_top_and_a_profile_of_a_registry_are_other_identities(set_up: SetUp) -> None:
    set_up.write(DEFAULT + DEV)
    roles = [{}, {"role_arn": ROLE}, {"profile": "dev"}, {"profile": "dev", "role_arn": ROLE}]
    assert len({identify(**options).cache_key for options in roles}) == len(roles)


def session(expires_at: str) -> Given:
    return {"config": SSO_DEFAULT, "sso": f'{{"accessToken": "t", "expiresAt": "{expires_at}"}}'}


# What local files show, and a `get` would find out → the code.
@pytest.mark.parametrize(
    ("given_", "code"),
    [
        ({"config": DEFAULT}, None),
        ({"config": SSO_DEFAULT}, "ecr.sign-in-missing"),
        ({"config": SSO_DEFAULT, "sso": "{"}, "ecr.sign-in-damaged"),
        (session("2020-01-01T00:00:00Z"), "ecr.sso-expired"),
        (session("2100-01-01T00:00:00UTC"), None),
        ({"config": f"{BY_A}[profile a]\n{SSO}"}, "ecr.sign-in-missing"),
        ({"config": SIGNED_IN}, "ecr.sign-in-missing"),
        (
            {"config": "[default]\ncredential_process = no-such-program --x\n"},
            "ecr.process-not-on-path",
        ),
        (
            {"config": "[default]\ncredential_process = /none/program --x\n"},
            "provider.program-not-started",
        ),
        ({"config": "[default]\ncredential_process = ~/bin/program\n"}, "ecr.process-not-expanded"),
        ({"config": f"{DEFAULT}ca_bundle = /none/ca.pem\n"}, "network.ca-file-missing"),
        ({"config": f"{DEFAULT}region = eu-west-1 ; Ireland\n"}, "ecr.comment-behind-value"),
        # A profile that is not in use.
        ({"config": f"{DEFAULT}[profile a]\nregion = eu-west-1 ; Ireland\n"}, None),
        ({"config": DEFAULT, "AWS_DEFAULTS_MODE": "wrong"}, "ecr.setting-wrong"),
        (
            {**AS_DEV, "AWS_DEFAULT_PROFILE": "b", "config": f"{DEV}[profile b]\n{KEYS}"},
            "ecr.two-profile-variables",
        ),
        ({"config": f"{DEFAULT}[dev]\n{KEYS}"}, "ecr.section-misnamed"),
        # A section of another tool.
        ({"config": f"{DEFAULT}[plugins]\na = b\n"}, None),
        (
            {"config": f"{WEB_PROFILE}{TOKEN_FILE}\n", "AWS_ROLE_ARN": f"{ROLE}/other"},
            "ecr.role-variable-first",
        ),
        (
            {"config": "[default]\ncredential_process = cat\n", "credentials": DEFAULT},
            "ecr.keys-before-process",
        ),
    ],
)
def test_mistakes_in_local_files_are_reported(
    set_up: SetUp, given_: Given, code: str | None
) -> None:
    set_up(given_)
    provider = EcrProvider()
    problems = list(provider.problems(request(), provider.identify(request())))
    assert [problem.code for problem in problems] == ([code] if code else [])
    for problem in problems:
        assert "example-secret" not in f"{problem.reason} {problem.hint}"


@pytest.mark.skipif(sys.platform == "win32", reason="there the system knows every home folder")
def test_without_a_home_no_working_folder_is_read(
    set_up: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = set_up.home
    for name in (".aws/config", ".aws/credentials"):
        set_up.write(DEFAULT, f"work/~/{name}")
    set_up.write(f"[Credentials]\n{KEYS}", "work/~/.boto")
    monkeypatch.chdir(home / "work")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", lambda _uid: {}[_uid])
    assert identify().source is None
    set_up.write(SSO_DEFAULT)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / ".aws" / "config"))
    set_up.write("{}", f"work/~/{SESSION_FILE}")
    with pytest.raises(Denied, match=r"^ecr\.sso-expired$"):
        EcrProvider().get(request(), identify())


def test_a_role_that_would_assume_itself_is_reported(set_up: SetUp) -> None:
    set_up.write(f"{BY_A}[profile a]\n{KEYS}")
    provider, asked = EcrProvider(), request(role_arn=ROLE)
    [problem] = provider.problems(asked, provider.identify(asked))
    assert problem.code == "ecr.role-of-itself"


# Lines that configparser has an opinion about, in any order.
LINES = st.lists(
    st.sampled_from(
        [
            *("[default]", "[profile dev]", "[DEFAULT]", "[]", "[x", " [indented]", "[a] # b"),
            *("key = value", "Key=other", "k: v = w", "  nested = 1", "\tdeeper : 2", "= nothing"),
            *(": none", "=a:b", "lonely", "", "   ", "    far deeper", "# comment", "; comment"),
            *("  # comment", "a = b\r", "x = [y]"),
        ]
    ),
    max_size=9,
)


@given(LINES)
@example(["[DEFAULT]", "a = 1", "[DEFAULT]", "  b = 2"])
@example(["[default]", "s3 =", "  a = 1", "b = 2"])
@example(["[default]", "  a = 1", "  b = 2", " c = 3"])
@example(["[default]", "a = 1", "", "  b", "# c", "  d", "", "[x]", ""])
def test_a_configuration_file_is_read_as_the_sdk_reads_it(lines: list[str]) -> None:
    text = "\n".join(lines)
    parser = configparser.RawConfigParser()
    expected: dict[str, dict[str, str]] | None
    try:
        parser.read_file(text.split("\n"))
        expected = {name: dict(parser.items(name)) for name in parser.sections()}
    except configparser.Error:
        expected = None
    found, wrong_line = parse(text)
    assert bool(wrong_line) is (expected is None)
    if expected is not None:
        assert found == expected


def explain(error: Exception, host: str = EXAMPLE_HOST) -> CredentialError:
    asked = request(host)
    wire = Wire(asked.deadline)
    if url := getattr(error, "kwargs", {}).get("endpoint_url"):
        exchange = wire.begin("POST", url)
        wire.end(exchange, error)
    identity = Identity("environment", "a key")
    return explained(error, Configuration(asked), identity, wire, "call")


def no_address(url: str) -> Exception:
    error: Any = sdk.EndpointConnectionError(endpoint_url=url, error=gaierror(-2, "unknown"))
    return error  # type: ignore[no-any-return]


def test_an_unknown_region_is_named_unless_the_proxy_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    host = "123456789012.dkr.ecr.mars-north-1.amazonaws.com"
    url = "https://api.ecr.mars-north-1.amazonaws.com/"
    failure = explain(no_address(url), host)
    assert isinstance(failure, Unreachable)
    assert failure.code == "ecr.region-unknown"
    assert "api.ecr.mars-north-1.amazonaws.com" in failure.reason
    monkeypatch.setenv("HTTPS_PROXY", "http://bücher.invalid:3128")
    url = "https://api.ecr.us-east-1.amazonaws.com/"
    failure = explain(no_address(url))
    assert failure.code == "network.unknown-host"
    assert "bücher.invalid" in failure.reason


def test_an_unknown_error_is_shown_by_its_class_alone() -> None:
    for error in (KeyError("example-secret"), sdk.UnknownCredentialError(name="example-secret")):
        assert "example-secret" not in explain(error).reason
