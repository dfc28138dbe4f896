"""Whose token would be asked for at ECR: held against the SDK's own chain, and told apart."""

from __future__ import annotations

import base64
import configparser
import json
import os
from collections.abc import Callable
from pathlib import Path
from socket import gaierror
from time import monotonic
from typing import Any

import botocore.session
import pytest
from botocore import exceptions as sdk
from hypothesis import example, given
from hypothesis import strategies as st

from cred_helper.errors import CredentialError, Misconfigured, NotFound, Unreachable
from cred_helper.hosts import route
from cred_helper.providers.common import cloud_detection
from cred_helper.providers.common.interface import Deadline, Identity, TokenRequest
from cred_helper.providers.ecr import EcrProvider
from cred_helper.providers.ecr.failures import explain
from cred_helper.providers.ecr.setup import IniFile, Setup
from cred_helper.server_url import ServerURL
from tests.clouds.aws import EXAMPLE_HOST, AwsCloud

KEYS = "aws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = example-secret\n"
KEY_VARIABLES = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example-secret"}
ROLE = "arn:aws:iam::123456789012:role/example"
SSO = "sso_account_id = 1\nsso_role_name = r\nsso_region = us-east-1\nsso_start_url = https://x\n"
WEB_VARIABLES = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": ROLE}
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
    found = route(ServerURL.parse(host))
    assert found is not None
    deadline = Deadline(30, monotonic)
    return TokenRequest(found, environ=os.environ, deadline=deadline, options=options)


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
            "AWS_WEB_IDENTITY_TOKEN_FILE": "/token",
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


FILES = {
    "config": ".aws/config",
    "credentials": ".aws/credentials",
    "boto": ".boto",
    "sso": ".aws/sso/cache/session.json",
    "token": "token",
}


def set_up(given_: dict[str, str], write: Write, env: Callable[[dict[str, str]], None]) -> str:
    """Set what a row says; the profile of this registry, if it has one."""
    for name, value in given_.items():
        if name in FILES:
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


# What is set → the SDK's own refusal.
REFUSED: dict[str, tuple[dict[str, str], type[Exception]]] = {
    "a profile that does not exist": (
        {"AWS_PROFILE": "dev", "config": f"[default]\n{KEYS}"},
        sdk.ProfileNotFound,
    ),
    "a profile that does not exist, and a key": (
        {"AWS_PROFILE": "dev", **KEY_VARIABLES},
        sdk.ProfileNotFound,
    ),
    "a profile of this registry that does not exist": ({"profile": "dev"}, sdk.ProfileNotFound),
    "a profile without a name": ({"AWS_PROFILE": ""}, sdk.ProfileNotFound),
    "a section that is no profile": (
        {"AWS_PROFILE": "dev", "config": f"[dev]\n{KEYS}"},
        sdk.ProfileNotFound,
    ),
    "half a key": ({"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE"}, sdk.PartialCredentialsError),
    "a web identity without a role": (
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token"},
        sdk.InvalidConfigError,
    ),
    "a line that is nothing": ({"config": "[default]\nnonsense\n"}, sdk.ConfigParseError),
    "an option twice": ({"config": "[default]\na = 1\nA = 2\n"}, sdk.ConfigParseError),
    "a section twice": ({"config": "[default]\n[default]\n"}, sdk.ConfigParseError),
    "an option of no section": ({"credentials": KEYS}, sdk.ConfigParseError),
    "an older file that is away": ({"AWS_CREDENTIAL_FILE": "/none"}, sdk.ConfigNotFound),
}


@pytest.mark.parametrize(("what", "refusal"), REFUSED.values(), ids=REFUSED)
def test_what_the_sdk_refuses_is_explained_without_it(
    write: Write,
    env: Callable[[dict[str, str]], None],
    what: dict[str, str],
    refusal: type[Exception],
) -> None:
    profile = set_up(what, write, env)
    with pytest.raises(Misconfigured) as refused:
        identify(profile=profile)
    assert "example-secret" not in f"{refused.value.reason} {refused.value.hint}"
    session = botocore.session.Session(profile=profile or None)
    with pytest.raises(refusal):
        session.create_client("ecr", region_name="us-east-1")


