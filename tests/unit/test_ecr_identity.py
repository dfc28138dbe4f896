"""The identity of a request to ECR, compared with the SDK's own chain and with other identities."""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import sys
from collections.abc import Callable
from functools import partial
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
KEY_VARIABLES = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example-secret"}
ROLE = "arn:aws:iam::123456789012:role/example"
SSO = "sso_account_id = 1\nsso_role_name = r\nsso_region = us-east-1\nsso_start_url = https://x\n"
# A token of no known form: it stands for itself.
TOKEN_FILE = __file__
WEB_VARIABLES = {"AWS_WEB_IDENTITY_TOKEN_FILE": TOKEN_FILE, "AWS_ROLE_ARN": ROLE}
CONTAINER_URL = "AWS_CONTAINER_CREDENTIALS_FULL_URI"

# The SDK's names of what its chain found → ours.
METHODS = {
    "env": "environment",
    "assume-role-with-web-identity": "web-identity",
    "assume-role": "profile",
    "sso": "profile",
    "shared-credentials-file": "profile",
    "custom-process": "profile",
    "config-file": "profile",
    "ec2-credentials-file": "boto-config",
    "boto-config": "boto-config",
    "container-role": "container",
    None: None,
}


def request(host: str = EXAMPLE_HOST, **options: str) -> TokenRequest:
    return token_request(host, os.environ, options=options)


def identify(**options: str) -> Identity:
    return EcrProvider().identify(request(**options))


Write = Callable[..., Path]


@pytest.fixture
def write(home: Path) -> Write:
    """Write a file below the home, by default one of the SDK's."""

    def write_file(text: str, name: str = ".aws/config") -> Path:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write_file


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    def set_all(variables: dict[str, str]) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_all


# What is set → what is found. "profile" is an option of ours, what FILES names are files, the rest
# are variables.
CHAIN: dict[str, tuple[dict[str, str], str | None]] = {
    "nothing": ({}, None),
    "a key": (KEY_VARIABLES, "environment"),
    "a key and a profile that exists": (
        {**KEY_VARIABLES, "AWS_PROFILE": "dev", "config": f"[profile dev]\n{KEYS}"},
        "environment",
    ),
    "a key and a profile of this registry": (
        {**KEY_VARIABLES, "profile": "dev", "config": f"[profile dev]\n{KEYS}"},
        "profile",
    ),
    "an empty key": ({"AWS_ACCESS_KEY_ID": "", "config": f"[default]\n{KEYS}"}, "profile"),
    "a secret alone": ({"AWS_SECRET_ACCESS_KEY": "example-secret"}, None),
    "a key and a web identity": ({**KEY_VARIABLES, **WEB_VARIABLES}, "environment"),
    "a web identity and a default profile": (
        {**WEB_VARIABLES, "credentials": f"[default]\n{KEYS}"},
        "web-identity",
    ),
    "a web identity and an SSO profile": (
        {**WEB_VARIABLES, "AWS_PROFILE": "dev", "config": f"[profile dev]\n{SSO}"},
        "web-identity",
    ),
    "a web identity and a profile that assumes a role": (
        {
            **WEB_VARIABLES,
            "config": f"[default]\nrole_arn = {ROLE}\nsource_profile = b\n[profile b]\n{KEYS}",
        },
        "profile",
    ),
    "a web identity and a profile of this registry": (
        {**WEB_VARIABLES, "profile": "dev", "config": f"[profile dev]\n{SSO}"},
        "profile",
    ),
    "the token file in a variable, its role in the profile": (
        {
            "AWS_WEB_IDENTITY_TOKEN_FILE": TOKEN_FILE,
            "config": f"[default]\nrole_arn = {ROLE}\nweb_identity_token_file = /t\n",
        },
        "web-identity",
    ),
    "an empty token file variable": (
        {**WEB_VARIABLES, "AWS_WEB_IDENTITY_TOKEN_FILE": "", "credentials": f"[default]\n{KEYS}"},
        "profile",
    ),
    "keys in the credentials file": ({"credentials": f"[default]\n{KEYS}"}, "profile"),
    "keys in the config file": ({"config": f"[default]\n{KEYS}"}, "profile"),
    "keys in a file elsewhere": (
        {"AWS_SHARED_CREDENTIALS_FILE": "$HOME/.boto", "boto": f"[default]\n{KEYS}"},
        "profile",
    ),
    "a profile of either variable, the older wins": (
        {
            "AWS_PROFILE": "empty",
            "AWS_DEFAULT_PROFILE": "dev",
            "config": f"[profile empty]\nregion = x\n[profile dev]\n{KEYS}",
        },
        "profile",
    ),
    "a quoted profile": (
        {"AWS_PROFILE": "my dev", "config": f"[profile 'my dev']\n{KEYS}"},
        "profile",
    ),
    "a program": ({"config": "[default]\ncredential_process = cat $HOME/none\n"}, "profile"),
    "a profile that says only where": (
        {"AWS_PROFILE": "dev", "config": "[profile dev]\nregion = eu-west-1\n"},
        None,
    ),
    "options that are indented below another": (
        {"config": "[default]\ns3 =\n  aws_access_key_id = x\n  sso_account_id = 1\n"},
        None,
    ),
    "keys under DEFAULT in capitals": (
        {"AWS_PROFILE": "dev", "config": f"[DEFAULT]\n{KEYS}[profile dev]\n"},
        "profile",
    ),
    "an old boto file": ({"boto": f"[Credentials]\n{KEYS}"}, "boto-config"),
    "an older file yet": (
        {
            "AWS_CREDENTIAL_FILE": "~/.boto",
            "boto": "AWSAccessKeyId=AKIAEXAMPLE\nAWSSecretKey=example-secret\n",
        },
        "boto-config",
    ),
    "a boto file and a container": (
        {CONTAINER_URL: "", "boto": f"[Credentials]\n{KEYS}"},
        "boto-config",
    ),
}


