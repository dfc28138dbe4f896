"""The setup action: its steps, as they stand in action.yml, on a job with a loopback release."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from cred_helper import __version__
from tests.ci.conftest import HOST, Releases
from tests.ci.job import ACTION, REPOSITORY, Failed, Job, read_yaml
from tests.clouds.authority import Authority
from tests.clouds.faults import redirect_to
from tests.clouds.proxy import TerminatingProxy
from tests.support.executable import PROGRAM
from tests.support.machine import Machine

# What the action downloads with; one test has wget in its place.
pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")

_TOOLS = ("sh", "awk", "cat", "chmod", "mkdir", "mv", "sha256sum")
_SETTINGS = '[ecr]\nprofile = "$(touch executed) `touch executed`"\n'


@pytest.fixture
def machine(home: Path, proxy: TerminatingProxy) -> Machine:
    """A runner: without this program, and with the programs of the system."""
    machine = Machine(home, **proxy.environment())
    machine.program.unlink()
    machine.environment["PATH"] += os.pathsep + os.defpath
    return machine


def _job(machine: Machine, **variables: str) -> Job:
    return Job(machine.home / "job", machine.environment, **variables)


def test_a_job_gets_the_released_program_with_its_settings(
    machine: Machine, releases: Releases
) -> None:
    job = _job(machine)
    job.action(settings=_SETTINGS)
    machine.environment = job.environment
    assert machine.succeed(PROGRAM, "version").endswith(f" {__version__}\n")
    shown = json.loads(machine.succeed(PROGRAM, "config", "show", "--json"))
    assert "$(touch executed) `touch executed`" in json.dumps(shown)
    assert machine.config_document == {"credsStore": "multi", "auths": {}}
    assert not list(machine.home.rglob("executed"))
    [file, sums] = releases.received
    assert file.path == f"/{REPOSITORY}/releases/download/v{__version__}/{PROGRAM}-linux-amd64"
    assert sums.path == f"/{REPOSITORY}/releases/download/v{__version__}/SHA256SUMS"


def test_the_version_that_is_installed_is_that_of_the_action() -> None:
    inputs = read_yaml(ACTION.read_text("utf-8"))["inputs"]
    assert inputs["version"]["default"] == __version__


@pytest.mark.parametrize(
    ("given", "variables", "path"),
    [
        ({"version": f"v{__version__}"}, {}, f"download/v{__version__}/{PROGRAM}-linux-amd64"),
        ({"version": "latest"}, {}, f"latest/download/{PROGRAM}-linux-amd64"),
        ({}, {"RUNNER_ARCH": "ARM64"}, f"download/v{__version__}/{PROGRAM}-linux-arm64"),
        (
            {},
            {"RUNNER_OS": "macOS", "RUNNER_ARCH": "ARM64"},
            f"download/v{__version__}/{PROGRAM}-darwin-arm64",
        ),
        (
            {"releases": f"https://github.com/{REPOSITORY}/releases/"},
            {"GITHUB_SERVER_URL": "https://github.corp.example"},
            f"download/v{__version__}/{PROGRAM}-linux-amd64",
        ),
    ],
)
def test_the_file_is_that_of_the_version_the_system_and_the_architecture(
    machine: Machine, releases: Releases, given: Any, variables: Any, path: str
) -> None:
    _job(machine, **variables).action(**given)
    assert releases.received[0].path == f"/{REPOSITORY}/releases/{path}"


@pytest.mark.parametrize(
    "path",
    [f"/w/_actions/{REPOSITORY}/v1/.github/actions/setup", "/w/octo/octo/./.github/actions/setup"],
)
def test_a_runner_that_does_not_name_the_repository_of_the_action(
    machine: Machine, releases: Releases, path: str
) -> None:
    """actions/runner#2473, and an action of the workflow's own repository."""
    job = _job(machine, GITHUB_ACTION_PATH=path)
    job.github["action_repository"] = ""
    if "_actions" not in path:
        job.environment["GITHUB_REPOSITORY"] = REPOSITORY
    job.action()
    assert releases.received[0].path.startswith(f"/{REPOSITORY}/releases/")


@pytest.mark.parametrize(
    ("given", "variables", "words"),
    [
        ({}, {"RUNNER_OS": "Plan9"}, "no release for the system Plan9"),
        ({}, {"RUNNER_ARCH": "X86"}, "no release for the architecture X86"),
        ({}, {"RUNNER_OS": "Windows"}, f"is {__version__} released for windows-amd64?"),
        ({"version": "9.0.0"}, {}, "is 9.0.0 released for linux-amd64?"),
        ({"version": "main; touch executed"}, {}, "version is not the name of a release"),
        ({"version": ""}, {}, "version is not the name of a release"),
        ({"releases": "http://mirror.example"}, {}, "releases is not an https address"),
        ({"releases": "https://m.example\n::stop-commands::x"}, {}, "has a blank or a backslash"),
        ({"releases": "https://m.example\\n::stop-commands::x"}, {}, "has a blank or a backslash"),
    ],
)
def test_what_cannot_be_installed_is_an_error_that_says_why(
    machine: Machine, releases: Releases, given: Any, variables: Any, words: str
) -> None:
    with pytest.raises(Failed) as failed:
        _job(machine, **variables).action(**given)
    assert f"::error title={PROGRAM}::" in str(failed.value)
    assert words in str(failed.value)
    assert not list(machine.home.rglob("executed"))
    assert not machine.config_file.exists()


