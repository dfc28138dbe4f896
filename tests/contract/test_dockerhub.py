"""Docker Hub by an OIDC connection, on a loopback Docker and GitHub: what only this cloud does."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clouds.authority import Authority
from tests.clouds.dockerhub import CONNECTION_ID, HOSTS, ORGANIZATION, PREFIX, DockerHub
from tests.clouds.fixtures import authority, proxy
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.server import LoopbackServer, Received, Reply, json_reply
from tests.contract.test_cached_get import IS_FROZEN, expect_few_modules
from tests.support.executable import NOT_FOUND
from tests.support.machine import Machine

__all__ = ["authority", "proxy"]

KEY = "https://index.docker.io/v1/"
NAMES = (*HOSTS, KEY, "docker.io/library/alpine", "https://registry-1.docker.io/v2/", "DHI.io:443")
CONNECTION = "DOCKERHUB_OIDC_CONNECTIONID"
USERNAME = f"{PREFIX}_USERNAME"
OTHER = "repo:acme/other:ref:refs/heads/main"
LOGIN = {"auth": b64encode(b"person:password").decode()}


@pytest.fixture
def hub(authority: Authority, proxy: TerminatingProxy) -> Iterator[DockerHub]:
    with DockerHub(authority) as running:
        running.register(proxy)
        yield running


@pytest.fixture
def machine(home: Path, hub: DockerHub, proxy: TerminatingProxy) -> Machine:
    """A job of GitHub Actions that has the permission for an identity token, and nothing else."""
    return Machine(home, host="docker.io", cloud=hub, **(proxy.environment() | hub.job()))


@pytest.fixture
def connected(machine: Machine, hub: DockerHub) -> Machine:
    """The same with the connection and the name of the organization."""
    machine.use(hub.connection())
    return machine


# --- Which hosts, and when ------------------------------------------------------------------------


def test_one_token_opens_docker_hub_by_any_name_and_hardened_images(connected: Machine) -> None:
    first = connected.get().credential
    assert first[0] == ORGANIZATION
    for name in NAMES:
        assert connected.get(name).credential == first, name
    assert connected.cloud.exchanges == 1
    assert connected.logins().document == {KEY: ORGANIZATION}


@pytest.mark.parametrize(
    "name", [f"{KEY}access-token", f"{KEY}refresh-token", f"{KEY}/access-token", "docker.io:5000"]
)
def test_keys_of_docker_login_s_own_tokens_are_not_the_hub(connected: Machine, name: str) -> None:
    assert connected.get(name).stdout == NOT_FOUND
    assert connected.cloud.received == []


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {USERNAME: ORGANIZATION},
        # A fork's pull request has the variable without a value.
        {USERNAME: ORGANIZATION, CONNECTION: ""},
        # Docker's own action has the name as an input: its variable alone is not meant for us.
        {CONNECTION: CONNECTION_ID},
        {CONNECTION: "not even an id"},
    ],
)
def test_without_a_connection_nothing_changes(machine: Machine, variables: dict[str, str]) -> None:
    for name in NAMES:
        done = machine.get(name, **variables)
        assert (done.status, done.stdout, done.stderr) == (1, NOT_FOUND, "")
    machine.config(auths={KEY: LOGIN})
    assert machine.get(**variables).credential == ("person", "password")
    assert machine.get("registry-1.docker.io", **variables).credential[0] == "person"
    document = machine.run("explain", "--json", "docker.io", **variables).document
    assert (document["provider"], document["identity"]) == (None, None)
    assert "connection_id and username" in document["reason"]
    outside = {**variables, "GITHUB_ACTIONS": "", "ACTIONS_ID_TOKEN_REQUEST_URL": ""}
    assert "dockerhub" not in json.dumps(machine.run("doctor", "--json", **outside).document)
    assert machine.cloud.received == []


def test_a_connection_in_this_program_s_own_settings_needs_the_rest(machine: Machine) -> None:
    own = {f"{PREFIX}_CONNECTION_ID": CONNECTION_ID}
    assert machine.fail("docker.io", **own).codes == ["dockerhub.no-username"]
    machine.settings('[[rule]]\nmatch = "docker.io"\nprovider = "dockerhub"\n')
    assert machine.fail("docker.io").codes == ["dockerhub.no-connection"]
    machine.settings(f'[dockerhub]\nconnection_id = "{CONNECTION_ID}"\n')
    assert machine.fail(KEY).codes == ["dockerhub.no-username"]
    assert machine.get("gcr.io").stdout == NOT_FOUND


def test_a_job_of_another_system_gets_no_advice_for_a_refused_token(connected: Machine) -> None:
    for sign in ("GITLAB_CI", "CIRCLECI", "BITBUCKET_BUILD_NUMBER"):
        job = {"GITHUB_ACTIONS": "", "ACTIONS_ID_TOKEN_REQUEST_URL": "", sign: "1"}
        assert connected.fail("docker.io", **job).codes == ["dockerhub.other-job"]


def test_a_rule_chooses_the_connection_and_the_life_of_its_tokens(machine: Machine) -> None:
    other = "11111111-2222-4333-8444-555555555555"
    machine.cloud.rules[other] = ["repo:acme/*"]
    machine.settings(
        f'[dockerhub]\nusername = "{ORGANIZATION}"\n[[rule]]\nmatch = "dhi.io"\n'
        f'connection_id = "{other.upper()}"\nexpires_in = 3600\n'
    )
    assert machine.get("dhi.io").credential[0] == ORGANIZATION
    form = machine.cloud.received[-1].form
    assert (form["connection_id"], form["expires_in"]) == (other, "3600")
    assert machine.get("docker.io").stdout == NOT_FOUND
    assert machine.get("docker.io", **{CONNECTION: CONNECTION_ID}).status == 0
    assert machine.cloud.received[-1].form["expires_in"] == "900"


# --- Logins ---------------------------------------------------------------------------------------


def test_a_login_to_docker_hub_is_stored_and_answers_without_a_connection(
    connected: Machine,
) -> None:
    done = connected.store(KEY, "person", "password")
    assert (done.status, done.stderr) == (0, "")
    assert connected.get().credential[0] == ORGANIZATION
    assert connected.get(KEY, **{CONNECTION: ""}).credential == ("person", "password")
    assert connected.erase(KEY).status == 0
    assert connected.get(KEY, **{CONNECTION: ""}).stdout == NOT_FOUND
    assert connected.get().credential[0] == ORGANIZATION
    assert connected.cloud.exchanges == 2, "a logout forgets the cached token"


def test_a_login_answers_with_a_warning_where_the_connection_fails(connected: Machine) -> None:
    connected.config(auths={KEY: LOGIN})
    connected.cloud.rules.clear()
    done = connected.get()
    assert (done.document["Username"], done.codes) == ("person", ["dockerhub.refused"])


@pytest.mark.parametrize(("realm", "status"), [("auth.docker.io", 0), ("tokens.example", 1)])
def test_a_login_without_a_user_name_shows_the_token_to_docker_hub_and_nothing_else(
    connected: Machine, proxy: TerminatingProxy, realm: str, status: int
) -> None:
    def images(request: Received) -> Reply:
        challenge = f'Bearer realm="https://{realm}/token",service="registry.docker.io"'
        return Reply(200) if request.bearer == "t" else Reply(401, {"WWW-Authenticate": challenge})

    def tokens(request: Received) -> Reply:
        assert request.basic is not None
        assert connected.cloud.issued(*request.basic, "docker.io")
        return json_reply({"token": "t"})

    with LoopbackServer() as server:
        server.on("GET", "/v2/", images, host="registry-1.docker.io")
        server.on("GET", "/token", tokens, host="auth.docker.io")
        for host in ("registry-1.docker.io", realm):
            proxy.route(host, server)
        done = connected.run("login", "docker.io")
        assert len(server.received_at("/token")) == (status == 0)
    assert done.status == status
    assert status == 0 or done.codes == ["login.endpoint-elsewhere"]


# --- Whose token ----------------------------------------------------------------------------------


def test_two_jobs_on_one_runner_have_a_token_each(connected: Machine) -> None:
    first = connected.get().credential[1]
    other = connected.get(**connected.cloud.job(OTHER)).credential[1]
    assert connected.cloud.subject_of(first) != connected.cloud.subject_of(other) == OTHER
    assert connected.get().credential[1] == first
    assert connected.cloud.exchanges == 2


def test_the_life_of_a_token_is_its_own_or_else_that_of_its_reply(connected: Machine) -> None:
    for connected.cloud.says_expiry in (True, False):
        exchanges = connected.cloud.exchanges
        first = connected.get().credential
        connected.age(590)
        assert connected.get().credential == first
        connected.age(20)
        assert connected.get().credential != first
        assert connected.cloud.exchanges == exchanges + 2
        connected.age(900)


@pytest.mark.skipif(IS_FROZEN, reason="the frozen file reports no imports")
def test_a_cached_answer_loads_nothing_besides_what_other_clouds_do(connected: Machine) -> None:
    connected.get()
    expect_few_modules(connected, "docker.io")


# --- Refusals -------------------------------------------------------------------------------------


def test_a_refusal_says_which_subject_which_connection_and_why(connected: Machine) -> None:
    done = connected.fail("docker.io", **connected.cloud.job("repo:stranger/app:pull_request"))
    assert done.codes == ["dockerhub.refused"]
    for word in ("repo:stranger/app:pull_request", CONNECTION_ID, "403", "no ruleset has"):
        assert word in done.stderr
    connected.cloud.rules.clear()
    assert "404" in connected.fail("dhi.io").stderr
    connected.cloud.fail(
        "/oauth/token", json_reply({"errors": [{"code": "no_ruleset_matches"}]}, 403)
    )
    assert "no_ruleset_matches" in connected.fail("docker.io").stderr


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ({"audience": "sts.amazonaws.com"}, "oidc.wrong-audience"),
        ({"lives_s": -300}, "oidc.expired"),
        (None, "oidc.not-a-token"),
    ],
)
def test_a_token_that_docker_would_refuse_is_not_sent(
    connected: Machine, token: dict[str, object] | None, code: str
) -> None:
    text = "not a token" if token is None else connected.cloud.id_token(**token)
    variables = {f"{PREFIX}_ID_TOKEN": "env:JOB_TOKEN", "JOB_TOKEN": text}
    assert connected.fail("docker.io", **variables).codes == [code]
    assert connected.cloud.received == []


@pytest.mark.parametrize("token", ["", "two words", "tokén", "half \ud800", "line\n", 5, None])
def test_a_reply_without_a_valid_token_is_an_error(connected: Machine, token: object) -> None:
    connected.cloud.fail("/oauth/token", json_reply({"access_token": token, "expires_in": 900}))
    assert connected.fail("docker.io").codes == ["dockerhub.no-token"]


def test_a_job_without_the_permission_gets_the_line_that_the_workflow_lacks(
    connected: Machine,
) -> None:
    done = connected.fail("docker.io", ACTIONS_ID_TOKEN_REQUEST_TOKEN="")
    assert done.codes == ["oidc.github-permission"]
    assert "id-token: write" in done.stderr


@pytest.mark.parametrize(("retry_after", "times", "requests"), [("1", 1, 2), ("0", 2, 3)])
def test_a_short_wait_ends(connected: Machine, retry_after: str, times: int, requests: int) -> None:
    busy = json_reply({"description": "slow down"}, 429, {"Retry-After": retry_after})
    connected.cloud.fail("/oauth/token", busy, times=times)
    assert connected.get().credential[0] == ORGANIZATION
    assert len(connected.cloud.received_at("/oauth/token")) == requests


@pytest.mark.parametrize("headers", [{"Retry-After": "600"}, {}, {"Retry-After": "tomorrow"}])
def test_the_error_of_a_long_wait_has_its_seconds(
    connected: Machine, headers: dict[str, str]
) -> None:
    connected.cloud.fail("/oauth/token", json_reply({}, 429, headers))
    done = connected.fail("docker.io")
    assert done.codes == ["network.throttled"]
    assert ("600 s" in done.stderr) == (headers.get("Retry-After") == "600")
    assert len(connected.cloud.received_at("/oauth/token")) == 1


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({CONNECTION: CONNECTION_ID[:-1]}, "dockerhub.bad-connection"),
        ({CONNECTION: CONNECTION_ID.replace("-", "_")}, "dockerhub.bad-connection"),
        ({USERNAME: "acme inc"}, "dockerhub.bad-username"),
        ({USERNAME: "acme:x"}, "dockerhub.bad-username"),
        ({"DOCKERHUB_OIDC_EXPIREIN": "299"}, "dockerhub.bad-expiry"),
        ({"DOCKERHUB_OIDC_EXPIREIN": "21601"}, "dockerhub.bad-expiry"),
        ({"DOCKERHUB_OIDC_EXPIREIN": "5m"}, "dockerhub.bad-expiry"),
        ({f"{PREFIX}_EXPIRES_IN": "-300"}, "dockerhub.bad-expiry"),
    ],
)
def test_a_wrong_value_is_named(connected: Machine, variables: dict[str, str], code: str) -> None:
    done = connected.fail("docker.io", **variables)
    assert done.codes == [code]
    assert next(iter(variables)) in done.stderr
    assert connected.cloud.received == []


def test_white_space_around_a_value_is_ignored(connected: Machine) -> None:
    spaced = {CONNECTION: f" {CONNECTION_ID}\n", USERNAME: f"{ORGANIZATION} "}
    assert connected.get(**spaced, DOCKERHUB_OIDC_EXPIREIN=" 600 ").credential[0] == ORGANIZATION