NAMED_SSO = (
    "[default]\nsso_session = work\nsso_account_id = 1\nsso_role_name = r\n"
    "[sso-session work]\nsso_region = us-east-1\nsso_start_url = https://x\n"
)


def renewable_session(token: str, *, client: str) -> str:
    """The file of an SSO session that the SDK can renew."""
    return json.dumps({"accessToken": token, "refreshToken": f"r-{token}", "clientId": client})


# The session of the start URL in SSO.
SESSION_FILE = f".aws/sso/cache/{hashlib.sha1(b'https://x').hexdigest()}.json"
FILES = {
    "config": ".aws/config",
    "credentials": ".aws/credentials",
    "boto": ".boto",
    "sso": SESSION_FILE,
    "named sso": f".aws/sso/cache/{hashlib.sha1(b'work').hexdigest()}.json",
    "token": "token",
}


def set_up(given_: dict[str, str], write: Write, env: Callable[[dict[str, str]], None]) -> str:
    """Set what a row says; the profile of this registry, if it has one."""
    for name, value in given_.items():
        if name == "sso" and not value:
            (Path(os.environ["HOME"]) / SESSION_FILE).unlink()
        elif name in FILES:
            write(value, FILES[name])
        elif name != "profile":
            env({name: value})
    return given_.get("profile", "")


@pytest.mark.parametrize(("what", "source"), CHAIN.values(), ids=CHAIN)
def test_the_source_is_the_one_the_sdk_finds(
    write: Write, env: Callable[[dict[str, str]], None], what: dict[str, str], source: str | None
) -> None:
    profile = set_up(what, write, env)
    identity = identify(profile=profile)
    assert identity.source == source
    try:
        found = botocore.session.Session(profile=profile or None).get_credentials()
    except sdk.CredentialRetrievalError as error:
        method = error.kwargs["provider"]
    else:
        method = found.method if found else None
    assert METHODS[method] == source


def test_a_container_comes_before_the_instance(env: Callable[[dict[str, str]], None]) -> None:
    with AwsCloud() as cloud:
        env({**cloud.container(), **cloud.instance()})
        assert identify().source == "container"
        found = botocore.session.Session().get_credentials()
        assert found is not None
        assert found.method == "container-role"


