"""The machine of a registry client: its environment, and a configuration that names this program.

Every client reaches its registries through the loopback proxy. There is no engine and no keychain.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.clouds.proxy import TerminatingProxy
from tests.support.executable import NOT_FOUND
from tests.support.machine import Machine


def client_machine(proxy: TerminatingProxy, home: Path) -> Machine:
    runtime = home / "runtime"
    runtime.mkdir()
    variables = {
        **proxy.environment(),
        # podman and its relatives keep their logins here; root's would be outside the home.
        "XDG_RUNTIME_DIR": str(runtime),
        # docker logs in by itself where no engine answers.
        "DOCKER_HOST": f"unix://{home}/no-engine.sock",
    }
    return Machine(home, **variables)


def name_multi(machine: Machine, place: str, *hosts: str) -> None:
    """Name us as `credsStore`, as `credHelpers` of these hosts, or in `registries.conf`."""
    match place:
        case "credsStore":
            machine.config(credsStore="multi")
        case "credHelpers":
            machine.config(credHelpers=dict.fromkeys(hosts, "multi"))
            # podman and its relatives write logins to docker's file only if it is named here.
            machine.environment["REGISTRY_AUTH_FILE"] = str(machine.config_file)
        case "registries.conf":
            name_in_registries_conf(machine, "multi")
        case _:
            raise ValueError(place)


def name_in_registries_conf(machine: Machine, *helpers: str) -> None:
    """Name helpers for every registry to podman, skopeo and buildah."""
    line = f"credential-helpers = {json.dumps(helpers)}\n"
    machine.write(".config/containers/registries.conf", line)


def stored(machine: Machine, server_url: str) -> tuple[str, str] | None:
    """The user name and secret that we answer for a server URL; ``None`` if not found."""
    done = machine.get(server_url)
    if done.stdout == NOT_FOUND:
        return None
    assert done.status == 0, done
    return done.document["Username"], done.document["Secret"]
