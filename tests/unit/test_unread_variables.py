"""Variables that are set and not read: which of them are misspelt."""

from __future__ import annotations

import itertools
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from cred_helper.clouds import CLOUDS
from cred_helper.commands.doctor.identities import recorded
from cred_helper.commands.doctor.unread_variables import misspelt
from cred_helper.files.recording import Recording

_OTHERS = Path(__file__).parents[1] / "data" / "variables.txt"
_NAME = re.compile(r"[\"']([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)[\"']")


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("ASW_PROFILE", "AWS_PROFILE"),
        ("AWS_ACCESS_KYE_ID", "AWS_ACCESS_KEY_ID"),
        ("AWS_ACESS_KEY_ID", "AWS_ACCESS_KEY_ID"),
        ("AWS_CREDENTIALS_FILE", "AWS_SHARED_CREDENTIALS_FILE"),
        ("AWS_DEFAULT_PROFLE", "AWS_DEFAULT_PROFILE"),
        ("AWS_DEFAULT_REGOIN", "AWS_DEFAULT_REGION"),
        ("AWS_LOGIN_CACHE_DIRECTROY", "AWS_LOGIN_CACHE_DIRECTORY"),
        ("AWS_PROFLIE", "AWS_PROFILE"),
        ("AWS_REGOIN", "AWS_REGION"),
        ("AWS_ROLE_AN", "AWS_ROLE_ARN"),
        ("AWS_ROLE_ANR", "AWS_ROLE_ARN"),
        ("AWS_WEB_IDENTITY_TOKENFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"),
        ("aws_profile", "AWS_PROFILE"),
        ("AZURE_CLEINT_SECRET", "AZURE_CLIENT_SECRET"),
        ("AZURE_CLIENT_DI", "AZURE_CLIENT_ID"),
        ("AZURE_TENATN_ID", "AZURE_TENANT_ID"),
        ("AZURE_TENNANT_ID", "AZURE_TENANT_ID"),
        ("DOCKERHUB_OIDC_CONNECTION_ID", "DOCKERHUB_OIDC_CONNECTIONID"),
        ("DOCKER_CONFIGS", "DOCKER_CONFIG"),
        ("GOOGLE_APPLICATION_CREDENTIAL", "GOOGLE_APPLICATION_CREDENTIALS"),
        ("GOOLE_APPLICATION_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS"),
    ],
)
def test_a_variable_is_misspelt_that_is_close_to_one_that_is_looked_up(
    wrong: str, meant: str
) -> None:
    looked_up = _looked_up()
    assert list(misspelt({wrong: "x"}, looked_up)) == [(wrong, meant)]
    assert not list(misspelt({wrong: ""}, looked_up))
    assert not list(misspelt({wrong: "x"}, looked_up | {meant: True}))


def _looked_up() -> dict[str, bool]:
    recording = Recording({})
    for cloud in CLOUDS:
        recorded(cloud, recording)
    return recording.looked_up()


def test_a_variable_of_an_sdk_or_another_tool_is_not_misspelt() -> None:
    lines = _OTHERS.read_text("utf-8").splitlines()
    names = {name for line in lines if not line.startswith("#") for name in line.split()}
    for sdk in ("botocore", "boto3", "azure", "msal", "google", "requests", "urllib3", "docker"):
        for folder in find_spec(sdk).submodule_search_locations:  # type: ignore[union-attr]
            for path in Path(folder).rglob("*.py"):
                names.update(_NAME.findall(path.read_text("utf-8")))
            services = Path(folder, "data").glob("*/")
            names.update(f"AWS_ENDPOINT_URL_{_word(path.name)}" for path in services)
    assert {
        "AWS_ROLE_ARN",
        "AWS_ENDPOINT_URL_SES",
        "AZURE_CLIENT_ID",
        "GOOGLE_CLOUD_PROJECT",
    } <= names
    looked_up = _looked_up()
    assert not [*itertools.chain(*(misspelt({name: "x"}, looked_up) for name in names))]


def _word(service: str) -> str:
    return service.replace("-", "_").upper()
