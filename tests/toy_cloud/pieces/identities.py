"""The identity sources of the toy cloud."""

from __future__ import annotations

from tests.support.identity import OPTION, Environment, identity
from tests.support.machine import Machine

from . import TOKEN_HOST, ToyCloud

_ASKS = (f"POST {TOKEN_HOST}/v1/token",)


@identity("toycloud", "/v1/token", "oauth", "text", principal="machine", asks=_ASKS)
def a_key_in_a_variable(machine: Machine, cloud: ToyCloud) -> Environment:
    machine.marks.add(cloud.key, "TOY_KEY")
    return {"TOY_KEY": cloud.key}


@identity("toycloud", "/v1/token", "text", principal="team", asks=_ASKS)
def a_key_in_a_file(machine: Machine, cloud: ToyCloud) -> Environment:
    machine.write(".toy/key", f"{cloud.key}\n", 0o600)
    return {f"{OPTION}TOYCLOUD_ACCOUNT": "team"}
