"""``login`` and ``logout``: a password is checked, kept and removed, and never shown."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterator

import pytest

from tests.clouds.fixtures import authority, proxy
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.stage import PASSWORD, PRIVATE_HOST, USERNAME, known
from tests.support.machine import Machine, person

__all__ = ["authority", "known", "person", "proxy"]

_HUB = "https://index.docker.io/v1/"
_BASIC_HOST = "basic.example.com:5000"
_STORE = ".local/share/docker-credential-multi/credentials.json"


@pytest.fixture
def basic(proxy: TerminatingProxy) -> Iterator[Registry]:
    """A registry that asks for a password and knows no token endpoint."""
    with Registry(lambda *login: login == (USERNAME, PASSWORD, _BASIC_HOST)) as registry:
        proxy.route(_BASIC_HOST, registry)
        yield registry


def test_a_login_typed_at_the_terminal_is_stored_and_its_password_not_shown(known: Machine) -> None:
    answers = (("Username: ", f"{USERNAME}\n"), ("Password: ", f"{PASSWORD}\n"))
    status, seen = known.at_terminal("login", PRIVATE_HOST, answers=answers)
    assert status == 0
    assert "the registry accepts the credential" in seen
    assert PASSWORD not in seen
    assert known.run("get", stdin=PRIVATE_HOST).credential == (USERNAME, PASSWORD)
    assert (known.home / _STORE).stat().st_mode & 0o777 == 0o600


def test_a_registry_that_asks_for_a_password_is_shown_it(known: Machine, basic: Registry) -> None:
    login = ("login", "-u", USERNAME, "--password-stdin", _BASIC_HOST)
    done = known.run(*login, stdin=f"{PASSWORD}x")
    assert (done.status, done.codes) == (1, ["login.refused"])
    assert "HTTP 401" in done.stderr
    assert not (known.home / _STORE).exists()
    done = known.run(*login, stdin=PASSWORD)
    assert done.status == 0
    assert [login.accepted for login in basic.logins] == [False, True]
    assert known.run("get", stdin=_BASIC_HOST).credential == (USERNAME, PASSWORD)


def test_with_unchecked_no_registry_is_asked(person: Machine, basic: Registry) -> None:
    login = ("login", "--unchecked", "-u", "any", "--password-stdin", _BASIC_HOST)
    assert person.run(*login, stdin="thing").status == 0
    assert basic.received == []
    assert person.run("get", stdin=_BASIC_HOST).credential == ("any", "thing")


@pytest.mark.parametrize(
    "secret", ["it's \"$(touch pwned)` \\", "pässwörd", " in blanks ", "two\nlines", "x" * 100_000]
)
def test_a_password_is_stored_unchanged(person: Machine, secret: str) -> None:
    login = ("login", "--unchecked", "-u", "ünï", "--password-stdin", PRIVATE_HOST)
    assert person.run(*login, stdin=f"{secret}\n").status == 0
    assert person.run("get", stdin=PRIVATE_HOST).credential == ("ünï", secret)


_HUBS = ("docker.io", "index.docker.io", "registry-1.docker.io", "https://index.docker.io/v1", _HUB)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        *((name, _HUB) for name in _HUBS),
        ("https://Registry.Example.com/", "registry.example.com"),
        ("http://registry.example.com/v1/", "registry.example.com"),
        ("registry.example.com:5000", "registry.example.com:5000"),
        ("registry.example.com/team/app", "registry.example.com/team/app"),
        ("localhost:5000", "localhost:5000"),
    ],
)
def test_a_login_is_stored_under_the_server_url_that_clients_send(
    person: Machine, written: str, key: str
) -> None:
    person.run("login", "--unchecked", "-u", "a", "--password-stdin", written, stdin="b")
    assert json.loads(person.run("list").stdout) == {key: "a"}


@pytest.mark.parametrize(
    "written", ["", "-", "user@host.example", "a b", "ftp://host.example", "/x"]
)
def test_an_invalid_registry_is_a_usage_error(person: Machine, written: str) -> None:
    for command in (("login", "-u", "a", "--password-stdin"), ("logout",)):
        done = person.run(*command, "--", written, stdin="b")
        assert (done.status, done.codes) == (2, ["client.usage"])
        assert len(written) < 2 or written not in done.stderr
    assert not (person.home / _STORE).exists()


def test_a_logout_of_docker_hub_removes_the_tokens_of_a_login_by_browser(person: Machine) -> None:
    for path in ("", "access-token", "refresh-token"):
        document = {"ServerURL": f"{_HUB}{path}", "Username": "a", "Secret": "b"}
        assert person.run("store", stdin=json.dumps(document)).status == 0
    assert person.run("logout", "docker.io").status == 0
    assert json.loads(person.run("list").stdout) == {}


def test_a_logout_says_whether_there_was_a_login(person: Machine) -> None:
    login = {"ServerURL": PRIVATE_HOST, "Username": "a", "Secret": "b"}
    path = {"PATH": person.scripts.path}
    for helper in (None, "team"):
        if helper:
            person.scripts.keeping(helper)
            person.config(credsStore=helper)
        assert person.run("store", stdin=json.dumps(login), **path).status == 0
        for said in ("the login to {} is removed", "no login to {} is kept"):
            done = person.run("logout", PRIVATE_HOST, **path)
            assert (done.status, done.stdout.decode()) == (0, f"{said.format(PRIVATE_HOST)}\n")


def test_logout_names_a_source_that_still_answers(person: Machine) -> None:
    config = {"auths": {PRIVATE_HOST: {"username": USERNAME, "password": PASSWORD}}}
    path = person.write(".docker/config.json", json.dumps(config))
    done = person.run("logout", PRIVATE_HOST)
    assert (done.status, done.codes) == (0, ["login.still-answered"])
    assert f"~/.docker/{path.name}" in done.stderr
    assert PASSWORD not in done.stderr


def test_a_helper_that_cannot_keep_it_fails_the_login(person: Machine) -> None:
    person.write(".docker/config.json", json.dumps({"credsStore": "team"}))
    person.helper("team", "echo the vault is closed; exit 1")
    login = ("login", "--unchecked", "-u", "a", "--password-stdin", PRIVATE_HOST)
    done = person.run(*login, stdin="hunter2")
    assert done.status == 1
    assert "docker-credential-team" in done.stderr
    assert "hunter2" not in done.stderr


def test_the_time_to_type_is_not_taken_from_the_helpers(person: Machine) -> None:
    person.write(".docker/config.json", json.dumps({"credsStore": "team"}))
    keep = 'sleep 0.5; read -r it; echo "$it" >"$HOME/it"'
    answer = 'read -r it <"$HOME/it"; echo "$it"'
    person.helper("team", f"case $1 in store) {keep};; get) {answer};; esac")
    login = f"login --unchecked -u a --password-stdin {PRIVATE_HOST}"
    done = subprocess.run(
        ["sh", "-c", f"(sleep 3; echo hunter2) | {shlex.quote(str(person.program))} {login}"],
        env=person.environment
        | {"DOCKER_CREDENTIAL_MULTI_DEADLINE_S": "2", "PATH": f"{person.programs}:{os.defpath}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "the login is kept in docker-credential-team" in done.stdout


def test_ctrl_c_at_the_prompt_keeps_nothing(person: Machine) -> None:
    answers = (("Password: ", "hunt\x03"),)
    status, seen = person.at_terminal("login", "-u", "a", PRIVATE_HOST, answers=answers)
    assert (status, "aborted" in seen) == (130, True)
    assert not (person.home / _STORE).exists()
