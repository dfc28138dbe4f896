"""``doctor`` and ``explain`` in a CI job: for which clouds its token works, and whose it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cred_helper.clouds import find
from tests.clouds.ci import ISSUER, CiSystem
from tests.clouds.server import LoopbackServer
from tests.support.machine import Machine, person

__all__ = ["person"]

_ECR = {
    "DOCKER_CREDENTIAL_MULTI_ECR_ID_TOKEN": "ci",
    "DOCKER_CREDENTIAL_MULTI_ECR_ROLE_ARN": "arn:aws:iam::123456789012:role/ci-pull",
}
_ACR = {
    "DOCKER_CREDENTIAL_MULTI_ACR_ID_TOKEN": "ci",
    "DOCKER_CREDENTIAL_MULTI_ACR_TENANT_ID": "11111111-1111-1111-1111-111111111111",
    "DOCKER_CREDENTIAL_MULTI_ACR_CLIENT_ID": "22222222-2222-2222-2222-222222222222",
}
_HUB = {
    "DOCKER_CREDENTIAL_MULTI_DOCKERHUB_CONNECTION_ID": "33333333-3333-4333-8333-333333333333",
    "DOCKER_CREDENTIAL_MULTI_DOCKERHUB_USERNAME": "octo-org",
}
_JOB = "repo:octo-org/octo-repo:ref:refs/heads/main"


def _github_without_permission(_: CiSystem) -> dict[str, str]:
    return {"GITHUB_ACTIONS": "true"}


def _gitlab_with_one_token(system: CiSystem) -> dict[str, str]:
    return {"GITLAB_CI": "true", "ID_TOKEN": system.token(_JOB, "sts.amazonaws.com")}


def _bitbucket(system: CiSystem) -> dict[str, str]:
    token = system.token(_JOB, "ari:cloud:bitbucket::workspace/1")
    return {"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_STEP_OIDC_TOKEN": token}


_NO_PERMISSION = "oidc.github-permission"


@pytest.mark.parametrize(
    ("job", "options", "expected"),
    [
        (
            _github_without_permission, {**_ECR, **_ACR},
            (f"note job {_NO_PERMISSION}, error ecr {_NO_PERMISSION}, "
            f"note gcr doctor.ci-token-unused, error acr {_NO_PERMISSION}"),
        ),
        (
            _gitlab_with_one_token, _HUB,
            "error dockerhub dockerhub.other-job, note dockerhub doctor.ci-not-trusted",
        ),
        (
            _gitlab_with_one_token, {**_ECR, **_ACR},
            ("ok job doctor.ci-token, ok ecr doctor.identity, "
            "note gcr doctor.ci-token-unused, error acr oidc.gitlab-audience"),
        ),
        (
            _bitbucket, _ECR,
            ("ok job doctor.ci-token, ok ecr doctor.identity, "
            "note gcr doctor.ci-token-unused, note acr doctor.ci-not-trusted"),
        ),
    ],
)  # fmt: skip
def test_doctor_says_for_each_cloud_whether_the_token_of_the_job_works(
    person: Machine, job: Callable[[CiSystem], dict[str, str]], options: Any, expected: str
) -> None:
    with LoopbackServer() as server:
        done = person.run("doctor", "--json", **job(CiSystem(server)), **options)
    found = [f"{row['severity']} {row['subject']} {row['code']}" for row in done.document]
    assert not {*expected.split(", ")} - {*found}
    assert done.status == ("error" in expected)


def test_doctor_outside_of_a_job_does_not_speak_of_one(person: Machine) -> None:
    assert "job" not in {row["subject"] for row in person.run("doctor", "--json").document}


def test_explain_shows_whose_the_token_is_and_never_the_token(person: Machine) -> None:
    claims = {"issuer": ISSUER, "subject": _JOB, "audience": "sts.amazonaws.com"}
    host = find("ecr").example_host
    with LoopbackServer() as server:
        system = CiSystem(server)
        person.issues.append(lambda: system.secrets)
        gitlab, github = _gitlab_with_one_token(system), system.github(_JOB)
        shown = person.run("explain", "--json", host, **gitlab, **_ECR).document
        assert shown["identity"]["id_token"] == claims
        text = person.run("explain", host, **gitlab, **_ECR).stdout.decode()
        assert all(f"{name} {value}" in text for name, value in claims.items())
        # GitHub has to be asked for it, and explain alone asks nothing.
        shown = person.run("explain", "--json", host, **github, **_ECR).document
        assert shown["identity"]["id_token"] is None
        assert (
            "audience sts.amazonaws.com"
            in person.run("explain", host, **github, **_ECR).stdout.decode()
        )
        assert server.received == []
        tried = person.run("explain", "--try", "--json", host, **github, **_ECR).document
        assert tried["identity"]["id_token"] == claims


def test_a_token_in_the_place_of_another_option_is_shown_by_no_command(person: Machine) -> None:
    with LoopbackServer() as server:
        system = CiSystem(server)
        token = system.token(_JOB, "sts.amazonaws.com")
        name = "DOCKER_CREDENTIAL_MULTI_ECR_"
        for option in ("ID_TOKEN", "ID_TOKEN_AUDIENCE", "ROLE_ARN", "PROFILE"):
            options = {**system.github(_JOB), **_ECR, f"{name}{option}": token}
            for command in (
                ("explain", find("ecr").example_host),
                ("configure", "--ci", "github"),
                ("configure", "--ci", "gitlab"),
            ):
                done = person.run(*command, **options)
                assert token not in done.stdout.decode() + done.stderr, (option, command)
        role = f"{_ECR[f'{name}ROLE_ARN']}/{token}"
        options = {**_ECR, f"{name}ID_TOKEN": "env:T", f"{name}ROLE_ARN": role, "T": token}
        done = person.run("get", stdin=find("ecr").example_host, **options)
        assert done.codes == ["ecr.not-a-role"]
        assert token not in done.stdout.decode() + done.stderr
