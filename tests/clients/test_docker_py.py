"""docker-py: its credential store, and what it makes of config.json.

The cases of the store are those of docker-py's own integration suite.
"""

from __future__ import annotations

import pytest
from docker.auth import AuthConfig, load_config, resolve_authconfig
from docker.credentials import CredentialsNotFound, Store, StoreError
from docker.errors import DockerException

from tests.clients.machine import name_multi
from tests.clients.private import HOST, PASSWORD, USERNAME
from tests.support.machine import Machine

OTHER = "other.example"
HUB_KEY = "https://index.docker.io/v1/"


@pytest.fixture(autouse=True)
def _in_process(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in machine.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def store(machine: Machine) -> Store:
    name_multi(machine, "credsStore")
    return Store("multi")


def test_a_login_is_stored_stored_again_and_erased(store: Store) -> None:
    with pytest.raises(CredentialsNotFound):
        store.get(HOST)
    store.erase(HOST)
    for login in (("another user", "an old password"), (USERNAME, PASSWORD)):
        store.store(HOST, *login)
    assert store.get(HOST) == {"ServerURL": HOST, "Username": USERNAME, "Secret": PASSWORD}
    assert store.get(HOST.encode())["Secret"] == PASSWORD
    store.erase(HOST)
    with pytest.raises(CredentialsNotFound):
        store.get(HOST)


@pytest.mark.parametrize(
    "secret", ["ünïcödé ☃ 🐳", "line\nbreak\ttab", 'quotes " and \\ backslashes', "s" * 100_000]
)
def test_a_secret_of_any_characters_comes_back_as_it_went(store: Store, secret: str) -> None:
    store.store(HOST, "jörg@exämple", secret)
    got = store.get(HOST)
    assert (got["Username"], got["Secret"]) == ("jörg@exämple", secret)


def test_the_list_has_user_names_and_no_secrets(store: Store) -> None:
    assert store.list() == {}
    store.store(HOST, USERNAME, PASSWORD)
    store.store(f"https://{OTHER}/v2/", "another user", PASSWORD)
    assert store.list() == {HOST: USERNAME, f"https://{OTHER}/v2/": "another user"}


def test_a_variable_of_the_callers_own_reaches_us(machine: Machine) -> None:
    name_multi(machine, "credsStore")
    elsewhere = machine.home / "elsewhere"
    elsewhere.mkdir()
    Store("multi", environment={"XDG_DATA_HOME": str(elsewhere)}).store(HOST, USERNAME, PASSWORD)
    assert Store("multi").list() == {}
    assert Store("multi", environment={"XDG_DATA_HOME": str(elsewhere)}).list() == {HOST: USERNAME}


def test_docker_py_reports_a_helper_that_is_not_on_path(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(machine.home))
    with pytest.warns(UserWarning, match="docker-credential-multi not installed"):
        store = Store("multi")
    with pytest.raises(StoreError):
        store.get(HOST)


@pytest.fixture
def config(store: Store, machine: Machine) -> AuthConfig:
    """What docker-py reads of a config.json with us as its store, and two logins in that."""
    store.store(HOST, USERNAME, PASSWORD)
    store.store(HUB_KEY, "<token>", "an identity token")
    return load_config()


def test_docker_py_resolves_the_login_of_an_image_and_all_for_a_build(config: AuthConfig) -> None:
    login = {"ServerAddress": HOST, "Username": USERNAME, "Password": PASSWORD}
    token = {"ServerAddress": HUB_KEY, "IdentityToken": "an identity token"}
    assert resolve_authconfig(config, HOST) == login
    assert resolve_authconfig(config) == resolve_authconfig(config, "docker.io") == token
    assert resolve_authconfig(config, OTHER) is None
    gathered = config.get_all_credentials()
    assert gathered[HOST]["Password"] == PASSWORD
    assert gathered["index.docker.io"]["IdentityToken"] == "an identity token"


def test_docker_py_raises_where_what_is_configured_is_broken(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_multi(machine, "credHelpers", HOST)
    monkeypatch.setenv("DOCKER_CREDENTIAL_MULTI_DEADLINE_S", "soon")
    with pytest.raises(DockerException, match="DEADLINE_S"):
        resolve_authconfig(load_config(), HOST)