# What is set → the SDK's own refusal, and our code for it.
REFUSED: dict[str, tuple[dict[str, str], type[Exception], str]] = {
    "a profile that does not exist": (
        {"AWS_PROFILE": "dev", "config": f"[default]\n{KEYS}"},
        sdk.ProfileNotFound,
        "ecr.profile-missing",
    ),
    "a profile that does not exist, and a key": (
        {"AWS_PROFILE": "dev", **KEY_VARIABLES},
        sdk.ProfileNotFound,
        "ecr.profile-missing",
    ),
    "a profile of this registry that does not exist": (
        {"profile": "dev"},
        sdk.ProfileNotFound,
        "ecr.profile-missing",
    ),
    "a section of the config file without the word profile": (
        {"AWS_PROFILE": "dev", "config": f"[dev]\n{KEYS}"},
        sdk.ProfileNotFound,
        "ecr.section-misnamed",
    ),
    "a section of the credentials file with the word profile": (
        {"AWS_PROFILE": "dev", "credentials": f"[profile dev]\n{KEYS}"},
        sdk.ProfileNotFound,
        "ecr.section-misnamed",
    ),
    "half a key": (
        {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE"},
        sdk.PartialCredentialsError,
        "ecr.secret-not-set",
    ),
    "half a key in a profile": (
        {"config": "[default]\naws_access_key_id = AKIAEXAMPLE\n"},
        sdk.PartialCredentialsError,
        "ecr.profile-half-key",
    ),
    "a web identity without a role": (
        {"AWS_WEB_IDENTITY_TOKEN_FILE": TOKEN_FILE},
        sdk.InvalidConfigError,
        "ecr.web-identity-without-role",
    ),
    "a web identity whose role is empty": (
        {
            "AWS_WEB_IDENTITY_TOKEN_FILE": TOKEN_FILE,
            "AWS_ROLE_ARN": "",
            "config": f"[default]\nrole_arn = {ROLE}\nweb_identity_token_file = {TOKEN_FILE}\n",
        },
        sdk.InvalidConfigError,
        "ecr.web-identity-without-role",
    ),
    "a role without a source": (
        {"config": f"[default]\nrole_arn = {ROLE}\n"},
        sdk.PartialCredentialsError,
        "ecr.role-without-source",
    ),
    "a role with two sources": (
        {
            "config": f"[default]\nrole_arn = {ROLE}\n"
            "source_profile = a\ncredential_source = Environment\n[profile a]\n"
        },
        sdk.InvalidConfigError,
        "ecr.two-role-sources",
    ),
    "a role whose source does not exist": (
        {"config": f"[default]\nrole_arn = {ROLE}\nsource_profile = gone\n"},
        sdk.InvalidConfigError,
        "ecr.source-profile-missing",
    ),
    "a role whose source has no keys": (
        {"config": f"[default]\nrole_arn = {ROLE}\nsource_profile = a\n[profile a]\n"},
        sdk.InvalidConfigError,
        "ecr.source-profile-empty",
    ),
    "a role that is its own source": (
        {"config": f"[default]\nrole_arn = {ROLE}\nsource_profile = default\n"},
        sdk.InfiniteLoopConfigError,
        "ecr.source-profile-loop",
    ),
    "roles in a loop": (
        {
            "config": f"[default]\nrole_arn = {ROLE}\nsource_profile = b\n"
            f"[profile b]\nrole_arn = {ROLE}\nsource_profile = c\n"
            f"[profile c]\nrole_arn = {ROLE}\nsource_profile = b\n"
        },
        sdk.InfiniteLoopConfigError,
        "ecr.source-profile-loop",
    ),
    "a role of an unknown source": (
        {"config": f"[default]\nrole_arn = {ROLE}\ncredential_source = environment\n"},
        sdk.InvalidConfigError,
        "ecr.credential-source-unknown",
    ),
    "a role of the environment, which is empty": (
        {"config": f"[default]\nrole_arn = {ROLE}\ncredential_source = Environment\n"},
        sdk.CredentialRetrievalError,
        "ecr.credential-source-empty",
    ),
    "an SSO session that is not defined": (
        {"config": "[default]\nsso_session = gone\nsso_account_id = 1\nsso_role_name = r\n"},
        sdk.InvalidConfigError,
        "ecr.sso-session-missing",
    ),
    "an SSO profile that contradicts its session": (
        {
            "config": f"[default]\nsso_session = corp\n{SSO}"
            "[sso-session corp]\nsso_start_url = https://y\nsso_region = us-east-1\n"
        },
        sdk.InvalidConfigError,
        "ecr.sso-contradiction",
    ),
    "SSO with half its options": (
        {"config": "[default]\nsso_account_id = 1\n"},
        sdk.InvalidConfigError,
        "ecr.sso-incomplete",
    ),
    "a line that is not an option": (
        {"config": "[default]\nnonsense\n"},
        sdk.ConfigParseError,
        "file.not-ini",
    ),
    "an option twice": (
        {"config": "[default]\na = 1\nA = 2\n"},
        sdk.ConfigParseError,
        "file.not-ini",
    ),
    "a section twice": ({"config": "[default]\n[default]\n"}, sdk.ConfigParseError, "file.not-ini"),
    "an option outside every section": (
        {"credentials": KEYS},
        sdk.ConfigParseError,
        "file.not-ini",
    ),
    "a byte order mark": (
        {"config": "\ufeff[default]\n"},
        sdk.ConfigParseError,
        "ecr.byte-order-mark",
    ),
    "an older file that does not exist": (
        {"AWS_CREDENTIAL_FILE": "/none"},
        sdk.ConfigNotFound,
        "ecr.credential-file-missing",
    ),
}


@pytest.mark.parametrize(("what", "refusal", "code"), REFUSED.values(), ids=REFUSED)
def test_a_configuration_that_the_sdk_refuses_is_refused_without_the_sdk(
    write: Write,
    env: Callable[[dict[str, str]], None],
    what: dict[str, str],
    refusal: type[Exception],
    code: str,
) -> None:
    profile = set_up(what, write, env)
    with pytest.raises(Misconfigured) as refused:
        identify(profile=profile)
    assert refused.value.code == code
    assert "example-secret" not in f"{refused.value.reason} {refused.value.hint}"
    session = botocore.session.Session(profile=profile or None)
    with pytest.raises(refusal):
        session.create_client("ecr", region_name="us-east-1")


def test_a_missing_profile_is_reported_with_the_profiles_there_are(write: Write) -> None:
    write(f"[profile dev]\n{KEYS}[default]\n")
    with pytest.raises(Misconfigured) as refused:
        identify(profile="prod")
    assert refused.value.code == "ecr.profile-missing"
    assert "default, dev" in str(refused.value.hint)


def test_of_two_profile_variables_the_message_names_both(
    env: Callable[[dict[str, str]], None],
) -> None:
    env({"AWS_DEFAULT_PROFILE": "gone", "AWS_PROFILE": "dev"})
    with pytest.raises(Misconfigured) as refused:
        identify()
    assert "AWS_DEFAULT_PROFILE comes before AWS_PROFILE" in refused.value.reason


@pytest.mark.parametrize("variable", ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
def test_an_empty_profile_variable_counts_as_not_set(
    write: Write, env: Callable[[dict[str, str]], None], variable: str
) -> None:
    env({"AWS_PROFILE": "dev", "AWS_DEFAULT_PROFILE": "dev", variable: ""})
    write(f"[profile dev]\n{KEYS}")
    assert identify().source == "profile"


# A value that no key has, from a file, a shell or an env file → the variable that is named.
@pytest.mark.parametrize("variable", [*KEY_VARIABLES, "AWS_SESSION_TOKEN"])
@pytest.mark.parametrize("value", ["example\n", "example\r", "exam ple", '"example"', "exam\0ple"])
def test_a_key_that_cannot_be_one_is_refused_and_its_variable_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    variables = {**KEY_VARIABLES, variable: value}
    asked = request()
    asked.environ = variables
    with pytest.raises(Misconfigured) as refused:
        EcrProvider().identify(asked)
    assert refused.value.code == "ecr.key-not-usable"
    assert variable in refused.value.reason
    assert "exam" not in refused.value.reason


def test_a_key_in_quotation_marks_in_a_profile_is_refused(write: Write) -> None:
    write('[default]\naws_access_key_id = "AKIAEXAMPLE"\naws_secret_access_key = x\n')
    with pytest.raises(Misconfigured) as refused:
        identify()
    assert refused.value.code == "ecr.key-not-usable"


# How a token file is named: by a variable, and by a profile.
TOKEN_FILES: dict[str, Callable[[str], dict[str, str]]] = {
    "a variable": lambda path: {"AWS_WEB_IDENTITY_TOKEN_FILE": path, "AWS_ROLE_ARN": ROLE},
    "a profile": lambda path: {
        "config": f"[default]\nrole_arn = {ROLE}\nweb_identity_token_file = {path}\n"
    },
    "the source of a role": lambda path: {
        "config": f"[default]\nrole_arn = {ROLE}\nsource_profile = a\n"
        f"[profile a]\nrole_arn = {ROLE}\nweb_identity_token_file = {path}\n"
    },
    "a container": lambda path: {
        CONTAINER_URL: "http://169.254.170.23/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": path,
    },
}


@pytest.mark.parametrize("named", TOKEN_FILES.values(), ids=TOKEN_FILES)
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "ecr.token-file-unreadable"),
        ("", "ecr.token-file-empty"),
        ("\n", "ecr.token-file-empty"),
    ],
)
def test_a_token_file_without_a_token_is_named(
    write: Write,
    env: Callable[[dict[str, str]], None],
    home: Path,
    named: Callable[[str], dict[str, str]],
    content: str | None,
    code: str,
) -> None:
    if content is not None:
        write(content, "token")
    set_up(named(str(home / "token")), write, env)
    with pytest.raises(Misconfigured) as refused:
        identify()
    assert refused.value.code == code
    assert str(home / "token") in refused.value.reason


