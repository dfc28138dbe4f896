"""docker with an engine: Debian's, and the newest that the Go modules have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.outside.client import Client
from tests.outside.engines.daemon import daemon


@contextmanager
def _dockerd(
    docker: str, dockerd: str, folder: Path, variables: Mapping[str, str]
) -> Iterator[Mapping[str, str]]:
    found = {"DOCKER_HOST": f"unix://{folder}/docker.sock"}
    command = (
        *(dockerd, "--host", found["DOCKER_HOST"], "--pidfile", f"{folder}/pid"),
        *("--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"),
        *("--iptables=false", "--bridge=none", "--storage-driver=vfs"),
    )
    with daemon(folder, {**variables, **found}, command, (docker, "info")):
        yield found


def _client(variant: str, docker: str, dockerd: str, **variables: str) -> Client:
    return Client(
        {"docker": f"{docker} --version", "dockerd": f"{dockerd} --version"},
        {
            "login": (f"{docker} login {{server}}",),
            "pull": (f"{docker} pull {{image}}",),
            "build": (f"{docker} build --pull --network host --tag {{built}} {{context}}",),
            "push": (f"{docker} push {{built}}",),
            "logout": (f"{docker} logout {{server}}",),
        },
        login=(f"{docker} login --username {{username}} --password-stdin {{server}}",),
        variant=variant,
        hub="",
        variables=variables,
        service=lambda folder, environment: _dockerd(docker, dockerd, folder, environment),
    )


_DEBIANS = ("/usr/bin/docker", "/usr/sbin/dockerd")
CLIENTS = (
    _client("classic builder", *_DEBIANS, DOCKER_BUILDKIT="0"),
    _client("BuildKit", *_DEBIANS, DOCKER_BUILDKIT="1"),
)
