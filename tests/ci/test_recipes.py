"""The recipes of configure --ci and packaging/docs/ci.md, by each CI system's own rules."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner

from cred_helper import clouds
from cred_helper.commands.configure import ci
from cred_helper.commands.configure.ci import CiSystem
from tests.ci.job import ACTION, read_yaml
from tests.support.executable import ROOT
from tests.support.machine import Machine, person

__all__ = ["person"]

# Found now: tests run with another PATH. .ci/run installs it.
_ACTIONLINT = shutil.which("actionlint", path=f"{ROOT}/build/clients")
# The schema of each system, as schemastore.org has it.
_SCHEMAS = {
    "github": "github-workflows",
    "gitlab": "gitlab-ci",
    "circleci": "circle-ci",
    "buildkite": "buildkite",
    "azure-pipelines": "azure-pipelines",
    "bitbucket": "bitbucket-pipelines",
}
_each_system = pytest.mark.parametrize("system", ci.SYSTEMS, ids=ci.NAMES)


def _check(schema: str, path: Path) -> None:
    arguments = ["--builtin-schema", f"vendor.{schema}", str(path)]
    result = CliRunner().invoke(check_jsonschema, arguments)
    assert result.exit_code == 0, result.output


@_each_system
def test_a_recipe_is_a_file_of_its_ci_system(system: CiSystem, tmp_path: Path) -> None:
    path = tmp_path / "ci.yml"
    path.write_text(ci.recipe(system), "utf-8")
    _check(_SCHEMAS[system.name], path)
    assert "@" not in path.read_text().replace("setup@v", "").replace("AzureCLI@2", "")


def test_the_setup_action_is_an_action() -> None:
    _check("github-actions", ACTION)


@pytest.mark.skipif(not _ACTIONLINT, reason="actionlint is not installed")
def test_the_workflow_and_the_inputs_of_the_action_pass_actionlint(tmp_path: Path) -> None:
    assert _ACTIONLINT is not None
    action = tmp_path / ACTION.relative_to(ROOT)
    action.parent.mkdir(parents=True)
    shutil.copy(ACTION, action)
    (tmp_path / ".git").mkdir()
    workflow = tmp_path / ".github/workflows/pull.yml"
    workflow.parent.mkdir()
    text = ci.recipe(ci.SYSTEMS[0])
    used = next(line for line in text.splitlines() if "uses:" in line)
    # actionlint reads the actions of the repository alone.
    workflow.write_text(text.replace(used, "      - uses: ./.github/actions/setup"))
    done = subprocess.run([_ACTIONLINT], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


@_each_system
def test_a_recipe_has_every_cloud_that_takes_the_systems_tokens(system: CiSystem) -> None:
    text = ci.recipe(system)
    for cloud in clouds.CLOUDS:
        is_taken = cloud.job and (not cloud.job.systems or system.name in cloud.job.systems)
        assert (f"docker pull {cloud.example_host}/" in text) == bool(is_taken), cloud.name
    assert {system for cloud in clouds.CLOUDS if cloud.job for system in cloud.job.systems} <= {
        *ci.NAMES
    }


def test_the_options_of_the_recipes_are_options_of_the_clouds() -> None:
    for cloud in clouds.CLOUDS:
        options = {option.name for option in cloud.options}
        if cloud.job:
            assert {*cloud.job.options} <= options, cloud.name
            cloud.job.audience.format(**cloud.job.options)


def test_configure_prints_the_recipe_for_what_it_finds_and_changes_nothing(
    person: Machine,
) -> None:
    host = "999999999999.dkr.ecr.eu-west-1.amazonaws.com"
    person.config(credHelpers={host: "multi", "registry.corp.example": "pass"})
    person.settings('[[rule]]\nmatch = "images.corp.example"\nalias = "other.azurecr.io"\n')
    before = {path: path.read_bytes() for path in person.home.rglob("*") if path.is_file()}
    done = person.run(
        "configure", "--ci", "github", DOCKER_CREDENTIAL_MULTI_ECR_ROLE_ARN="arn:aws:iam::9:role/r"
    )
    assert (done.status, done.stderr) == (0, "")
    [job] = read_yaml(done.stdout.decode())["jobs"].values()
    setup, pull = job["steps"]
    assert 'role_arn = "arn:aws:iam::9:role/r"' in setup["with"]["settings"]
    assert "[acr]" in setup["with"]["settings"]
    assert pull == {
        "run": f"docker pull {host}/team/app:1\ndocker pull images.corp.example/team/app:1\n"
    }
    assert "packages" not in read_yaml(done.stdout.decode())["permissions"]
    assert done.stdout.endswith(b"# Without an identity token: registry.corp.example\n")
    after = {path: path.read_bytes() for path in person.home.rglob("*") if path.is_file()}
    assert {path: after[path] for path in before} == before
    assert not [path for path in after.keys() - before.keys() if ".cache" not in path.parts]
