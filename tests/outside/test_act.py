"""The workflow and the setup action by act, a runner of GitHub's workflows by other authors.

Source: https://github.com/nektos/act
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.ci.conftest import releases
from tests.ci.job import ACTION, REPOSITORY, TOKEN
from tests.ci.test_jobs import SUBJECT, World, needs_client, world
from tests.clouds.fixtures import authority, proxy
from tests.support.executable import ROOT, pinned_environment

__all__ = ["authority", "proxy", "releases", "world"]

# Found now: tests run with another PATH. .ci/run installs it.
_ACT = shutil.which("act", path=f"{ROOT}/build/clients")
_HUNG_S = 300
_AUTHOR = ("-c", "user.name=octocat", "-c", "user.email=octocat@github.example")


@needs_client
@pytest.mark.skipif(not _ACT, reason="act is not installed")
@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_act_runs_the_workflow_for_five_registries(world: World, tmp_path: Path) -> None:
    assert _ACT is not None
    repository = tmp_path / "repository"
    action = repository / ACTION.relative_to(ROOT)
    workflow = repository / ".github/workflows/pull.yml"
    for file in (action, workflow):
        file.parent.mkdir(parents=True)
    shutil.copy(ACTION, action)
    text = world.recipe("github")
    used = next(line for line in text.splitlines() if "uses:" in line)
    # act has only the workflow's own repository, after its checkout.
    own = "      - uses: actions/checkout@v4\n      - uses: ./.github/actions/setup"
    workflow.write_text(text.replace(used, own))
    for command in (
        ("init", "-q", "-b", "main"),
        ("add", "-A"),
        (*_AUTHOR, "commit", "-qm", "a workflow"),
        ("remote", "add", "origin", f"https://github.com/{REPOSITORY}"),
    ):
        subprocess.run(["git", *command], cwd=repository, check=True)
    variables = world.machine.environment | world.system.github(SUBJECT)
    path = variables.pop("PATH")
    done = subprocess.run(
        [
            *(_ACT, "push", "--platform", "ubuntu-latest=-self-hosted", "--actor", "octocat"),
            *("--secret", f"GITHUB_TOKEN={TOKEN}"),
            *(word for item in variables.items() for word in ("--env", "=".join(item))),
        ],
        cwd=repository,
        env={**pinned_environment(world.machine.home), "PATH": path},
        capture_output=True,
        encoding="utf-8",
        timeout=_HUNG_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    world.check_pulls("github", "ghcr.io")
