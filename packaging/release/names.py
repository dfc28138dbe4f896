"""The names of the released files, by system and architecture, as the setup action expects them."""

import platform
import sys

PROGRAM = "docker-credential-multi"
SYSTEMS = {"linux": "linux", "darwin": "darwin", "win32": "windows"}
# By the names of the kernel; the values are those of Go and of OCI images.
ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
RELEASED = tuple(f"{name}-{arch}" for name in SYSTEMS.values() for arch in ("amd64", "arm64"))
IMAGE = f"{PROGRAM}-image.tar"
FORMULA = f"{PROGRAM}.rb"
SUMS = "SHA256SUMS"
RECORD = "part.json"


def here() -> str:
    """The system and architecture of this machine: ``linux-amd64``."""
    return f"{SYSTEMS[sys.platform]}-{ARCHITECTURES[platform.machine().lower()]}"


def file(target: str, variant: str = "") -> str:
    """The name of the file for a target; the one without a variant works on most machines."""
    end = ".exe" if target.startswith("windows") else ""
    return f"{PROGRAM}-{target}{variant and f'-{variant}'}{end}"


def schema(name: str) -> str:
    return f"{PROGRAM}-schema-{name}.json"
