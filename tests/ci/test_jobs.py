"""The recipes as jobs: their steps, as they stand in the YAML, pull from the loopback registries.

The variables are those that each CI system sets. ``docker pull`` is done by a real client that
needs no engine, and the program is the one that the recipe downloads.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cred_helper import clouds
from cred_helper.commands.configure import ci
from tests.ci.conftest import Releases
from tests.ci.job import TOKEN, Failed, Job, read_yaml
from tests.clients.clients import CLIENTS
from tests.clients.hosted import Hosted, hosted
from tests.clouds import azure, dockerhub, google
from tests.clouds.authority import Authority
from tests.clouds.ci import AZURE_AUDIENCE, CiSystem
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.clouds.server import LoopbackServer
from tests.support.executable import PROGRAM
from tests.support.machine import Machine

SUBJECT = "repo:octo-org/octo-repo:ref:refs/heads/main"
_GITLAB_HOST, _GITLAB_TOKEN = "registry.gitlab.com", "loopback-job-token"
# What the loopback clouds have in place of the placeholders of the recipes.
_IDS = {
    "workload_identity_provider": google.POOL.removeprefix("//iam.googleapis.com/"),
    "tenant_id": azure.TENANT_ID,
    "client_id": azure.CLIENT_ID,
    "connection_id": dockerhub.CONNECTION_ID,
    "username": dockerhub.ORGANIZATION,
}
_CLIENT = next((client for client in CLIENTS if client.program), None)
_WGET = shutil.which("wget")
needs_client = pytest.mark.skipif(_CLIENT is None, reason="no registry client is installed")
pytestmark = needs_client
_needs_wget = pytest.mark.skipif(not _WGET, reason="wget is not installed")


@dataclass
class World:
    """The clouds that trust one job, the registries of GitHub and GitLab, and a runner."""

    machine: Machine
    system: CiSystem
    hosted: dict[str, Hosted]
    own: dict[str, Registry]

    def recipe(self, name: str) -> str:
        [system] = [row for row in ci.SYSTEMS if row.name == name]
        text = ci.recipe(system)
        for cloud in clouds.CLOUDS:
            if cloud.name != "dockerhub":  # docker.io has a name of its own for each client
                text = text.replace(cloud.example_host, self.hosted[cloud.name].host)
            for option, placeholder in cloud.job.options.items() if cloud.job else ():
                text = text.replace(placeholder, _IDS.get(option, placeholder))
        return text

    def check_pulls(self, name: str, own: str = "") -> None:
        """Every registry of the recipe was pulled from once, with the job's credential alone."""
        for cloud in clouds.CLOUDS:
            found = self.hosted[cloud.name]
            is_taken = cloud.job and (not cloud.job.systems or name in cloud.job.systems)
            logins = [(login.username, login.accepted) for login in found.registry.logins]
            assert logins == ([(found.username, True)] if is_taken else []), cloud.name
            assert found.cloud.exchanges == len(logins), cloud.name
        for host, registry in self.own.items():
            assert len(registry.logins) == (host == own), host


@pytest.fixture
def world(
    authority: Authority, proxy: TerminatingProxy, releases: Releases, home: Path
) -> Iterator[World]:
    machine = Machine(home, **proxy.environment())
    machine.program.unlink()
    machine.environment["PATH"] += os.pathsep + os.defpath
    machine.write(".wgetrc", f"ca_certificate = {authority.ca_file}\n")
    assert _CLIENT is not None
    words = " ".join(_CLIENT.pull_words)
    machine.scripts.program(
        "docker",
        f'[ "$1 $#" = "pull 2" ] && exec {_CLIENT.program} {words} {_CLIENT.transport}"$2"',
    )
    with ExitStack() as running:
        system = CiSystem(running.enter_context(LoopbackServer()))
        found = {}
        for cloud in clouds.CLOUDS:
            folder = home / f".{cloud.name}"
            folder.mkdir()
            found[cloud.name] = running.enter_context(hosted(cloud.name, authority, proxy, folder))
            if cloud.job:
                found[cloud.name].registry.seed_image(*cloud.job.image.split(":"))
                found[cloud.name].cloud.ci = system  # type: ignore[attr-defined]
        for host in dockerhub.HOSTS:
            proxy.route(host, found["dockerhub"].registry)
        own = {}
        gitlab = (_GITLAB_HOST, "gitlab-ci-token", _GITLAB_TOKEN)
        for host, username, token in (("ghcr.io", "octocat", TOKEN), gitlab):
            own[host] = running.enter_context(
                Registry(lambda *login, right=(username, token, host): login == right, auth="token")
            )
            own[host].seed_image("team/app", "1")
            proxy.route(host, own[host])
        _trust(found)
        yield World(machine, system, found, own)


def _trust(hosted: dict[str, Any]) -> None:
    """Do what the documentation says of the cloud's side."""
    hosted["ecr"].cloud.role("ci-pull", SUBJECT)
    hosted["gcr"].cloud.workloads = {SUBJECT}
    hosted["acr"].cloud.workloads = {SUBJECT}
    hosted["dockerhub"].cloud.rules = {dockerhub.CONNECTION_ID: ["repo:octo-org/*"]}


def _accept(world: World, audience: str) -> None:
    """Have the clouds expect the one audience that a CI system's tokens have."""
    clouds_of: dict[str, Any] = {name: found.cloud for name, found in world.hosted.items()}
    clouds_of["ecr"].web_audience = clouds_of["acr"].federated_audience = audience
    clouds_of["gcr"].web_audiences = [audience]


