"""docker with an engine: Debian's, and the newest that the Go modules have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.outside.client import Client
from tests.outside.engines.daemon import daemon

_DEBIANS = ("/usr/bin/docker", "/usr/sbin/dockerd")


@contextmanager
def dockerd(
    folder: Path, variables: Mapping[str, str], programs: tuple[str, str] = _DEBIANS
) -> Iterator[Mapping[str, str]]:
    """An engine, with images of its own."""
    docker, program = programs
    found = {"DOCKER_HOST": f"unix://{folder}/docker.sock"}
    command = (
        *(program, "--host", found["DOCKER_HOST"], "--pidfile", f"{folder}/pid"),
        *("--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"),
        *("--iptables=false", "--bridge=none", "--storage-driver=vfs"),
    )
    with daemon(folder, {**variables, **found}, command, (docker, "info")):
        yield found


def _client(variant: str, programs: tuple[str, str], **variables: str) -> Client:
    docker, program = programs
    return Client(
        {"docker": f"{docker} --version", "dockerd": f"{program} --version"},
        {
            # Before anything else has asked: the classic builder takes what `list` has.
            "build": (f"{docker} build --pull --network host --tag {{built}} {{context}}",),
            "login": (f"{docker} login {{server}}",),
            "pull": (f"{docker} pull {{image}}",),
            "push": (f"{docker} tag {{image}} {{built}}", f"{docker} push {{built}}"),
            "logout": (f"{docker} logout {{server}}",),
        },
        login=(f"{docker} login --username {{username}} --password-stdin {{server}}",),
        variant=variant,
        hub="",
        variables=variables,
        service=lambda folder, environment: dockerd(folder, environment, programs),
    )


CLIENTS = (
    _client("classic builder", _DEBIANS, DOCKER_BUILDKIT="0"),
    _client("BuildKit", _DEBIANS, DOCKER_BUILDKIT="1"),
)
