"""docker with an engine: Debian's, the next Debian's, and the newest that the Go modules have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.outside import newer_debian
from tests.outside.client import PROGRAMS, Client, Run
from tests.outside.engines.daemon import daemon

_DEBIANS = ("/usr/bin/docker", "/usr/sbin/dockerd")
_NEWER = (newer_debian.program("docker"), newer_debian.program("dockerd"))
_NEWEST = (str(PROGRAMS / "docker-cli"), newer_debian.program("moby"))
_FILES = {
    "compose.yaml": (
        "services:\n"
        '  pulled: {{image: "{image}"}}\n'
        '  built: {{image: "{built}", build: {{context: ., network: none, pull: true}}}}\n'
    ),
    "docker-bake.hcl": (
        'target "default" {{\n  context = "{context}"\n  network = "none"\n  pull = true\n'
        '  tags = ["{built}"]\n}}\n'
    ),
}
_BAKE = "buildx bake --file {context}/docker-bake.hcl"
_COMPOSE = "compose --project-directory {context}"


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


Operation = tuple[str, ...] | Callable[[Run], None]


def _with_files(*commands: str) -> Operation:
    """Commands that read a file in the context, or are a plugin of the newest docker."""

    def operation(run: Run) -> None:
        for name, content in _FILES.items():
            (run.context / name).write_text(run.filled(content))
        plugins = run.machine.home / ".docker/cli-plugins"
        if commands[0].startswith(_NEWEST[0]) and not plugins.exists():
            plugins.mkdir()
            for name in ("buildx", "compose"):
                (plugins / f"docker-{name}").symlink_to(PROGRAMS / name)
        run.call(*commands)

    return operation


def _client(
    variant: str,
    programs: tuple[str, str],
    plugin: tuple[str, str] | None = None,
    operations: Mapping[str, str] | None = None,
    **variables: str,
) -> Client:
    docker, program = programs
    version = f"{PROGRAMS}/moby" if programs == _NEWEST else f"{program} --version"
    versions = {"docker": f"{docker} --version", "dockerd": version}
    if plugin:
        versions = dict([plugin, *versions.items()] if operations else [*versions.items(), plugin])
    whole: dict[str, Operation] = {
        # First, before any login: the classic builder takes the hosts of `list`.
        "build": _with_files(f"{docker} build --pull --network host --tag {{built}} {{context}}"),
        "login": (f"{docker} login {{server}}",),
        "pull": (f"{docker} pull {{image}}",),
        "push": (f"{docker} tag {{image}} {{built}}", f"{docker} push {{built}}"),
        "logout": (f"{docker} logout {{server}}",),
    }
    if operations:
        whole = {"login": ()}
        whole |= {name: _with_files(f"{docker} {words}") for name, words in operations.items()}
    return Client(
        versions,
        whole,
        login=(f"{docker} login --username {{username}} --password-stdin {{server}}",),
        variant=variant,
        hub="",
        variables=variables,
        service=lambda folder, environment: dockerd(folder, environment, programs),
        files=tuple(map(Path, programs)),
    )


def _with_plugins(
    variant: str, programs: tuple[str, str], buildx: str, compose: str
) -> Iterator[Client]:
    yield _client(variant, programs, ("buildx", buildx))
    baked = {"build": _BAKE, "push": f"{_BAKE} --push"}
    yield _client(f"bake, {variant}", programs, ("buildx", buildx), baked)
    composed = {name: f"{_COMPOSE} {name}" for name in ("pull", "build", "push")}
    composed["push"] += " built"
    composed["pull"] += " pulled"
    yield _client(variant, programs, ("compose", compose), composed)


CLIENTS = (
    _client("classic builder", _DEBIANS, DOCKER_BUILDKIT="0"),
    _client("BuildKit", _DEBIANS, DOCKER_BUILDKIT="1"),
    *_with_plugins(
        "Debian 14", _NEWER, f"{_NEWER[0]} buildx version", f"{_NEWER[0]} compose version"
    ),
    *_with_plugins("newest", _NEWEST, f"{PROGRAMS}/buildx version", f"{PROGRAMS}/compose version"),
)