def test_one_workflow_of_github_pulls_from_five_registries(world: World) -> None:
    job = Job(world.machine.home / "job", world.machine.environment)
    job.environment |= world.system.github(SUBJECT)
    job.workflow(world.recipe("github"))
    world.check_pulls("github", "ghcr.io")
    for secret in {TOKEN, *world.system.secrets}:
        assert secret not in job.printed


@pytest.mark.skipif(bool(_CLIENT and _CLIENT.transport), reason="only skopeo is installed")
def test_a_self_hosted_runner_keeps_nothing_of_the_job(world: World) -> None:
    before = {path for path in world.machine.home.rglob("*") if path.is_file()}
    environment = world.machine.environment
    job = Job(world.machine.home / "job", environment, RUNNER_ENVIRONMENT="self-hosted")
    job.environment |= world.system.github(SUBJECT)
    job.workflow(world.recipe("github"))
    world.check_pulls("github", "ghcr.io")
    shutil.rmtree(job.temp)  # as the runner does
    left = {path for path in world.machine.home.rglob("*") if path.is_file()} - before
    issued = {secret for found in world.hosted.values() for secret in found.cloud.confidential()}
    for path in left:
        content = path.read_bytes()
        assert not [secret for secret in issued if secret.encode() in content], path
    assert not [path for path in left if path.suffix == ".token" or "docker" in path.parts], left


def test_a_workflow_without_the_permission_fails_with_the_line_that_it_lacks(world: World) -> None:
    job = Job(world.machine.home / "job", world.machine.environment)
    with pytest.raises(Failed) as failed:
        job.workflow(world.recipe("github"))
    assert "id-token: write" in job.printed
    assert "oidc.github-permission" in str(failed.value)
    assert [found.cloud.exchanges for found in world.hosted.values()] == [0] * len(world.hosted)


def _gitlab(world: World, document: Any) -> tuple[str, dict[str, str]]:
    job = document["pull"]
    tokens = {
        name: world.system.token(SUBJECT, token["aud"]) for name, token in job["id_tokens"].items()
    }
    registry = {"CI_REGISTRY": _GITLAB_HOST, "CI_REGISTRY_USER": "gitlab-ci-token"}
    registry["CI_REGISTRY_PASSWORD"] = _GITLAB_TOKEN
    return "\n".join(job["script"]), {"GITLAB_CI": "true", **job["variables"], **tokens, **registry}


def _circleci(world: World, document: Any) -> tuple[str, dict[str, str]]:
    _accept(world, "an organization")
    job = document["jobs"]["pull"]
    assert job["steps"][0] == "setup_remote_docker"
    return job["steps"][1]["run"], {**world.system.circleci(SUBJECT), **job["environment"]}


def _buildkite(world: World, document: Any) -> tuple[str, dict[str, str]]:
    # On the agent, once.
    world.machine.scripts.link(PROGRAM, world.machine.home / "released")
    world.machine.succeed(PROGRAM, "configure", "--yes")
    world.machine.scripts.program(
        "buildkite-agent",
        '[ "$1 $2 $3" = "oidc request-token --audience" ] || exit 2\n'
        '[ "$BUILDKITE_OIDC_TOKEN_SUBJECT_CLAIM" = pipeline_id ] || exit 3\n'
        'case "$4" in\n'
        + "".join(
            f"{audience}) echo {world.system.token(SUBJECT, audience)} ;;\n"
            for audience in ("sts.amazonaws.com", google.POOL, AZURE_AUDIENCE)
        )
        + "esac",
    )
    variables = {"BUILDKITE": "true", "BUILDKITE_JOB_ID": "1", **document["env"]}
    return document["steps"][0]["command"], variables


def _azure_pipelines(world: World, document: Any) -> tuple[str, dict[str, str]]:
    _accept(world, AZURE_AUDIENCE)
    step = document["steps"][0]
    variables = world.system.azure_pipelines(SUBJECT)
    token = variables.pop("SYSTEM_ACCESSTOKEN")
    own = {
        name: value.replace("$(System.AccessToken)", token) for name, value in step["env"].items()
    }
    return step["inputs"]["inlineScript"], {**variables, **document["variables"], **own}


def _bitbucket(world: World, document: Any) -> tuple[str, dict[str, str]]:
    audience = "ari:cloud:bitbucket::workspace/1"
    _accept(world, audience)
    [step] = document["pipelines"]["default"]
    assert step["step"]["oidc"] is True
    return "\n".join(step["step"]["script"]), {
        "BITBUCKET_BUILD_NUMBER": "1",
        "BITBUCKET_STEP_OIDC_TOKEN": world.system.token(SUBJECT, audience),
    }


@_needs_wget
@pytest.mark.parametrize(
    ("name", "shell", "start", "own"),
    [
        ("gitlab", "sh", _gitlab, _GITLAB_HOST),
        ("circleci", "bash", _circleci, ""),
        ("buildkite", "bash", _buildkite, ""),
        ("azure-pipelines", "bash", _azure_pipelines, ""),
        ("bitbucket", "bash", _bitbucket, ""),
    ],
)
def test_a_job_of_each_other_system_pulls_from_every_registry_of_its_recipe(
    world: World, releases: Releases, name: str, shell: str, start: Any, own: str
) -> None:
    released = world.machine.home / "released"
    released.write_bytes(releases.files[f"{PROGRAM}-linux-amd64"])
    released.chmod(0o755)
    script, variables = start(world, read_yaml(world.recipe(name)))
    world.machine.use(variables)
    world.machine.succeed(shell, "-c", script)
    world.check_pulls(name, own)