def test_a_folder_in_the_place_of_a_token_file_is_named(
    env: Callable[[dict[str, str]], None], home: Path
) -> None:
    env({"AWS_WEB_IDENTITY_TOKEN_FILE": str(home), "AWS_ROLE_ARN": ROLE})
    with pytest.raises(Misconfigured) as refused:
        identify()
    assert refused.value.code == "ecr.token-file-unreadable"
    assert "is a directory" in refused.value.reason


def test_a_token_in_the_place_of_its_file_is_not_shown(
    env: Callable[[dict[str, str]], None],
) -> None:
    token = "eyJhbGciOiJSUzI1NiJ9.example-secret.signature"
    env({"AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ROLE_ARN": ROLE})
    with pytest.raises(Misconfigured) as refused:
        identify()
    assert "example-secret" not in refused.value.reason
    assert "AWS_WEB_IDENTITY_TOKEN_FILE" in refused.value.reason


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
def test_a_profile_is_described_by_what_the_sdk_does_with_it(
    write: Write, options: str, kind: str
) -> None:
    write(f"[profile dev]\n{options}")
    assert identify(profile="dev").detail == f'profile "dev" in ~/.aws/config ({kind})'


def test_keys_in_the_credentials_file_come_before_a_program(write: Write) -> None:
    write("[profile dev]\ncredential_process = x\n")
    write(f"[dev]\n{KEYS}", ".aws/credentials")
    described = 'profile "dev" in ~/.aws/config and ~/.aws/credentials (static keys)'
    assert identify(profile="dev").detail == described


