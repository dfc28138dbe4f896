"""Every identity source of every cloud: ``identities.py`` of its folder in ``tests/clouds``."""

from __future__ import annotations

from typing import Any

from tests.clouds.loopback import modules
from tests.support.identity import LISTED, Environment, Identity
from tests.support.machine import Machine

_BY_CLOUD = {
    cloud: [identity for identity in LISTED if identity.cloud == cloud]
    for cloud in modules("identities")
}
IDENTITIES = [identity for found in _BY_CLOUD.values() for identity in found]


def of_cloud(name: str) -> list[Identity]:
    return _BY_CLOUD.get(name, [])


def one_of_each(machine: Machine, running: dict[str, Any]) -> Environment:
    """The variables of one identity at every cloud."""
    environment: Environment = {}
    for name, cloud in running.items():
        known = of_cloud(name)
        environment |= known[0].make(machine, cloud) if known else cloud.identity(machine.home)
    return environment