def test_wrong_settings_stop_the_job_with_their_line(machine: Machine, releases: Releases) -> None:
    with pytest.raises(Failed) as failed:
        _job(machine).action(settings='[ecr]\nrole_arm = "x"')
    assert "config.toml:2: " in str(failed.value)
    assert "settings.unknown-option]" in str(failed.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda releases, name: releases.sums.pop(name), "does not list"),
        (lambda releases, name: releases.files.update({name: b"#!/bin/sh\n"}), "is damaged"),
    ],
)
def test_a_file_without_its_checksum_is_not_installed(
    machine: Machine, releases: Releases, change: object, words: str
) -> None:
    assert callable(change)
    change(releases, f"{PROGRAM}-linux-amd64")
    with pytest.raises(Failed, match=words):
        _job(machine).action()


@pytest.mark.parametrize("downloader", ["wget", ""])
def test_an_image_without_curl_needs_wget(
    machine: Machine, releases: Releases, authority: Authority, downloader: str
) -> None:
    if downloader and not shutil.which(downloader):
        pytest.skip("wget is not installed")
    for name in (*_TOOLS, downloader):
        machine.scripts.link(name, shutil.which(name) or "") if name else None
    machine.environment["PATH"] = str(machine.programs)
    machine.write(".wgetrc", f"ca_certificate = {authority.ca_file}\n")
    job = _job(machine)
    if downloader:
        releases.fail("*/SHA256SUMS", redirect_to(f"http://{HOST}/elsewhere"), times=1)
        with pytest.raises(Failed, match="cannot download"):
            job.action()
        assert not any(request.path == "/elsewhere" for request in releases.received)
        job.action()
        assert machine.config_document == {"credsStore": "multi", "auths": {}}
    else:
        with pytest.raises(Failed, match="neither curl nor wget"):
            job.action()


_GH = """case "$*" in
"attestation verify --help") exit {known} ;;
"attestation verify {file} --repo {repository}")
  [ "$GH_HOST $GH_TOKEN" = "github.com loopback-github-token" ] || exit 4
  exit {verified} ;;
*) exit 1 ;;
esac"""


@pytest.mark.parametrize(
    ("known", "verified", "variables", "given", "outcome"),
    [
        (0, 0, {}, {}, "installed"),
        (0, 1, {}, {}, f"has no attestation by {REPOSITORY}"),
        (1, 1, {}, {}, "checked by its checksum"),
        (0, 1, {"GITHUB_SERVER_URL": "https://github.corp.example"}, {}, "checked by its checksum"),
        (0, 1, {}, {"token": ""}, "checked by its checksum"),
    ],
    ids=["verified", "refused", "gh is old", "GitHub Enterprise Server", "no token"],
)
def test_the_attestation_is_checked_where_gh_can(
    machine: Machine,
    releases: Releases,
    known: int,
    verified: int,
    variables: dict[str, str],
    given: dict[str, str],
    outcome: str,
) -> None:
    file = f"{PROGRAM}-linux-amd64"
    machine.scripts.program(
        "gh", _GH.format(known=known, verified=verified, file=file, repository=REPOSITORY)
    )
    job = _job(machine, **variables)
    if known == 0 and verified and not variables and not given:
        with pytest.raises(Failed, match=outcome):
            job.action(**given)
        assert not (job.temp / PROGRAM / "bin" / PROGRAM).exists()
        return
    job.action(**given)
    assert (outcome in job.printed) == (outcome != "installed")
    assert (job.temp / PROGRAM / "bin" / PROGRAM).exists()


@pytest.mark.parametrize("given", [{}, {"settings": "deadline_s = 20"}], ids=["", "settings"])
def test_a_self_hosted_runner_is_left_as_it_was(
    machine: Machine, releases: Releases, given: dict[str, str]
) -> None:
    """The program is gone after the job: a configuration that names it would stop other jobs."""
    machine.helper("pass")
    machine.config(auths={"registry.example": {"auth": "dTpw"}}, credsStore="pass")
    machine.settings("helper_timeout_s = 5")
    plugin = machine.write(".docker/cli-plugins/docker-x", "", 0o755)
    before = {path: path.read_bytes() for path in machine.home.rglob("*") if path.is_file()}
    job = _job(machine, RUNNER_ENVIRONMENT="self-hosted")
    job.action(**given)
    machine.environment = job.environment
    shown = json.loads(machine.succeed(PROGRAM, "config", "show", "--json"))
    after = {
        path: path.read_bytes()
        for path in machine.home.rglob("*")
        if path.is_file() and not path.is_relative_to(job.temp) and ".cache" not in path.parts
    }
    assert after == before
    folder = Path(job.environment["DOCKER_CONFIG"])
    assert json.loads((folder / "config.json").read_text()) == {
        "auths": {"registry.example": {"auth": "dTpw"}},
        "credsStore": "multi",
    }
    assert (folder / "cli-plugins/docker-x").resolve() == plugin
    values = {row["name"]: row["value"] for row in shown["settings"]}
    assert values["fallback_helper"] == "pass"
    assert values["cache_folder"] == str(folder / "tokens")
    assert (values["helper_timeout_s"], values["deadline_s"]) == ((10, 20) if given else (5, 30))


def test_a_self_hosted_runner_without_docker_files_gets_them_for_the_job(
    machine: Machine, releases: Releases
) -> None:
    job = _job(machine, RUNNER_ENVIRONMENT="self-hosted")
    job.action()
    config = Path(job.environment["DOCKER_CONFIG"], "config.json")
    assert json.loads(config.read_text()) == {"credsStore": "multi", "auths": {}}
    assert not machine.config_file.exists()
