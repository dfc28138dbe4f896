"""The docker CLI, where it is unlike the others."""

from __future__ import annotations

import pytest

from tests.clients.clients import DOCKER, PullFailed
from tests.clients.machine import Machine
from tests.clients.marks import needs_docker
from tests.clients.private import (
    HOST,
    IDENTITY,
    IMAGE,
    PASSWORD,
    USERNAME,
    IdentityTokenRegistry,
    Private,
    accepts,
    ours,
)
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.clouds.tokens import IDENTITY_TOKEN, Login

pytestmark = needs_docker

HUB_KEY = "https://index.docker.io/v1/"


def test_a_login_leaves_nothing_but_a_marker_in_config_json(
    machine: Machine, private: Private
) -> None:
    machine.name_multi("credsStore")
    DOCKER.log_in(machine, HOST, USERNAME, PASSWORD)
    assert machine.config == {"auths": {HOST: {}}, "credsStore": "multi"}
    # The marker is nothing to us either.
    DOCKER.log_out(machine, HOST)
    assert machine.get(HOST) is None


def test_a_login_that_the_registry_refuses_leaves_nothing_behind(
    machine: Machine, private: Private
) -> None:
    machine.name_multi("credsStore")
    login = ("login", "--username", USERNAME, "--password-stdin", HOST)
    machine.fail(DOCKER.program, *login, stdin="a guess")
    assert machine.get(HOST) is None


def test_docker_keeps_an_identity_token_instead_of_the_password(
    machine: Machine, proxy: TerminatingProxy
) -> None:
    with ours(proxy, IdentityTokenRegistry()) as private:
        machine.name_multi("credsStore")
        DOCKER.log_in(machine, HOST, USERNAME, PASSWORD)
        assert machine.get(HOST) == (IDENTITY_TOKEN, IDENTITY)
        assert DOCKER.pull(machine, IMAGE) == private.image.digest
        DOCKER.log_out(machine, HOST)
        assert machine.get(HOST) is None
        assert private.logins == [
            Login(HOST, USERNAME, "basic", accepted=True),
            Login(HOST, IDENTITY_TOKEN, "refresh_token", accepted=True),
        ]


def test_docker_hub_is_known_by_the_key_that_docker_has_for_it(
    machine: Machine, proxy: TerminatingProxy
) -> None:
    with Registry(accepts, auth="token") as hub:
        proxy.route("registry-1.docker.io", hub)
        image = hub.seed_image("library/alpine")
        machine.name_multi("credsStore")
        login = ("login", "--username", USERNAME, "--password-stdin")
        machine.succeed(DOCKER.program, *login, stdin=PASSWORD)
        assert machine.get(HUB_KEY) == (USERNAME, PASSWORD)
        # What a login in the browser would have kept besides is not the password.
        assert machine.get(f"{HUB_KEY}refresh-token") is None
        assert DOCKER.pull(machine, "alpine") == image.digest
        machine.succeed(DOCKER.program, "logout")
        assert machine.get(HUB_KEY) is None
        with pytest.raises(PullFailed):
            DOCKER.pull(machine, "alpine")
        assert hub.logins == [Login("registry-1.docker.io", USERNAME, "basic", accepted=True)]
