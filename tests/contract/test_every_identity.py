"""Every identity of the catalogue gets a credential, by exactly the listed requests.

Each starts the executable: what a start imports of an SDK depends on the identity.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clouds.authority import Authority
from tests.clouds.aws.identities import keys_in_variables
from tests.clouds.azure.identities import a_client_secret
from tests.clouds.fixtures import authority, proxy
from tests.clouds.google.identities import a_user
from tests.clouds.loopback import loopbacks
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.server import Received
from tests.support.identities import IDENTITIES
from tests.support.identity import Identity, Make
from tests.support.machine import Machine

__all__ = ["authority", "proxy"]

pytestmark = pytest.mark.real_executable


@pytest.mark.parametrize("identity", IDENTITIES, ids=str)
def test_a_get_for_each_identity_sends_exactly_the_listed_requests(
    identity: Identity, authority: Authority, proxy: TerminatingProxy, home: Path
) -> None:
    loopback = loopbacks()[identity.cloud]
    cloud, _ = loopback.start(authority)
    with cloud:
        cloud.register(proxy)
        machine = Machine(home, host=identity.registry, cloud=cloud, **proxy.environment())
        machine.use({"PATH": machine.scripts.path})
        username, secret = machine.get(**identity.make(machine, cloud)).credential
    assert username == loopback.username
    assert cloud.issued(username, secret, identity.registry)
    assert not identity.principal or cloud.principal(secret).startswith(identity.principal)
    assert tuple(map(_line, cloud.received)) == identity.asks


_FIPS = """
openssl_conf = all
[all]
providers = providers
alg_section = algorithms
[algorithms]
default_properties = fips=yes
[providers]
fips = fips
[fips]
activate = 1
"""


@pytest.mark.parametrize(
    ("cloud", "make"),
    [
        ("ecr", keys_in_variables),
        ("gcr", a_user),
        ("acr", a_client_secret),
    ],
)
def test_a_configuration_of_openssl_without_its_provider_is_named(
    authority: Authority, proxy: TerminatingProxy, home: Path, cloud: str, make: Make
) -> None:
    # https://github.com/pyinstaller/pyinstaller/issues/8273
    loopback = loopbacks()[cloud]
    running, _ = loopback.start(authority)
    with running:
        running.register(proxy)
        machine = Machine(home, host=loopback.host, cloud=running, **proxy.environment())
        machine.use({"PATH": machine.scripts.path, "OPENSSL_MODULES": str(home)})
        machine.use({"OPENSSL_CONF": str(machine.write("fips.cnf", _FIPS))})
        done = machine.fail(loopback.host, **make(machine, running))
        assert done.codes == ["network.openssl-without-ciphers"]


def _line(request: Received) -> str:
    host = "" if request.host.startswith("127.0.0.1:") else request.host
    return f"{request.method} {host}{request.path}"
