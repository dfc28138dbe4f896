"""The recipes of configure --ci and packaging/docs/ci.md, by each CI system's own rules."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner

from cred_helper import clouds
from cred_helper.commands.configure import ci
from cred_helper.commands.configure.ci import CiSystem
from cred_helper.providers.common.ci_job import GITHUB_TOKEN, GITHUB_URL
from tests.ci.job import ACTION, ACTIONLINT, read_yaml
from tests.clouds.ci import AZURE_AUDIENCE
from tests.support.executable import ROOT
from tests.support.machine import Machine, person
from tests.support.programs import ran

__all__ = ["person"]

# The schema of each system, as schemastore.org has it.
_SCHEMAS = {
    "github": "github-workflows", "gitlab": "gitlab-ci", "circleci": "circle-ci",
    "buildkite": "buildkite", "azure-pipelines": "azure-pipelines",
    "bitbucket": "bitbucket-pipelines",
}  # fmt: skip
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


@pytest.mark.skipif(not ACTIONLINT, reason="actionlint is not installed")
def test_the_workflow_and_the_inputs_of_the_action_pass_actionlint(tmp_path: Path) -> None:
    assert ACTIONLINT is not None
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
    done = ran(ACTIONLINT, cwd=tmp_path)
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
            cloud.audience.format(**cloud.job.options)


_TWO_ACCOUNTS = """
[ecr]
id_token = "ci"
role_arn = "arn:aws:iam::111111111111:role/first"

[acr]
id_token = "ci"
tenant_id = "11111111-2222-3333-4444-555555555555"
client_id = "66666666-7777-8888-9999-000000000000"

[[rule]]
match = "222222222222.dkr.ecr.eu-west-1.amazonaws.com"
role_arn = "arn:aws:iam::222222222222:role/second"

[[rule]]
match = "images.corp.example"
alias = "other.azurecr.io"
"""


def test_configure_prints_the_recipe_for_what_it_finds_and_changes_nothing(person: Machine) -> None:
    """The settings of the printed workflow come to the same for every registry as those here."""
    first = "111111111111.dkr.ecr.eu-west-1.amazonaws.com"
    # Docker leaves an empty entry for a login that a helper keeps.
    person.config(credHelpers={first: "multi"}, auths={"registry.corp.example": {}})
    person.settings(_TWO_ACCOUNTS)
    before = {path: path.read_bytes() for path in person.home.rglob("*") if path.is_file()}
    done = person.run("configure", "--ci", "github")
    assert (done.status, done.stderr) == (0, "")
    assert done.stdout.endswith(b"# Without an identity token: registry.corp.example\n")
    after = {path: path.read_bytes() for path in person.home.rglob("*") if path.is_file()}
    assert {path: after[path] for path in before} == before
    assert not [path for path in after.keys() - before.keys() if ".cache" not in path.parts]

    document = read_yaml(done.stdout.decode())
    assert "packages" not in document["permissions"]
    [job] = document["jobs"].values()
    setup, pull = job["steps"]
    hosts = [line.split()[-1].partition("/")[0] for line in pull["run"].splitlines()]
    assert hosts == [first, "222222222222.dkr.ecr.eu-west-1.amazonaws.com", "images.corp.example"]
    own = _identities(person, hosts)
    person.settings(setup["with"]["settings"])
    assert _identities(person, hosts) == own
    # Of the systems that have variables in place of a settings file.
    person.settings_file.unlink()
    person.settings(_TWO_ACCOUNTS)
    gitlab = read_yaml(person.run("configure", "--ci", "gitlab").stdout.decode())["pull"]
    audiences = {token["aud"] for token in gitlab["id_tokens"].values()}
    assert audiences == {"sts.amazonaws.com", AZURE_AUDIENCE}
    person.settings_file.unlink()
    person.use(gitlab["variables"])
    assert _identities(person, hosts) == own


def test_a_cloud_that_is_set_up_is_in_the_recipe_though_no_file_names_its_registry(
    person: Machine,
) -> None:
    person.config(credHelpers={"111111111111.dkr.ecr.eu-west-1.amazonaws.com": "multi"})
    person.settings(
        '[gcr]\nworkload_identity_provider = "projects/1/locations/global/workloadIdentityPools/p/'
        'providers/q"\n[acr]\ntenant_id = "11111111-2222-3333-4444-555555555555"\n'
    )
    text = person.run("configure", "--ci", "gitlab").stdout.decode()
    pulls = [line.split()[-1] for line in text.splitlines() if " pull " in line]
    hosts = ["111111111111.dkr.ecr.eu-west-1.amazonaws.com", clouds.find("gcr").example_host]
    assert [image.partition("/")[0] for image in pulls] == hosts


def _identities(person: Machine, hosts: list[str]) -> list[str]:
    job = {"GITHUB_ACTIONS": "true", GITHUB_URL: "https://ci.example", GITHUB_TOKEN: "t"}
    found = [person.run("explain", "--json", host, **job).document for host in hosts]
    return [row["identity"]["detail"] for row in found]
