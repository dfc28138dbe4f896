"""Every client against a registry of each cloud, with what the cloud issued to us."""

from __future__ import annotations

import re

import pytest

from tests.clients.clients import DOCKER, SKOPEO, Client, PullFailed
from tests.clients.hosted import Hosted
from tests.clients.machine import name_in_registries_conf, name_multi, stored
from tests.clients.marks import every_client, every_client_and_place, needs_docker, needs_skopeo
from tests.clients.private import HOST, PASSWORD, USERNAME, Private
from tests.clouds import aws, azure, google
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.support.machine import Machine


@every_client_and_place
def test_a_client_that_knows_nothing_but_our_name_pulls(
    machine: Machine, hosted: Hosted, client: Client, place: str
) -> None:
    machine.use(hosted.identity)
    name_multi(machine, place, hosted.host)
    assert client.pull(machine, hosted.image_name) == hosted.image.digest
    assert hosted.registry.logins == [hosted.login]
    assert hosted.cloud.exchanges == 1


@every_client
def test_a_login_with_a_piped_token_succeeds_and_changes_nothing(
    machine: Machine, hosted: Hosted, client: Client
) -> None:
    machine.use(hosted.identity)
    name_multi(machine, client.named_in[0], hosted.host)
    issued = stored(machine, hosted.host)
    assert issued is not None
    client.log_in(machine, hosted.host, *issued)
    assert client.pull(machine, hosted.image_name) == hosted.image.digest
    client.log_out(machine, hosted.host)
    renewed = stored(machine, hosted.host)
    assert renewed is not None
    assert hosted.cloud.issued(*renewed, hosted.host)
    assert hosted.registry.logins == [hosted.login]


@every_client
@pytest.mark.parametrize(
    ("hosted", "broken"),
    [
        ("ecr", {"AWS_SECRET_ACCESS_KEY": "not the key's"}),
        ("gcr", {"GOOGLE_APPLICATION_CREDENTIALS": "/no/such/file.json"}),
        ("acr", {"AZURE_CLIENT_SECRET": "not the application's"}),
    ],
    indirect=["hosted"],
)
def test_a_clients_error_output_has_the_reason_of_the_identity(
    machine: Machine, hosted: Hosted, client: Client, broken: dict[str, str]
) -> None:
    machine.use({**hosted.identity, **broken})
    name_multi(machine, client.named_in[0], hosted.host)
    with pytest.raises(PullFailed, match=f"no credential for {re.escape(hosted.host)} from "):
        client.pull(machine, hosted.image_name)
    assert hosted.registry.logins == []


# The proxy refuses and records requests to clouds that are not there.
@pytest.mark.parametrize("host", [aws.PUBLIC_HOST, google.EXAMPLE_HOST, azure.EXAMPLE_HOST])
@every_client
def test_a_public_image_is_pulled_without_any_identity(
    machine: Machine, proxy: TerminatingProxy, client: Client, host: str
) -> None:
    with Registry(lambda *_: False, auth="token", public=["public/app"]) as registry:
        proxy.route(host, registry)
        image = registry.seed_image("public/app")
        name_multi(machine, client.named_in[0], host)
        assert client.pull(machine, f"{host}/public/app:latest") == image.digest
        assert registry.logins == []


@needs_docker
@pytest.mark.parametrize("private", ["token"], indirect=True)
def test_one_line_of_config_json_serves_every_registry(
    machine: Machine, all_hosted: dict[str, Hosted], private: Private
) -> None:
    name_multi(machine, "credsStore")
    for hosted in all_hosted.values():
        machine.use(hosted.identity)
    DOCKER.log_in(machine, HOST, USERNAME, PASSWORD)
    for hosted in all_hosted.values():
        assert DOCKER.pull(machine, hosted.image_name) == hosted.image.digest
        assert hosted.registry.logins == [hosted.login]
    assert stored(machine, HOST) == (USERNAME, PASSWORD)
    assert all(login.accepted for login in private.logins)


@needs_skopeo
@pytest.mark.parametrize(("source", "target"), [("ecr", "acr"), ("acr", "gcr"), ("gcr", "ecr")])
def test_an_image_goes_from_cloud_to_cloud(
    machine: Machine, all_hosted: dict[str, Hosted], source: str, target: str
) -> None:
    name_in_registries_conf(machine, "containers-auth.json", "multi")
    here, there = all_hosted[source], all_hosted[target]
    for hosted in (here, there):
        machine.use(hosted.identity)
    copied = f"{there.host}/team/copy:2"
    copy = ("copy", "--insecure-policy", f"docker://{here.image_name}", f"docker://{copied}")
    machine.succeed(SKOPEO.program, *copy)
    assert SKOPEO.pull(machine, copied) == here.image.digest
    assert there.registry.logins == [there.login]
