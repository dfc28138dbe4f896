"""BuildKit and containerd, each with its own command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.outside import newer_debian
from tests.outside.client import Client
from tests.outside.engines.daemon import daemon

_CONTAINERD = newer_debian.program("containerd")


@contextmanager
def _buildkitd(folder: Path, variables: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    found = {"BUILDKIT_HOST": f"unix://{folder}/buildkitd.sock"}
    command = (
        *("buildkitd", "--addr", found["BUILDKIT_HOST"], "--root", f"{folder}/buildkit"),
        *("--containerd-worker=false", "--oci-worker=true", "--oci-worker-binary=runc"),
        *("--oci-worker-snapshotter=native", "--oci-worker-net=host"),
        *("--allow-insecure-entitlement=network.host",),
    )
    with daemon(folder, {**variables, **found}, command, ("buildctl", "debug", "workers")):
        yield found


@contextmanager
def _containerd(folder: Path, variables: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    address = f"{folder}/containerd.sock"
    settings = folder / "containerd.toml"
    settings.write_text(
        f'version = 2\nroot = "{folder}/root"\nstate = "{folder}/state"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        f'[grpc]\naddress = "{address}"\n'
    )
    found = {"CONTAINERD_ADDRESS": address, "CONTAINERD_SNAPSHOTTER": "native"}
    command = (_CONTAINERD, "--config", str(settings))
    ready = (newer_debian.program("ctr"), "--address", address, "version")
    with daemon(folder, variables, command, ready):
        yield found


def _buildctl(output: str) -> str:
    return (
        "buildctl build --frontend dockerfile.v0 --allow network.host "
        "--opt force-network-mode=host --opt image-resolve-mode=pull "
        f"--local context={{context}} --local dockerfile={{context}} --output {output}"
    )


CLIENTS = (
    Client(
        {"buildctl": "buildctl --version", "buildkitd": "buildkitd --version"},
        {
            "build": (_buildctl("type=oci,dest={folder}/built.tar"),),
            "push": (_buildctl("type=image,name={built},push=true"),),
        },
        service=_buildkitd,
    ),
    Client(
        {"nerdctl": "nerdctl --version", "containerd": f"{_CONTAINERD} --version"},
        {
            "login": ("nerdctl login {server}",),
            "pull": ("nerdctl pull {image}",),
            "push": ("nerdctl tag {image} {built}", "nerdctl push {built}"),
            "logout": ("nerdctl logout {server}",),
        },
        login=("nerdctl login --username {username} --password-stdin {server}",),
        hub="",
        service=_containerd,
    ),
)