@pytest.mark.parametrize("set_", [{"role_arn": ROLE}, {"profile": "dev"}])
def test_an_identity_that_is_set_has_to_be_there_where_no_metadata_service_answers(
    write: Write, monkeypatch: pytest.MonkeyPatch, set_: dict[str, str]
) -> None:
    write("[profile dev]\nregion = eu-west-1\n")
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setattr(
        cloud_detection, "machine_sign", lambda cloud: cloud_detection.Sign(None, "silent")
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


def test_a_folder_in_the_place_of_a_file_is_reported(write: Write, home: Path) -> None:
    (home / ".aws/credentials").mkdir(parents=True)
    identity = identify()
    assert identity.problem is not None
    assert identity.problem.code == "ecr.file-unreadable"
    assert "~/.aws/credentials" in identity.problem.reason
    write(f"[default]\n{KEYS}")
    assert identify().source == "profile"


def test_a_token_in_a_pipe_is_left_to_the_sdk_and_has_no_cache_key(
    home: Path, env: Callable[[dict[str, str]], None]
) -> None:
    os.mkfifo(home / "pipe")
    token = {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(home / "pipe")}
    env({CONTAINER_URL: "http://169.254.170.23/v1/credentials", **token})
    assert identify().source == "container"
    assert identify().cache_key is None


def test_every_source_that_is_not_used_has_a_reason(
    write: Write, env: Callable[[dict[str, str]], None]
) -> None:
    env({"AWS_SECRET_ACCESS_KEY": "example-secret"})
    write("[profile other]\n")
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


def test_an_identity_is_described_without_a_secret(env: Callable[[dict[str, str]], None]) -> None:
    env({**KEY_VARIABLES, "AWS_SESSION_TOKEN": "example-session"})
    identity = identify(role_arn=ROLE)
    assert identity.detail == f"AWS_ACCESS_KEY_ID …MPLE with a session token, then {ROLE}"
    assert [skipped.code for skipped in identity.skipped] == ["provider.comes-first"] * 5
    assert identity.scope == "ECR in us-east-1"
    assert identity.certain
    for secret in ("example-secret", "example-session", "AKIAEXAMPLE"):
        assert secret not in str(identity.cache_key) + identity.detail


def test_an_address_is_shown_without_the_secrets_that_a_url_can_hold(
    env: Callable[[dict[str, str]], None],
) -> None:
    env({CONTAINER_URL: "https://user:example-secret@loopback:8443/x?key=example-secret"})
    assert identify().detail == "the credentials at https://loopback:8443"


@pytest.mark.parametrize(
    ("variables", "detail"),
    [
        (
            {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1338/latest"},
            "the metadata service at http://127.0.0.1:1338",
        ),
        (
            {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"},
            "the metadata service at http://[fd00:ec2::254]",
        ),
        ({"AWS_IMDS_USE_IPV6": "true"}, "the metadata service at http://[fd00:ec2::254]"),
    ],
)
def test_a_metadata_service_that_is_set_needs_no_sign_of_one(
    env: Callable[[dict[str, str]], None], variables: dict[str, str], detail: str
) -> None:
    env({"AWS_EC2_METADATA_DISABLED": "false", **variables})
    identity = identify()
    assert (identity.source, identity.detail, identity.certain) == (
        "instance-metadata",
        detail,
        True,
    )


def pod(write: Write, **claims: object) -> dict[str, str]:
    path = write(jwt(**claims), "token")
    url = "http://169.254.170.23/v1/credentials"
    return {CONTAINER_URL: url, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(path)}


Change = tuple[dict[str, str], dict[str, str]]

ISSUER = "https://oidc.eks.eu-west-1.amazonaws.com/id"


def web_identity(write: Write, **claims: object) -> dict[str, str]:
    path = write(jwt(**claims), "token")
    return {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(path)}


def web_profile(write: Write, **claims: object) -> dict[str, str]:
    path = write(jwt(**claims), "token")
    return {"config": f"[default]\nrole_arn = {ROLE}\nweb_identity_token_file = {path}\n"}


def role_of(source: str) -> dict[str, str]:
    return {"config": f"[default]\nrole_arn = {ROLE}\ncredential_source = {source}\n"}


# Before and after a renewal of the same identity.
SAME: dict[str, Callable[[Write], Change]] = {
    "the pod's token": lambda write: (
        pod(write, iss=ISSUER, sub="system:serviceaccount:a:b", iat=1),
        {"token": jwt(iat=2, sub="system:serviceaccount:a:b", iss=ISSUER)},
    ),
    "the web identity's token": lambda write: (
        web_identity(write, iss=ISSUER, sub="a", exp=1),
        {"token": jwt(iss=ISSUER, sub="a", exp=2)},
    ),
    "the web identity's token of a profile": lambda write: (
        web_profile(write, iss=ISSUER, sub="a", exp=1),
        {"token": jwt(iss=ISSUER, sub="a", exp=2)},
    ),
    "the SSO session": lambda _: (
        {"config": NAMED_SSO, "named sso": renewable_session("one", client="c")},
        {"named sso": renewable_session("two", client="c")},
    ),
    "the keys of a profile that is not in use, beside a key": lambda _: (
        {**KEY_VARIABLES, "credentials": f"[other]\n{KEYS}"},
        {"credentials": f"[other]\n{KEYS}aws_session_token = renewed\n"},
    ),
}


def another_endpoint(api: str, _write: Write) -> Change:
    variable = f"AWS_ENDPOINT_URL{api}"
    return {**KEY_VARIABLES, variable: "http://127.0.0.1:1"}, {variable: "http://127.0.0.1:2"}


# Two identities that must not be taken for each other.
OTHER: dict[str, Callable[[Write], Change]] = {
    "another key": lambda _: (KEY_VARIABLES, {"AWS_ACCESS_KEY_ID": "AKIAOTHER"}),
    "another secret": lambda _: (KEY_VARIABLES, {"AWS_SECRET_ACCESS_KEY": "other"}),
    "another session": lambda _: (
        {**KEY_VARIABLES, "AWS_SESSION_TOKEN": "t"},
        {"AWS_ACCESS_KEY_ID": "ASIAOTHER"},
    ),
    "another profile": lambda write: (
        {"AWS_PROFILE": "a", "config": f"[profile a]\n{KEYS}[profile b]\n{KEYS}"},
        {"AWS_PROFILE": "b"},
    ),
    "another config": lambda _: (
        {"config": f"[default]\n{KEYS}"},
        {"config": f"[default]\n{KEYS}#"},
    ),
    "other credentials": lambda _: (
        {"credentials": f"[default]\n{KEYS}"},
        {"credentials": f"[default]\n{KEYS}#"},
    ),
    "another role": lambda _: (WEB_VARIABLES, {"AWS_ROLE_ARN": f"{ROLE}2"}),
    "another session name": lambda _: (WEB_VARIABLES, {"AWS_ROLE_SESSION_NAME": "other"}),
    "another subject of a web identity": lambda write: (
        web_identity(write, iss=ISSUER, sub="a"),
        {"token": jwt(iss=ISSUER, sub="b")},
    ),
    "another issuer of a web identity": lambda write: (
        web_identity(write, iss=ISSUER, sub="a"),
        {"token": jwt(iss=f"{ISSUER}/2", sub="a")},
    ),
    "another subject of a profile's web identity": lambda write: (
        web_profile(write, iss=ISSUER, sub="a"),
        {"token": jwt(iss=ISSUER, sub="b")},
    ),
    "another web identity of unknown form": lambda write: (
        {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(write("one", "token"))},
        {"token": "two"},
    ),
    "another task": lambda _: (
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1"},
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/2"},
    ),
    "another pod": lambda write: (
        pod(write, iss=ISSUER, sub="system:serviceaccount:a:b"),
        {"token": jwt(iss=ISSUER, sub="system:serviceaccount:a:c")},
    ),
    "the same pod of another cluster": lambda write: (
        pod(write, iss=ISSUER, sub="system:serviceaccount:a:b"),
        {"token": jwt(iss=f"{ISSUER}/2", sub="system:serviceaccount:a:b")},
    ),
    "another bearer": lambda _: (
        {CONTAINER_URL: "http://127.0.0.1:1/x", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "one"},
        {"AWS_CONTAINER_AUTHORIZATION_TOKEN": "two"},
    ),
    "other keys that assume the role": lambda _: (
        {**role_of("Environment"), **KEY_VARIABLES, "profile": "default"},
        {"AWS_ACCESS_KEY_ID": "AKIAOTHER"},
    ),
    "another container that assumes the role": lambda _: (
        {**role_of("EcsContainer"), "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/1"},
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/2"},
    ),
    "another SSO sign-in, by a client that was registered anew": lambda _: (
        {"config": NAMED_SSO, "named sso": renewable_session("one", client="c")},
        {"named sso": renewable_session("two", client="d")},
    ),
    "another SSO sign-in that cannot be renewed": lambda _: (
        {"config": f"[default]\n{SSO}", "sso": "one"},
        {"sso": "two"},
    ),
    "an SSO session that was signed out": lambda _: (
        {"config": f"[default]\n{SSO}", "sso": "one"},
        {"config": f"[default]\n{SSO}", "sso": ""},
    ),
    "another endpoint of the profile": lambda _: (
        {**KEY_VARIABLES, "config": "[default]\nendpoint_url = http://127.0.0.1:1\n"},
        {"config": "[default]\nendpoint_url = http://127.0.0.1:2\n"},
    ),
    "another profile with another endpoint": lambda _: (
        {
            **KEY_VARIABLES,
            "AWS_PROFILE": "a",
            "config": "[profile a]\nendpoint_url = http://127.0.0.1:1\n"
            "[profile b]\nendpoint_url = http://127.0.0.1:2\n",
        },
        {"AWS_PROFILE": "b"},
    ),
    "another endpoint of the profile's services": lambda _: (
        {**KEY_VARIABLES, "config": services("http://127.0.0.1:1")},
        {"config": services("http://127.0.0.1:2")},
    ),
    "endpoints that are ignored": lambda _: (
        {**KEY_VARIABLES, "AWS_ENDPOINT_URL_ECR": "http://127.0.0.1:1"},
        {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
    ),
}
for _name in ("", *(f"_{api}" for api in ("ECR", "STS", "SSO", "SSO_OIDC", "SIGNIN"))):
    OTHER[f"another AWS_ENDPOINT_URL{_name}"] = partial(another_endpoint, _name)


def services(url: str) -> str:
    return f"[default]\nservices = ours\n[services ours]\necr =\n  endpoint_url = {url}\n"


@pytest.mark.parametrize("renewal", SAME.values(), ids=SAME)
def test_a_renewed_session_is_the_same_identity(
    write: Write, env: Callable[[dict[str, str]], None], renewal: Callable[[Write], Change]
) -> None:
    before, after = renewal(write)
    set_up(before, write, env)
    first = identify().cache_key
    set_up(after, write, env)
    assert first is not None
    assert identify().cache_key == first


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_another_identity_has_another_cache_key(
    write: Write, env: Callable[[dict[str, str]], None], change: Callable[[Write], Change]
) -> None:
    before, after = change(write)
    profile = set_up(before, write, env)
    first = identify(profile=profile).cache_key
    set_up(after, write, env)
    assert first is not None
    assert identify(profile=profile).cache_key not in (None, first)


def test_a_role_on_top_and_a_profile_of_a_registry_are_other_identities(write: Write) -> None:
    write(f"[default]\n{KEYS}[profile dev]\n{KEYS}")
    roles = [{}, {"role_arn": ROLE}, {"profile": "dev"}, {"profile": "dev", "role_arn": ROLE}]
    assert len({identify(**options).cache_key for options in roles}) == len(roles)


NEVER_SIGNED_IN = f"[default]\n{SSO}"
# What local files show, and a `get` would find out → the code.
PROBLEMS: dict[str, tuple[dict[str, str], str | None]] = {
    "nothing wrong": ({"config": f"[default]\n{KEYS}"}, None),
    "an SSO session that was never started": ({"config": NEVER_SIGNED_IN}, "ecr.sign-in-missing"),
    "an SSO session that was cut short": (
        {"config": NEVER_SIGNED_IN, "sso": "{"},
        "ecr.sign-in-damaged",
    ),
    "an SSO session that has ended": (
        {
            "config": NEVER_SIGNED_IN,
            "sso": '{"accessToken": "t", "expiresAt": "2020-01-01T00:00:00Z"}',
        },
        "ecr.sso-expired",
    ),
    "an SSO session that is good": (
        {
            "config": NEVER_SIGNED_IN,
            "sso": '{"accessToken": "t", "expiresAt": "2100-01-01T00:00:00UTC"}',
        },
        None,
    ),
    "an SSO session of a role's source": (
        {"config": f"[default]\nrole_arn = {ROLE}\nsource_profile = a\n[profile a]\n{SSO}"},
        "ecr.sign-in-missing",
    ),
    "a sign-in that was never started": (
        {"config": "[default]\nlogin_session = me\n"},
        "ecr.sign-in-missing",
    ),
    "a program that is not on PATH": (
        {"config": "[default]\ncredential_process = no-such-program --x\n"},
        "ecr.process-not-on-path",
    ),
    "a program that does not exist": (
        {"config": "[default]\ncredential_process = /none/program --x\n"},
        "provider.program-not-started",
    ),
    "a program below ~": (
        {"config": "[default]\ncredential_process = ~/bin/program\n"},
        "ecr.process-not-expanded",
    ),
    "a CA bundle that does not exist": (
        {"config": f"[default]\n{KEYS}ca_bundle = /none/ca.pem\n"},
        "network.ca-file-missing",
    ),
    "a comment behind a value": (
        {"config": f"[default]\n{KEYS}region = eu-west-1 ; Ireland\n"},
        "ecr.comment-behind-value",
    ),
    "a comment in a profile that is not in use": (
        {"config": f"[default]\n{KEYS}[profile a]\nregion = eu-west-1 ; Ireland\n"},
        None,
    ),
    "a wrong setting": (
        {"config": f"[default]\n{KEYS}", "AWS_DEFAULTS_MODE": "wrong"},
        "ecr.setting-wrong",
    ),
    "two variables with different profiles": (
        {
            "config": f"[profile a]\n{KEYS}[profile b]\n{KEYS}",
            "AWS_PROFILE": "a",
            "AWS_DEFAULT_PROFILE": "b",
        },
        "ecr.two-profile-variables",
    ),
    "a section without the word profile": (
        {"config": f"[default]\n{KEYS}[dev]\n{KEYS}"},
        "ecr.section-misnamed",
    ),
    "a section of another tool": ({"config": f"[default]\n{KEYS}[plugins]\na = b\n"}, None),
    "a role variable before the profile's role": (
        {
            "config": f"[default]\nrole_arn = {ROLE}\nweb_identity_token_file = {TOKEN_FILE}\n",
            "AWS_ROLE_ARN": f"{ROLE}/other",
        },
        "ecr.role-variable-first",
    ),
    "keys before a program": (
        {"config": "[default]\ncredential_process = cat\n", "credentials": f"[default]\n{KEYS}"},
        "ecr.keys-before-process",
    ),
}


@pytest.mark.parametrize(("what", "code"), PROBLEMS.values(), ids=PROBLEMS)
def test_what_local_files_show_is_reported_without_a_secret(
    write: Write, env: Callable[[dict[str, str]], None], what: dict[str, str], code: str | None
) -> None:
    set_up(what, write, env)
    provider = EcrProvider()
    problems = list(provider.problems(request(), provider.identify(request())))
    assert [problem.code for problem in problems] == ([code] if code else [])
    for problem in problems:
        assert "example-secret" not in f"{problem.reason} {problem.hint}"


@pytest.mark.skipif(sys.platform == "win32", reason="there the system knows every home folder")
def test_without_a_home_folder_no_file_of_the_working_folder_is_read(
    write: Write, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (".aws/config", ".aws/credentials"):
        write(f"[default]\n{KEYS}", f"work/~/{name}")
    write(f"[Credentials]\n{KEYS}", "work/~/.boto")
    monkeypatch.chdir(home / "work")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", lambda _uid: {}[_uid])
    assert identify().source is None
    write(f"[default]\n{SSO}")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / ".aws" / "config"))
    write("{}", f"work/~/{SESSION_FILE}")
    with pytest.raises(Denied) as refused:
        EcrProvider().get(request(), identify())
    assert refused.value.code == "ecr.sso-expired"


def test_a_role_that_would_assume_itself_is_reported(write: Write) -> None:
    write(f"[default]\nrole_arn = {ROLE}\nsource_profile = a\n[profile a]\n{KEYS}")
    provider, asked = EcrProvider(), request(role_arn=ROLE)
    [problem] = provider.problems(asked, provider.identify(asked))
    assert problem.code == "ecr.role-of-itself"


# Lines that configparser has an opinion about, in any order.
LINES = st.lists(
    st.sampled_from(
        [
            *("[default]", "[profile dev]", "[DEFAULT]", "[]", "[x", " [indented]", "[a] # b"),
            *(
                "key = value",
                "Key=other",
                "k: v = w",
                "  nested = 1",
                "\tdeeper : 2",
                "= nothing",
                ": none",
                "=a:b",
            ),
            *(
                "lonely",
                "",
                "   ",
                "    far deeper",
                "# comment",
                "; comment",
                "  # comment",
                "a = b\r",
                "x = [y]",
            ),
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


def test_a_region_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    host = "123456789012.dkr.ecr.mars-north-1.amazonaws.com"
    url = "https://api.ecr.mars-north-1.amazonaws.com/"
    error: Any = sdk.EndpointConnectionError(endpoint_url=url, error=gaierror(-2, "unknown"))
    failure = explain(error, host)
    assert isinstance(failure, Unreachable)
    assert failure.code == "ecr.region-unknown"
    assert "api.ecr.mars-north-1.amazonaws.com" in failure.reason


def test_a_proxy_without_an_address_is_not_a_region_without_an_api(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://bücher.invalid:3128")
    url = "https://api.ecr.us-east-1.amazonaws.com/"
    error: Any = sdk.EndpointConnectionError(endpoint_url=url, error=gaierror(-2, "unknown"))
    failure = explain(error)
    assert failure.code == "network.unknown-host"
    assert "bücher.invalid" in failure.reason


def test_an_unknown_error_is_shown_by_its_class_alone() -> None:
    for error in (KeyError("example-secret"), sdk.UnknownCredentialError(name="example-secret")):
        assert "example-secret" not in explain(error).reason
