"""Profiles: the names of other helpers, and the options that their variables choose."""

from __future__ import annotations

import pytest

from cred_helper.hosts import Route, route
from cred_helper.server_url import ServerURL
from cred_helper.settings import link_profile

_ACCOUNT = "123456789012"


@pytest.mark.parametrize(
    ("program", "provider"),
    [
        ("docker-credential-ecr-login", "ecr"),
        ("/usr/local/bin/docker-credential-ecr-login", "ecr"),
        ("docker-credential-ECR-LOGIN.EXE", "ecr"),
        ("docker-credential-gcr", "gcr"),
        ("docker-credential-gcloud", "gcr"),
        ("docker-credential-acr", "acr"),
        ("docker-credential-acr-env", "acr"),
        ("docker-credential-env", "ecr"),
        ("docker-credential-multi", None),
        ("docker-credential-", None),
        ("docker-credential-ecr", None),
        ("ecr-login", None),
        ("/docker-credential-gcr/__main__.py", None),
        ("", None),
    ],
)
def test_the_last_part_of_the_path_names_the_helper(program: str, provider: str | None) -> None:
    assert link_profile.find(program, {}).cloud == provider


def _options(name: str, environ: dict[str, str], found: Route) -> dict[str, str]:
    options = link_profile.find(f"docker-credential-{name}", environ).options(found)
    assert options.pop("stands_for") == f"docker-credential-{name}"
    return options


@pytest.mark.parametrize(
    ("environ", "options"),
    [
        ({}, {}),
        ({f"AWS_PROFILE_{_ACCOUNT}": "work"}, {"profile": "work"}),
        ({f"AWS_ROLE_ARN_{_ACCOUNT}": "arn"}, {"role_arn": "arn"}),
        ({"AWS_ROLE_ARN": "all"}, {"role_arn": "all"}),
        ({"AWS_ROLE_ARN": "all", f"AWS_ROLE_ARN_{_ACCOUNT}": "arn"}, {"role_arn": "arn"}),
        # With a token file, the SDK itself assumes that role.
        ({"AWS_ROLE_ARN": "all", "AWS_WEB_IDENTITY_TOKEN_FILE": "t"}, {}),
        ({"AWS_PROFILE_999999999999": "other", "AWS_ROLE_ARN_999999999999": "other"}, {}),
    ],
)
def test_as_env_the_variables_of_an_account_choose_its_identity(
    environ: dict[str, str], options: dict[str, str]
) -> None:
    found = route(ServerURL.parse(f"{_ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"))
    public = route(ServerURL.parse("public.ecr.aws"))
    assert found is not None
    assert public is not None
    assert _options("env", environ, found) == options
    assert _options("env", environ, public) == {}
    assert _options("ecr-login", environ, found) == {}
