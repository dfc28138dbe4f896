"""podman and buildah, on images of their own in a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.outside import newer_debian
from tests.outside.client import Client


@contextmanager
def _storage(folder: Path, _: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    storage, settings = folder / "storage.conf", folder / "containers.conf"
    storage.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
    )
    settings.write_text(
        # Lower than on any machine: root in a container may not raise its own limits.
        '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
        '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
    )
    yield {
        "CONTAINERS_STORAGE_CONF": str(storage),
        "CONTAINERS_CONF": str(settings),
        "BUILDAH_ISOLATION": "chroot",
        "TMPDIR": str(folder),
    }


def _client(name: str, program: str = "", variant: str = "") -> Client:
    program = program or name
    return Client(
        {name: f"{program} --version"},
        {
            "login": (f"{program} login {{server}}",),
            "pull": (f"{program} pull {{image}}",),
            "build": (f"{program} build --pull-always --network host --tag {{built}} {{context}}",),
            "push": (f"{program} push {{built}}",),
            "logout": (f"{program} logout {{server}}",),
        },
        login=(f"{program} login --username {{username}} --password-stdin {{server}}",),
        variant=variant,
        service=_storage,
    )


CLIENTS = (
    *(_client(name) for name in ("podman", "buildah")),
    *(_client(name, newer_debian.program(name), "Debian 14") for name in ("podman", "buildah")),
)
