"""Settings and link names with real clients: replaced helpers and aliases."""

from __future__ import annotations

import pytest

from tests.clients.clients import Client
from tests.clients.hosted import Hosted
from tests.clients.machine import name_multi
from tests.clients.marks import every_client
from tests.clouds import aws, azure, google
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.support.executable import EXECUTABLE
from tests.support.machine import Machine

_REPLACED = {
    aws.EXAMPLE_HOST: ("ecr-login", "env"),
    google.EXAMPLE_HOST: ("gcr", "gcloud"),
    azure.EXAMPLE_HOST: ("acr-env", "acr"),
}


@every_client
def test_a_config_that_names_another_helper_is_right_with_our_file_in_its_place(
    machine: Machine, hosted: Hosted, client: Client
) -> None:
    (machine.programs / "docker-credential-multi").unlink()
    machine.use(hosted.identity)
    if hosted.host not in _REPLACED:
        pytest.skip("no helper of its own is replaced")
    for name in _REPLACED[hosted.host]:
        (machine.programs / f"docker-credential-{name}").symlink_to(EXECUTABLE)
        name_multi(machine, "credHelpers", hosted.host)
        machine.config(credHelpers={hosted.host: name})
        assert client.pull(machine, hosted.image_name) == hosted.image.digest
    assert hosted.registry.logins == [hosted.login]


@every_client
def test_an_alias_opens_the_mirror_of_a_clouds_registry(
    machine: Machine, proxy: TerminatingProxy, hosted: Hosted, client: Client
) -> None:
    machine.use(hosted.identity)
    name_multi(machine, client.named_in[0], "mirror.corp.test")
    rule = f'rule = [{{match = "*.corp.test", alias = "{hosted.host}"}}]'
    machine.use({"DOCKER_CREDENTIAL_MULTI_RULES": rule})
    with Registry(lambda name, secret, _: hosted.cloud.issued(name, secret, hosted.host)) as mirror:
        proxy.route("mirror.corp.test", mirror)
        image = mirror.seed_image("team/app", "1")
        assert client.pull(machine, "mirror.corp.test/team/app:1") == image.digest
    assert [login.accepted for login in mirror.logins] == [True]
