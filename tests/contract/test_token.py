"""``token``: every form of a credential works, and none is shown on a terminal by default."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import datetime
from shlex import quote
from subprocess import CompletedProcess

import pytest

from tests.clients.clients import DOCKER
from tests.clients.marks import needs_docker
from tests.clouds import aws, azure, google
from tests.clouds.fixtures import authority, proxy
from tests.stage import PASSWORD, PRIVATE_HOST, USERNAME, known
from tests.support.executable import PROGRAM
from tests.support.machine import Machine, person

__all__ = ["authority", "known", "person", "proxy"]

_CURL = next((path for path in ("/usr/bin/curl", "/bin/curl") if os.path.exists(path)), "")
# What a shell would make something of.
_AWKWARD = 'it\'s $(touch pwned) `x` "y" \\ *'


def _sh(person: Machine, script: str) -> CompletedProcess[str]:
    """Run what a person pastes into a shell."""
    path = f"{person.programs}{os.pathsep}{os.defpath}"
    return subprocess.run(
        ["/bin/sh", "-c", script],
        env=person.environment | {"PATH": path},
        cwd=person.home,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def _keep(person: Machine, host: str, username: str, secret: str) -> None:
    config = {"auths": {host: {"username": username, "password": secret}}}
    person.write(".docker/config.json", json.dumps(config))


def test_raw_is_the_secret_alone_and_json_has_expiry_and_source(known: Machine) -> None:
    done = known.run("token", aws.EXAMPLE_HOST)
    assert (done.status, done.stderr) == (0, "")
    secret = done.stdout.decode().removesuffix("\n")
    assert known.run("get", stdin=aws.EXAMPLE_HOST).credential == ("AWS", secret)
    document = known.run("token", "--format", "json", google.EXAMPLE_HOST).document
    username, secret = known.run("get", stdin=google.EXAMPLE_HOST).credential
    assert (document["username"], document["secret"]) == (username, secret)
    assert datetime.fromisoformat(document["expires_at"]).tzinfo is not None
    assert document["source"]


@pytest.mark.parametrize("secret", [PASSWORD, _AWKWARD, "-n", "%s\\n", "ünïcode"])
def test_env_can_be_evaluated_by_a_shell(person: Machine, secret: str) -> None:
    _keep(person, PRIVATE_HOST, "it's me", secret)
    script = f'eval "$({PROGRAM} token --format env {PRIVATE_HOST})"\n'
    done = _sh(person, script + 'printf \'%s|%s\' "$REGISTRY_USERNAME" "$REGISTRY_PASSWORD"')
    assert (done.stdout, done.stderr) == (f"it's me|{secret}", "")
    assert not (person.home / "pwned").exists()


@pytest.mark.parametrize("secret", [PASSWORD, _AWKWARD, "-n", "%s\\n", "ünïcode"])
def test_docker_login_gives_the_secret_on_standard_input(person: Machine, secret: str) -> None:
    docker = person.programs / "docker"
    docker.write_text('#!/bin/sh\nprintf "%s\\n" "$@" >arguments\ncat >secret\n')
    docker.chmod(0o755)
    _keep(person, PRIVATE_HOST, "it's me", secret)
    line = person.run("token", "--format", "docker-login", PRIVATE_HOST).stdout.decode()
    assert _sh(person, line).returncode == 0
    arguments = (person.home / "arguments").read_text().splitlines()
    assert arguments == ["login", "--username", "it's me", "--password-stdin", PRIVATE_HOST]
    assert (person.home / "secret").read_text() == secret
    assert not (person.home / "pwned").exists()


@needs_docker
@pytest.mark.parametrize("host", [aws.EXAMPLE_HOST, google.EXAMPLE_HOST, azure.EXAMPLE_HOST])
def test_docker_can_log_in_with_the_line_that_is_pasted(known: Machine, host: str) -> None:
    os.symlink(DOCKER.program, known.programs / "docker")
    known.environment["DOCKER_HOST"] = f"unix://{known.home}/no-engine.sock"
    _keep(known, "other.example", USERNAME, PASSWORD)  # or docker looks for a keychain to use
    line = known.run("token", "--format", "docker-login", host).stdout.decode()
    done = _sh(known, line)
    assert done.returncode == 0, done.stderr
    assert "Login Succeeded" in done.stdout
    assert host in json.loads((known.home / ".docker/config.json").read_text())["auths"]


@pytest.mark.skipif(not _CURL, reason="curl is not installed")
def test_curl_gets_the_header_through_standard_input(known: Machine) -> None:
    url = f"https://{aws.EXAMPLE_HOST}/v2/team/app/tags/list"
    ca_file = known.environment["SSL_CERT_FILE"]
    curl = f"{_CURL} -sS --cacert {quote(ca_file)} -w '%{{http_code}}' {url}"
    assert _sh(known, curl).stdout.endswith("401")
    header = f"{PROGRAM} token --format header {aws.EXAMPLE_HOST}"
    done = _sh(known, f"{header} | {curl} -H @-")
    assert (done.stdout, done.stderr) == ('{"name": "team/app", "tags": ["1"]}200', "")


def test_an_option_may_be_given_either_way_and_anywhere(person: Machine) -> None:
    _keep(person, PRIVATE_HOST, USERNAME, PASSWORD)
    expected = person.run("token", "--format", "env", PRIVATE_HOST)
    assert expected.status == 0
    for arguments in (("--format=env", PRIVATE_HOST), (PRIVATE_HOST, "--format", "env")):
        assert person.run("token", *arguments).stdout == expected.stdout


def test_no_secret_is_shown_on_a_terminal_without_show(person: Machine) -> None:
    _keep(person, PRIVATE_HOST, USERNAME, PASSWORD)
    status, seen = person.at_terminal("token", PRIVATE_HOST)
    assert (status, PASSWORD in seen) == (2, False)
    assert "[client.usage]" in seen
    status, seen = person.at_terminal("token", "--show", PRIVATE_HOST)
    assert (status, seen) == (0, f"{PASSWORD}\n")
    status, seen = person.at_terminal("token", PRIVATE_HOST, stdout=str(person.home / "file"))
    assert (status, seen) == (0, "")
    assert (person.home / "file").read_text() == f"{PASSWORD}\n"


@pytest.mark.parametrize("form", ["header", "docker-login"])
def test_an_identity_token_is_not_given_out_as_a_password(person: Machine, form: str) -> None:
    config = {"auths": {PRIVATE_HOST: {"identitytoken": PASSWORD}}}
    person.write(".docker/config.json", json.dumps(config))
    done = person.run("token", "--format", form, PRIVATE_HOST)
    assert (done.status, done.stdout, done.codes) == (1, b"", ["login.no-such-form"])
    assert PASSWORD not in done.stderr
    assert person.run("token", "--format", "json", PRIVATE_HOST).document["username"] == "<token>"
