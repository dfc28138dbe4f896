"""Every client logs in to a private registry, pulls and logs out, with us as its helper."""

from __future__ import annotations

import pytest

from tests.clients.clients import Client, PullFailed
from tests.clients.machine import name_multi, stored
from tests.clients.marks import every_client, every_client_and_place
from tests.clients.private import (
    HOST,
    IMAGE,
    PASSWORD,
    PUBLIC_IMAGE,
    USERNAME,
    Private,
    accepts,
    ours,
)
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.support.machine import Machine


@every_client_and_place
def test_a_stored_login_pulls_until_the_logout(
    machine: Machine, private: Private, client: Client, place: str
) -> None:
    name_multi(machine, place, HOST)
    with pytest.raises(PullFailed):
        client.pull(machine, IMAGE)
    client.log_in(machine, HOST, USERNAME, PASSWORD)
    assert stored(machine, HOST) == (USERNAME, PASSWORD)
    assert client.pull(machine, IMAGE) == private.image.digest
    client.log_out(machine, HOST)
    assert stored(machine, HOST) is None
    with pytest.raises(PullFailed):
        client.pull(machine, IMAGE)
    assert all(login.accepted for login in private.logins)


@every_client
def test_a_public_image_needs_no_credential(
    machine: Machine, proxy: TerminatingProxy, client: Client
) -> None:
    with ours(proxy, Registry(accepts, auth="token", public=["public/app"])) as private:
        name_multi(machine, client.named_in[0], HOST)
        assert client.pull(machine, PUBLIC_IMAGE) == private.image.digest
        assert private.logins == []
