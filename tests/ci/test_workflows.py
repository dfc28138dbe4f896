"""Our own workflows: linted, pinned, with few permissions; some of their steps are run."""

from __future__ import annotations

import json
import re
import shutil
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from cred_helper import __version__
from tests.ci.artifacts import Artifacts
from tests.ci.job import ACTION, ACTIONLINT, REPOSITORY, TOKEN, Failed, Job, read_yaml
from tests.clouds.debian_registry import BINARY, DebianRegistry
from tests.clouds.proxy import TerminatingProxy
from tests.release.conftest import Parts, parts
from tests.support.executable import PROGRAM, ROOT, pinned_environment
from tests.support.programs import Programs, ran

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
            if "checkout" in str(job["steps"]):
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


def test_the_tests_for_windows_load_no_module_of_posix(tmp_path: Path) -> None:
    words = _step(_jobs("ci.yml")["windows"], "Test")["run"].splitlines()[1:]
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nfor name in ('fcntl', 'grp', 'pty', 'pwd', 'resource', 'termios', 'tty'):\n"
        "    sys.modules[name] = None\n"
    )
    done = ran(
        "bash",
        "-euc",
        "\n".join(words).replace("python -m pytest", f"{sys.executable} -m pytest --collect-only"),
        cwd=ROOT,
        env={**pinned_environment(tmp_path), "PYTHONPATH": f"{tmp_path}:{ROOT}"},
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("::") + done.stdout.count("test_") > 10


def test_every_file_of_pins_is_looked_up_each_day() -> None:
    """pip-audit's own exit status is 1 for a vulnerability; a later file does not hide it."""
    workflow = read_yaml((_FOLDER / "pins.yml").read_text("utf-8"))
    assert workflow["on"]["schedule"]
    script = _step(workflow["jobs"]["packages"], "Look every pin up")["run"]
    pins = sorted((ROOT / "packaging").glob("requirements-*.txt"))
    for vulnerable in (pins[0], pins[-1], None):
        name = f"packaging/{vulnerable.name}" if vulnerable else ""
        auditor = f'audit() {{ echo "audited ${{@: -1}}"; [ "${{@: -1}}" != "{name}" ]; }}\n'
        replaced = auditor + script.replace("build/audit/bin/pip-audit", "audit")
        done = ran("bash", "-ec", replaced, cwd=ROOT)
        assert done.returncode == bool(vulnerable), done.stderr
        assert done.stdout.count("audited ") == len(pins)


def test_the_day_of_debians_packages_is_read_by_the_workflow_that_watches_it() -> None:
    script = _step(_jobs("pins.yml")["debian"], "Compare the packages of a release with Debian's "
                   "security updates")["run"]  # fmt: skip
    [read] = [line for line in script.splitlines() if line.startswith("snapshot=")]
    done = ran("sh", "-euc", f'{read}\necho "$snapshot"', cwd=ROOT)
    assert re.fullmatch(r"20\d{6}T\d{6}Z\n", done.stdout)
    images = [_jobs("release.yml")["linux"]["container"], _jobs("pins.yml")["debian"]["container"]]
    assert images[0] == images[1]


class Run:
    """One run of release.yml on this machine: the real scripts, between modelled artifacts."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.artifacts = Artifacts()
        self._folder = folder
        self._variables = {**pinned_environment(folder), **variables}

    def job(self, name: str, *scripts: str, folder: Path | None = None, **matrix: str) -> Job:
        """Do the steps of a job: those that carry artifacts, and these scripts."""
        row = _jobs("release.yml")[name]
        variables = {"GITHUB_REF_NAME": f"v{__version__}", **self._variables}
        if "env" in row:
            assert row["env"] == {"VERSION": "${{ needs.version.outputs.version }}"}
            assert "version" in row["needs"]
            variables["VERSION"] = variables["GITHUB_REF_NAME"].removeprefix("v")
        path = self._folder / "-".join((name, *matrix.values()))
        job = Job(path, variables)
        if folder:
            shutil.copytree(folder, job.temp, symlinks=True, dirs_exist_ok=True)
        for step in row["steps"]:
            given = {
                key: re.sub(
                    r"\$\{\{ (matrix|env)\.(\w+) \}\}",
                    lambda found: {"matrix": matrix, "env": variables}[found[1]][found[2]],
                    str(value),
                )
                for key, value in step.get("with", {}).items()
            }
            if "upload-artifact@" in step.get("uses", ""):
                self.artifacts.upload(job.temp, given)
            elif "download-artifact@" in step.get("uses", ""):
                self.artifacts.download(job.temp, given)
            elif step.get("name") in scripts:
                job.step(step)
            elif "subject-checksums" in given:
                assert (job.temp / given["subject-checksums"]).is_file()
        return job


def _checkout(folder: Path) -> Path:
    """The checkout, as far as the scripts of release.yml use it."""
    folder.mkdir()
    for name in ("Makefile", "packaging", "cred_helper", "tests", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def test_every_job_of_a_release_finds_what_the_jobs_before_it_uploaded(
    parts: Parts, home: Path
) -> None:
    scripts = Programs(home / "bin")
    scripts.program("cosign", 'echo {} >"$4"')
    scripts.program("gh", 'printf "%s\\n" "$@" >>"$HOME/published"')
    run = Run(home, PATH=f"{scripts.folder}:{Path(sys.executable).parent}:/usr/bin:/bin")
    targets = []
    for name, key in (("linux", "arch"), ("other", "target")):
        for row in _jobs("release.yml")[name]["strategy"]["matrix"]["include"]:
            target = f"linux-{row[key]}" if name == "linux" else row[key]
            targets.append(target)
            if not (parts.folder / target).exists():
                parts.add(target)
            built = home / f"built-{target}"
            shutil.copytree(parts.folder / target, built / "build/release" / __version__ / target)
            # Beside the parts, the build has its clone, with other folders of this kind.
            (built / "build/release/source/dist/1.2.3").mkdir(parents=True)
            (built / "build/release/source/dist/1.2.3/other").touch()
            run.job(name, folder=built, **{key: row[key]})
    merged = run.job(
        "assemble", "Merge what all machines built", folder=_checkout(home / "checkout")
    )
    out = merged.temp / "dist/release" / __version__
    released = {path.name for path in out.iterdir()}
    assert {"SHA256SUMS", f"{PROGRAM}-image.tar", f"{PROGRAM}.rb"} <= released
    assert {f"{PROGRAM}-{target}" for target in targets} <= released
    checked = run.job("check", runner="any")
    steps = ran("make", "-n", "release/check", f"VERSION={__version__}", cwd=ROOT).stdout
    [folder] = re.findall(r'RELEASE="(.*?)"', steps)
    assert {path.name for path in (checked.temp / folder).iterdir()} == released
    run.job("sign", "Sign the checksums")
    run.job("publish", "Publish")
    files = re.findall(r"^files/(.*)$", (home / "published").read_text(), re.MULTILINE)
    assert sorted(files) == sorted([*released, "SHA256SUMS.sigstore.json"])
    package = run.job("pypi", "Keep wheel and sdist")
    assert len(list((package.temp / "dist").iterdir())) == 2


def test_only_a_tag_is_signed_and_published() -> None:
    workflow = read_yaml((_FOLDER / "release.yml").read_text("utf-8"))
    assert {*workflow["on"]} == {"push", "workflow_dispatch"}
    jobs = workflow["jobs"]
    assert jobs["sign"]["if"] == "github.event_name == 'push'"
    for name, job in jobs.items():
        writes = "write" in job["permissions"].values()
        after_sign = name == "sign" or "sign" in job.get("needs", [])
        assert writes == after_sign, name
    # Only what was installed and used is signed.
    assert "check" in jobs["sign"]["needs"]


def test_a_tag_is_released_only_by_the_repository_that_the_project_names(home: Path) -> None:
    checkout = home / "checkout"
    for path in ("cred_helper/__init__.py", "packaging/freeze/publisher.py", "pyproject.toml"):
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, checkout / path)
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    here, count = "octo-org/octo-repo", 0

    def outcome(text: str, **variables: str) -> str:
        nonlocal count
        count += 1
        (checkout / "pyproject.toml").write_text(text)
        run = Run(home / f"run{count}", **{"GITHUB_EVENT_NAME": "push", **variables})
        try:
            job = run.job("version", "Name the version", folder=checkout)
        except Failed as problem:
            return str(problem)
        assert job.outputs["version"] == __version__
        return ""

    ours = project.replace(REPOSITORY, here)
    known = re.sub(r'email = ".*?"', 'email = "someone@octo-org.dev"', ours)
    assert outcome(known) == ""
    assert "this is octo-org/octo-repo" in outcome(known.replace(here, "other/octo-repo"))
    assert "is not in that repository" in outcome(known.replace(f"{here}/issues", "other/issues"))
    placeholder = re.sub(r'email = ".*?"', 'email = "someone@octo.example"', ours)
    assert "project.maintainers is a placeholder" in outcome(placeholder)
    assert "the tag is v9.9.9" in outcome(known, GITHUB_REF_NAME="v9.9.9")
    # A dry run publishes nothing: any repository may do it.
    assert outcome(project, GITHUB_EVENT_NAME="workflow_dispatch") == ""


@pytest.mark.skipif(not (_SKOPEO and BINARY), reason="skopeo or docker-registry is not installed")
@pytest.mark.parametrize(
    ("version", "tags"), [(__version__, ["latest", __version__]), ("1.0.0rc1", ["1.0.0rc1"])]
)
def test_the_image_has_a_tag_only_when_it_is_attested(
    parts: Parts, proxy: TerminatingProxy, home: Path, version: str, tags: list[str]
) -> None:
    """The steps of release.yml as they stand, with a loopback registry as ghcr.io."""
    for record in parts.folder.glob("*/part.json"):
        record.write_text(record.read_text().replace(__version__, version))
    assert parts.assemble(version=version).returncode == 0
    steps = _jobs("release.yml")["image"]["steps"]
    order = [step.get("name") or step["uses"].partition("@")[0] for step in steps]
    assert order[-4:] == ["Log in", "Push", "actions/attest", "Tag"]
    with DebianRegistry.with_htpasswd(home, {"octocat": TOKEN}) as registry:
        proxy.tunnel("ghcr.io", registry.port)
        job = Job(
            home / "job",
            {**pinned_environment(home), **proxy.environment(), "XDG_RUNTIME_DIR": str(home)},
            VERSION=version,
        )
        (job.temp / "files").symlink_to(parts.out)
        for name in ("Log in", "Push"):
            job.step(_step(_jobs("release.yml")["image"], name))
        # Where actions/attest looks for the login.
        logins = json.loads((home / ".docker/config.json").read_text())["auths"]
        assert b64decode(logins["ghcr.io"]["auth"]).decode() == f"octocat:{TOKEN}"
        assert job.outputs["name"] == "ghcr.io/octo-org/octo-repo"
        name = f"docker://{job.outputs['name']}"
        login = ("--authfile", str(home / ".docker/config.json"))

        def listed() -> list[str]:
            done = ran("skopeo", "list-tags", *login, name, env=job.environment)
            return sorted(json.loads(done.stdout or "{}").get("Tags") or [])

        raw = ran(
            "skopeo",
            "inspect",
            "--raw",
            *login,
            f"{name}@{job.outputs['digest']}",
            env=job.environment,
        )
        assert len(json.loads(raw.stdout)["manifests"]) == 2
        assert listed() == []
        job.step(_step(_jobs("release.yml")["image"], "Tag"))
        assert listed() == sorted(tags)
        for tag in tags:
            found = ran("skopeo", "inspect", "--raw", *login, f"{name}:{tag}", env=job.environment)
            assert found.stdout == raw.stdout
