"""The docker CLI, where it is unlike the others."""

from __future__ import annotations

import pytest

from tests.clients.clients import DOCKER, PullFailed
from tests.clients.machine import name_multi, stored
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
from tests.support.machine import Machine

pytestmark = needs_docker

HUB_KEY = "https://index.docker.io/v1/"


def test_a_login_leaves_nothing_but_a_marker_in_config_json(
    machine: Machine, private: Private
) -> None:
    name_multi(machine, "credsStore")
    DOCKER.log_in(machine, HOST, USERNAME, PASSWORD)
    assert machine.config_document == {"auths": {HOST: {}}, "credsStore": "multi"}
    # The marker is nothing to us either.
    DOCKER.log_out(machine, HOST)
    assert stored(machine, HOST) is None


def test_a_login_that_the_registry_refuses_leaves_nothing_behind(
    machine: Machine, private: Private
) -> None:
    name_multi(machine, "credsStore")
    login = ("login", "--username", USERNAME, "--password-stdin", HOST)
    machine.call(DOCKER.program, *login, stdin="a guess")
    assert stored(machine, HOST) is None


def test_docker_keeps_an_identity_token_instead_of_the_password(
    machine: Machine, proxy: TerminatingProxy
) -> None:
    with ours(proxy, IdentityTokenRegistry()) as private:
        name_multi(machine, "credsStore")
        DOCKER.log_in(machine, HOST, USERNAME, PASSWORD)
        assert stored(machine, HOST) == (IDENTITY_TOKEN, IDENTITY)
        assert DOCKER.pull(machine, IMAGE) == private.image.digest
        DOCKER.log_out(machine, HOST)
        assert stored(machine, HOST) is None
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
        name_multi(machine, "credsStore")
        login = ("login", "--username", USERNAME, "--password-stdin")
        machine.succeed(DOCKER.program, *login, stdin=PASSWORD)
        assert stored(machine, HUB_KEY) == (USERNAME, PASSWORD)
        # What a login in the browser would have kept besides is not the password.
        assert stored(machine, f"{HUB_KEY}refresh-token") is None
        assert DOCKER.pull(machine, "alpine") == image.digest
        machine.succeed(DOCKER.program, "logout")
        assert stored(machine, HUB_KEY) is None
        with pytest.raises(PullFailed):
            DOCKER.pull(machine, "alpine")
        assert hub.logins == [Login("registry-1.docker.io", USERNAME, "basic", accepted=True)]