def test_a_missing_profile_is_explained_with_those_there_are(write: Write) -> None:
    write(f"[profile dev]\n{KEYS}[default]\n")
    with pytest.raises(Misconfigured, match=r'"prod" is neither in ~/\.aws/config nor') as refused:
        identify(profile="prod")
    assert refused.value.hint is not None
    assert refused.value.hint.endswith("the profiles there are: default, dev")


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (f"role_arn = {ROLE}\nsource_profile = x\n", f"assumes {ROLE}"),
        (
            f"role_arn = {ROLE}\nweb_identity_token_file = /t\n",
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
def test_an_identity_that_is_set_is_missed_where_no_metadata_service_answers_either(
    write: Write, monkeypatch: pytest.MonkeyPatch, set_: dict[str, str]
) -> None:
    write("[profile dev]\nregion = eu-west-1\n")
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setattr(
        cloud_detection, "machine_sign", lambda cloud: cloud_detection.Sign(None, "silent")
    )
    monkeypatch.setattr(cloud_detection, "answers", lambda *_, **__: False)
    provider = EcrProvider()
    with pytest.raises(NotFound):
        provider.get(request(), provider.identify(request()))
    asked = request(**set_)
    assert not provider.identify(asked).certain
    with pytest.raises(Misconfigured, match=r"there is no AWS identity|names no credentials"):
        provider.get(asked, provider.identify(asked))


def test_a_folder_in_a_files_place_is_told(write: Write, home: Path) -> None:
    (home / ".aws/credentials").mkdir(parents=True)
    identity = identify()
    assert identity.problem is not None
    assert identity.problem.reason == "~/.aws/credentials cannot be read: is a directory"
    write(f"[default]\n{KEYS}")
    assert identify().source == "profile"


def test_a_container_whose_token_is_in_a_pipe_could_be_any(
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
    assert {passed.source: passed.reason for passed in identity.skipped} == {
        "environment": "AWS_ACCESS_KEY_ID is not set, although AWS_SECRET_ACCESS_KEY is",
        "web-identity": "AWS_WEB_IDENTITY_TOKEN_FILE is not set",
        "profile": "there is no default profile in ~/.aws/config or ~/.aws/credentials",
        "boto-config": "there is no boto configuration file with credentials",
        "container": "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
        " nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set",
        "instance-metadata": "AWS_EC2_METADATA_DISABLED is true",
    }


def test_what_is_used_and_what_comes_after_it_is_told_without_a_secret(
    env: Callable[[dict[str, str]], None],
) -> None:
    env({**KEY_VARIABLES, "AWS_SESSION_TOKEN": "example-session"})
    identity = identify(role_arn=ROLE)
    assert identity.detail == f"AWS_ACCESS_KEY_ID …MPLE with a session token, then {ROLE}"
    assert [passed.reason for passed in identity.skipped] == ["environment comes first"] * 5
    assert identity.scope == "ECR in us-east-1"
    assert identity.certain
    for secret in ("example-secret", "example-session", "AKIAEXAMPLE"):
        assert secret not in str(identity.cache_key) + identity.detail


def test_an_address_is_told_without_the_secrets_a_url_can_hold(
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


def jwt(**claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"header.{payload}.{claims.get('iat')}"


def pod(write: Write, **claims: object) -> dict[str, str]:
    path = write(jwt(**claims), "token")
    url = "http://169.254.170.23/v1/credentials"
    return {CONTAINER_URL: url, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(path)}


Change = tuple[dict[str, str], dict[str, str]]

# Before and after a renewal of the same identity.
SAME: dict[str, Callable[[Write], Change]] = {
    "the pod's token": lambda write: (
        pod(write, sub="system:serviceaccount:a:b", iat=1),
        {"token": jwt(iat=2, sub="system:serviceaccount:a:b")},
    ),
    "the web identity's token": lambda write: (
        {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(write("one", "token"))},
        {"token": "two"},
    ),
    "the SSO session": lambda _: (
        {"config": f"[default]\n{SSO}", "sso": "one"},
        {"sso": "two"},
    ),
}

# Two identities that must not be taken for each other.
OTHER: dict[str, Callable[[Write], Change]] = {
    "another key": lambda _: (KEY_VARIABLES, {"AWS_ACCESS_KEY_ID": "AKIAOTHER"}),
    "another secret": lambda _: (KEY_VARIABLES, {"AWS_SECRET_ACCESS_KEY": "other"}),
    "a session of unknown principal": lambda _: (
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
    "another task": lambda _: (
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1"},
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/2"},
    ),
    "another pod": lambda write: (
        pod(write, sub="system:serviceaccount:a:b"),
        {"token": jwt(sub="system:serviceaccount:a:c")},
    ),
    "another cloud": lambda _: (
        {**KEY_VARIABLES, "AWS_ENDPOINT_URL_ECR": "http://127.0.0.1:1"},
        {"AWS_ENDPOINT_URL_ECR": "http://127.0.0.1:2"},
    ),
}


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
def test_another_identity_has_another_fingerprint(
    write: Write, env: Callable[[dict[str, str]], None], change: Callable[[Write], Change]
) -> None:
    before, after = change(write)
    set_up(before, write, env)
    first = identify().cache_key
    set_up(after, write, env)
    assert first is not None
    assert identify().cache_key not in (None, first)


def test_a_role_on_top_and_a_profile_of_a_registry_are_other_identities(write: Write) -> None:
    write(f"[default]\n{KEYS}[profile dev]\n{KEYS}")
    roles = [{}, {"role_arn": ROLE}, {"profile": "dev"}, {"profile": "dev", "role_arn": ROLE}]
    assert len({identify(**options).cache_key for options in roles}) == len(roles)


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
            *("lonely", "", "   ", "# comment", "; comment", "  # comment", "a = b\r", "x = [y]"),
        ]
    ),
    max_size=9,
)


@given(LINES)
@example(["[DEFAULT]", "a = 1", "[DEFAULT]", "  b = 2"])
@example(["[default]", "s3 =", "  a = 1", "b = 2"])
@example(["[default]", "  a = 1", "  b = 2", " c = 3"])
def test_a_configuration_file_is_read_as_the_sdk_reads_it(lines: list[str]) -> None:
    text = "\n".join(lines)
    parser = configparser.RawConfigParser()
    expected: dict[str, dict[str, str]] | None
    try:
        parser.read_file(text.split("\n"))
        expected = {name: dict(parser.items(name)) for name in parser.sections()}
    except configparser.Error:
        expected = None
    file = IniFile("/none")
    file._data = text.encode()
    if expected is None:
        with pytest.raises(Misconfigured, match=r"cannot be parsed: look at line \d+$"):
            _ = file.sections
        return
    # Only the first line of a value is of interest here.
    first = {s: {n: v.split("\n")[0] for n, v in o.items()} for s, o in expected.items()}
    assert file.sections == first


def explained(error: Exception, host: str = EXAMPLE_HOST) -> CredentialError:
    return explain(error, Setup(request(host)), Identity("environment", "a key"), calling=True)


def test_a_region_that_does_not_exist_is_explained() -> None:
    host = "123456789012.dkr.ecr.mars-north-1.amazonaws.com"
    url = "https://api.ecr.mars-north-1.amazonaws.com/"
    error: Any = sdk.EndpointConnectionError(endpoint_url=url, error=gaierror(-2, "unknown"))
    failure = explained(error, host)
    assert isinstance(failure, Unreachable)
    assert failure.reason == (
        "region mars-north-1 has no API that can be found:"
        " there is no api.ecr.mars-north-1.amazonaws.com"
    )


def test_an_error_nobody_knows_is_told_by_its_kind_alone() -> None:
    assert "example-secret" not in explained(KeyError("example-secret")).reason
    assert (
        "example-secret" not in explained(sdk.UnknownCredentialError(name="example-secret")).reason
    )
