"""Credentials from variables that name a registry, and from those of CI systems."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.executable import Executable

_PAIR = {"DOCKER_registry_example_com_USR": "u", "DOCKER_registry_example_com_PSW": "p"}


def _pair(name: str, username: str = "u", password: str = "p") -> dict[str, str]:
    return {f"DOCKER_{name}_USR": username, f"DOCKER_{name}_PSW": password}


@pytest.mark.parametrize(
    ("name", "server_url"),
    [
        ("registry_example_com", "registry.example.com"),
        ("registry_example_com", "https://registry.example.com/v1/"),
        ("registry_example_com", "Registry.Example.COM"),
        ("registry_example_com", "registry.example.com:5000"),
        ("registry_example_com", "registry.example.com/team/image"),
        ("REGISTRY_EXAMPLE_COM", "registry.example.com"),
        ("my_registry_example_com", "my-registry.example.com"),
        ("example_com", "registry.example.com"),
        ("example_com", "a.b.c.example.com"),
        ("EXAMPLE_COM", "a.b.c.example.com"),
        ("localhost", "localhost:5000"),
        ("127_0_0_1", "127.0.0.1:5000"),
        ("azurecr_io", "myreg.azurecr.io"),
        ("index_docker_io", "https://index.docker.io/v1/"),
        ("docker_io", "https://index.docker.io/v1/"),
        ("index_docker_io", "docker.io"),
        ("docker_io", "registry-1.docker.io"),
    ],
)
def test_a_pair_answers_for_its_host(executable: Executable, name: str, server_url: str) -> None:
    assert executable.get(server_url, _pair(name)).credential == ("u", "p")


@pytest.mark.parametrize(
    ("name", "server_url"),
    [
        ("registry_example_com", "other.example.com"),
        ("registry_example_com", "example.com"),
        ("registry_example_com", "registry.example.com.evil.test"),
        ("registry_example_com", "evil.test/registry.example.com"),
        ("registry_example_com", "http://registry.example.com"),
        ("registry_example_com", "u@registry.example.com"),
        ("registry_example_com", "registry.example.com."),
        ("com", "registry.example.com"),
        ("COM", "example.com"),
        ("", "registry.example.com"),
        ("0_0_1", "127.0.0.1"),
        ("docker_io", "https://index.docker.io/v1/refresh-token"),
        ("docker_io", "https://index.docker.io/v1/access-token"),
    ],
)
def test_a_pair_is_for_no_other_host(executable: Executable, name: str, server_url: str) -> None:
    assert executable.get(server_url, _pair(name)).is_not_found


def test_the_pair_that_names_the_most_of_the_host_answers(executable: Executable) -> None:
    pairs = {
        **_pair("example_com", "domain"),
        **_pair("b_example_com", "subdomain"),
        **_pair("A_B_EXAMPLE_COM", "host"),
    }
    for host, username in (
        ("a.b.example.com", "host"),
        ("c.b.example.com", "subdomain"),
        ("c.example.com", "domain"),
    ):
        assert executable.get(host, pairs).credential == (username, "p")


@pytest.mark.parametrize("there", ["USR", "PSW"])
def test_half_a_pair_is_an_error(executable: Executable, there: str) -> None:
    half = {f"DOCKER_registry_example_com_{there}": "loopback-secret"}
    done = executable.get("registry.example.com", half)
    assert (done.status, done.codes) == (1, ["settings.half-pair"])
    for end in ("USR", "PSW"):
        assert f"DOCKER_registry_example_com_{end}" in done.stdout.decode()
    assert "loopback-secret" not in done.stderr


@pytest.mark.parametrize(("username", "password"), [("", ""), ("u", ""), ("", "p")])
def test_empty_values_have_no_effect(executable: Executable, username: str, password: str) -> None:
    pair = _pair("registry_example_com", username, password)
    assert executable.get("registry.example.com", pair).is_not_found


def test_a_user_name_and_password_may_be_anything(executable: Executable) -> None:
    pair = _pair("registry_example_com", 'ü"\\', "p:ä\n<token>\U0001f511")
    credential = executable.get("registry.example.com", pair).credential
    assert credential == ('ü"\\', "p:ä\n<token>\U0001f511")


_GITLAB = {
    "CI_REGISTRY": "registry.gitlab.example:5050",
    "CI_REGISTRY_USER": "gitlab-user",
    "CI_REGISTRY_PASSWORD": "gitlab-password",
    "CI_JOB_TOKEN": "job-token",
    "CI_DEPENDENCY_PROXY_SERVER": "gitlab.example:443",
    "CI_DEPENDENCY_PROXY_USER": "proxy-user",
    "CI_DEPENDENCY_PROXY_PASSWORD": "proxy-password",
}


def test_a_job_on_gitlab_has_its_registry_and_its_dependency_proxy(executable: Executable) -> None:
    for server_url in ("registry.gitlab.example:5050", "https://registry.gitlab.example:5050"):
        credential = executable.get(server_url, _GITLAB).credential
        assert credential == ("gitlab-user", "gitlab-password")
    for server_url in ("gitlab.example", "gitlab.example:443"):
        assert executable.get(server_url, _GITLAB).credential == ("proxy-user", "proxy-password")
    for server_url in (
        "registry.gitlab.example",
        "registry.gitlab.example:5051",
        "http://registry.gitlab.example:5050",
        "x.gitlab.example",
        "gitlab.example.evil.test",
    ):
        assert executable.get(server_url, _GITLAB).is_not_found


def test_a_jobs_token_is_enough_for_the_registry_of_gitlab(executable: Executable) -> None:
    variables = {"CI_REGISTRY": "registry.gitlab.com", "CI_JOB_TOKEN": "job-token"}
    credential = executable.get("registry.gitlab.com", variables).credential
    assert credential == ("gitlab-ci-token", "job-token")
    assert executable.get("gitlab.com", variables).is_not_found
    assert executable.get("registry.gitlab.com", {"CI_JOB_TOKEN": "job-token"}).is_not_found


def test_a_job_on_github_has_ghcr_with_a_token_alone_by_a_rule(executable: Executable) -> None:
    variables = {"GITHUB_TOKEN": "github-token", "GITHUB_ACTOR": "octocat"}
    assert executable.get("ghcr.io", variables).credential == ("octocat", "github-token")
    for server_url in ("ghcr.io:5000", "x.ghcr.io", "ghcr.io.evil.test", "github.com"):
        assert executable.get(server_url, variables).is_not_found
    token = {"GITHUB_TOKEN": "github-token"}
    assert executable.get("ghcr.io", token).is_not_found
    rule = 'rule = [{match = "ghcr.io", provider = "environment"}]'
    rules = {**token, "DOCKER_CREDENTIAL_MULTI_RULES": rule}
    assert executable.get("ghcr.io", rules).credential == ("github", "github-token")


def test_the_registries_of_a_ci_system_are_listed(executable: Executable) -> None:
    variables = {**_GITLAB, **_PAIR, "GITHUB_TOKEN": "github-token", "GITHUB_ACTOR": "octocat"}
    done = executable.run("list", environment=variables)
    assert done.document == {
        "ghcr.io": "octocat",
        "registry.gitlab.example:5050": "gitlab-user",
        "gitlab.example:443": "proxy-user",
    }
    assert "token" not in done.stdout.decode()


def _log_in(home: Path, host: str) -> None:
    (home / ".docker").mkdir()
    auths = f'{{"auths": {{"{host}": {{"username": "login", "password": "p"}}}}}}'
    (home / ".docker/config.json").write_text(auths)


def test_variables_of_the_host_come_before_a_login(executable: Executable, home: Path) -> None:
    _log_in(home, "registry.example.com")
    assert executable.get("registry.example.com", _PAIR).credential == ("u", "p")


def test_a_login_comes_before_what_lies_in_every_job(executable: Executable, home: Path) -> None:
    _log_in(home, "ghcr.io")
    variables = {"GITHUB_TOKEN": "github-token", "GITHUB_ACTOR": "octocat"}
    assert executable.get("ghcr.io", variables).credential == ("login", "p")


def test_by_a_rule_the_environment_comes_first(executable: Executable, home: Path) -> None:
    _log_in(home, "ghcr.io")
    environment = {
        "GITHUB_TOKEN": "github-token",
        "DOCKER_CREDENTIAL_MULTI_RULES": 'rule = [{match = "**", provider = "environment"}]',
        **_pair("azurecr_io", "principal"),
    }
    assert executable.get("ghcr.io", environment).credential == ("github", "github-token")
    assert executable.get("myreg.azurecr.io", environment).credential == ("principal", "p")
    del environment["GITHUB_TOKEN"]
    assert executable.get("ghcr.io", environment).credential == ("login", "p")
    done = executable.run(
        "store",
        stdin='{"ServerURL":"registry.test","Username":"u","Secret":"s"}',
        environment=environment,
    )
    assert (done.status, done.codes) == (0, ["store.answered-otherwise"])


def test_the_environment_can_be_switched_off(executable: Executable) -> None:
    off = {"DOCKER_CREDENTIAL_MULTI_DISABLED_PROVIDERS": "environment"}
    github = {"GITHUB_TOKEN": "github-token", "GITHUB_ACTOR": "octocat"}
    assert executable.get("registry.example.com", {**_PAIR, **off}).is_not_found
    assert executable.get("ghcr.io", {**github, **off}).is_not_found
    assert executable.run("list", environment={**github, **off}).document == {}
    order = {"DOCKER_CREDENTIAL_MULTI_ORDER": "cloud,config"}
    assert executable.get("registry.example.com", {**_PAIR, **order}).is_not_found
    assert executable.get("ghcr.io", {**github, **order}).is_not_found
    rule = 'rule = [{match = "registry.example.com", provider = "environment"}]'
    ruled = {**_PAIR, **off, "DOCKER_CREDENTIAL_MULTI_RULES": rule}
    assert executable.get("registry.example.com", ruled).credential == ("u", "p")
