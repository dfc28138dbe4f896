"""``completion``: real shells complete the commands and the configured registries."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from cred_helper.clouds import CLOUDS
from tests.support.executable import PROGRAM
from tests.support.machine import Machine, person

__all__ = ["person"]

_BASH = shutil.which("bash") or ""
needs_bash = pytest.mark.skipif(not _BASH, reason="bash is not installed")


def _completed(person: Machine, *words: str) -> list[str]:
    """What bash offers for the last of these words."""
    script = f"""
eval "$({PROGRAM} completion bash)"
COMP_WORDS=({PROGRAM} {" ".join(words)})
COMP_CWORD={len(words)}
_docker_credential_multi_completion {PROGRAM}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    path = os.pathsep.join([str(person.programs), *os.defpath.split(os.pathsep)])
    done = subprocess.run(
        [_BASH, "--norc", "-c", script],
        env=person.environment | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@needs_bash
def test_bash_completes_commands_options_and_choices(person: Machine) -> None:
    assert _completed(person, "ex") == ["explain"]
    assert _completed(person, "con") == ["config", "configure"]
    assert _completed(person, "config", "s") == ["show"]
    assert _completed(person, "doctor", "--o") == ["--online"]
    assert _completed(person, "token", "--format", "docker") == ["docker-login"]


@needs_bash
def test_bash_completes_the_registries_that_are_configured(person: Machine) -> None:
    config = {
        "credHelpers": {"us-docker.pkg.dev": "gcloud"},
        "auths": {"registry.example.com": {"auth": "dTpw"}},
    }
    person.write(".docker/config.json", json.dumps(config))
    for command in ("explain", "token", "doctor"):
        assert _completed(person, command, "us") == ["us-docker.pkg.dev"]
    assert set(_completed(person, "explain", "''")) <= {"us-docker.pkg.dev", "registry.example.com"}
    assert _completed(person, "explain", "nothing") == []


@needs_bash
def test_bash_completes_the_examples_of_the_clouds_where_no_configured_registry_fits(
    person: Machine,
) -> None:
    examples = [cloud.example_host for cloud in CLOUDS]
    for config in ("{", "{}", '{"credHelpers": {"gcr.io": "gcloud"}}'):
        person.write(".docker/config.json", config)
        for host in examples:
            assert _completed(person, "explain", host[:3]) == [host]
    assert _completed(person, "explain", "''") == ["gcr.io"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_every_shell(person: Machine, shell: str) -> None:
    person.environment["PATH"] += f"{os.pathsep}{os.defpath}"  # bash is asked for its version
    done = person.run("completion", shell)
    assert (done.status, done.stderr) == (0, "")
    assert PROGRAM in done.stdout.decode()


def test_an_unknown_shell_is_a_usage_error(person: Machine) -> None:
    done = person.run("completion", "tcsh")
    assert (done.status, done.stdout) == (2, b"")
    assert done.codes == ["client.usage"]
