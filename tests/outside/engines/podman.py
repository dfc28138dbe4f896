"""podman and buildah, on images of their own in a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.outside.client import Client


@contextmanager
def _storage(folder: Path, _: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    storage, settings = folder / "storage.conf", folder / "containers.conf"
    storage.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
    )
    settings.write_text('[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n')
    yield {
        "CONTAINERS_STORAGE_CONF": str(storage),
        "CONTAINERS_CONF": str(settings),
        "BUILDAH_ISOLATION": "chroot",
        "TMPDIR": str(folder),
    }


def _client(name: str) -> Client:
    return Client(
        {name: f"{name} --version"},
        {
            "login": (f"{name} login {{server}}",),
            "pull": (f"{name} pull {{image}}",),
            "build": (f"{name} build --pull-always --network host --tag {{built}} {{context}}",),
            "push": (f"{name} push {{built}}",),
            "logout": (f"{name} logout {{server}}",),
        },
        login=(f"{name} login --username {{username}} --password-stdin {{server}}",),
        service=_storage,
    )


CLIENTS = (_client("podman"), _client("buildah"))
