"""Our own workflows: linted, pinned, with few permissions; some of their steps are run."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from cred_helper import __version__
from tests.ci.job import ACTION, ACTIONLINT, TOKEN, Job, read_yaml
from tests.clouds.debian_registry import BINARY, DebianRegistry
from tests.clouds.proxy import TerminatingProxy
from tests.release.conftest import Parts, parts
from tests.support.executable import PROGRAM, ROOT, pinned_environment
from tests.support.programs import ran

__all__ = ["parts"]

_FOLDER = ROOT / ".github/workflows"
_WORKFLOWS = sorted(_FOLDER.glob("*.yml"))
# Found now: tests run with another PATH. The venv has zizmor.
_SHELLCHECK = shutil.which("shellcheck")
_ZIZMOR = Path(sys.executable).with_name("zizmor")
_SKOPEO = shutil.which("skopeo")


def _jobs(workflow: str) -> dict[str, Any]:
    jobs: dict[str, Any] = read_yaml((_FOLDER / workflow).read_text("utf-8"))["jobs"]
    return jobs


def _step(job: dict[str, Any], name: str) -> dict[str, Any]:
    [step] = [step for step in job["steps"] if step.get("name") == name]
    return dict(step)


@pytest.mark.skipif(not ACTIONLINT, reason="actionlint is not installed")
def test_actionlint_finds_nothing() -> None:
    assert ACTIONLINT is not None
    options = ["-shellcheck", _SHELLCHECK] if _SHELLCHECK else []
    command = [ACTIONLINT, *options, *map(str, _WORKFLOWS)]
    done = ran(*command, cwd=ROOT)
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


def test_zizmor_finds_nothing() -> None:
    # Outside a repository: it would skip what git ignores, and ask where it comes from.
    command = [str(_ZIZMOR), "--offline", "--quiet", "--persona", "pedantic"]
    done = ran(*command, *_WORKFLOWS, ACTION, ROOT / ".github/dependabot.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_action_and_image_is_pinned_with_its_version_beside_it() -> None:
    uses = [
        line
        for path in _WORKFLOWS
        for line in path.read_text("utf-8").splitlines()
        if re.match(r" +(- )?(uses|container):", line)
    ]
    assert len(uses) > 15
    pins: dict[str, tuple[str, ...]] = {}
    for line in uses:
        if "container:" in line:
            assert re.search(r"@sha256:[0-9a-f]{64}$", line), line
            continue
        found = re.search(r"uses: ([\w./-]+)@([0-9a-f]{40}) # (v[0-9.]+)$", line)
        assert found, line
        assert pins.setdefault(found[1], found.groups()[1:]) == found.groups()[1:], line


def test_a_job_may_write_only_what_it_publishes() -> None:
    for path in _WORKFLOWS:
        workflow = read_yaml(path.read_text("utf-8"))
        assert workflow["permissions"] == {}, path
        for name, job in workflow["jobs"].items():
            assert job["timeout-minutes"] <= 90, name
            writes = {key for key, value in job["permissions"].items() if value == "write"}
            # One that builds has no right that a dependency's code could use.
            if "checkout" in str(job["steps"]) and name != "assemble":
                assert writes == set(), name
    assert _jobs("release.yml")["pypi"]["permissions"] == {"id-token": "write"}


def test_the_files_of_a_release_are_those_that_the_setup_action_installs() -> None:
    jobs = _jobs("release.yml")
    built = {f"linux-{row['arch']}" for row in jobs["linux"]["strategy"]["matrix"]["include"]} | {
        row["target"] for row in jobs["other"]["strategy"]["matrix"]["include"]
    }
    action = ACTION.read_text("utf-8")
    systems = re.findall(r"^ +\w+\) os=(\w+)", action, re.MULTILINE)
    architectures = re.findall(r"^ +\w+\) arch=(\w+)", action, re.MULTILINE)
    assert built == {f"{os}-{arch}" for os in systems for arch in architectures}
    assert "file=$program-$os-$arch$suffix" in action


def test_the_weekly_run_starts_the_executable_each_time() -> None:
    workflow = read_yaml((_FOLDER / "ci.yml").read_text("utf-8"))
    assert workflow["on"]["schedule"]
    [job] = [job for job in workflow["jobs"].values() if "REAL_EXECUTABLE" in job.get("env", {})]
    assert "schedule" in job["env"]["REAL_EXECUTABLE"]


@pytest.mark.skipif(not (_SKOPEO and BINARY), reason="skopeo or docker-registry is not installed")
@pytest.mark.parametrize(
    ("version", "tags"), [(__version__, ["latest", __version__]), ("1.0.0rc1", ["1.0.0rc1"])]
)
def test_the_image_is_pushed_by_its_version_and_as_latest_unless_it_is_a_candidate(
    parts: Parts, proxy: TerminatingProxy, home: Path, version: str, tags: list[str]
) -> None:
    """The step of release.yml as it stands, with a loopback registry as ghcr.io."""
    for record in parts.folder.glob("*/part.json"):
        record.write_text(record.read_text().replace(__version__, version))
    assert parts.assemble(version=version).returncode == 0
    with DebianRegistry.with_htpasswd(home, {"octocat": TOKEN}) as registry:
        proxy.tunnel("ghcr.io", registry.port)
        job = Job(
            home / "job",
            {**pinned_environment(home), **proxy.environment(), "XDG_RUNTIME_DIR": str(home)},
            GITHUB_REF_NAME=f"v{version}",
            GITHUB_REPOSITORY_OWNER="Octo",
        )
        (job.temp / "files").symlink_to(parts.out)
        job.step(_step(_jobs("release.yml")["image"], "Push"))
        listed = ran("skopeo", "list-tags", f"docker://{job.outputs['name']}", env=job.environment)
        assert sorted(json.loads(listed.stdout)["Tags"]) == sorted(tags)
        assert job.outputs["name"] == f"ghcr.io/octo/{PROGRAM}"
        image = f"docker://ghcr.io/octo/{PROGRAM}@{job.outputs['digest']}"
        raw = ran("skopeo", "inspect", "--raw", image, env=job.environment)
        assert len(json.loads(raw.stdout)["manifests"]) == 2
