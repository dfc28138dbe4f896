"""What a shared object needs, asked of binutils' readelf."""

import re
import subprocess
from functools import cache

# glibc's own libraries are the target's business, or the static launcher's.
OF_GLIBC = re.compile(r"^(ld-linux[\w-]*|lib(c|m|dl|rt|pthread|util|resolv))\.so\.[0-9]+$")


def _readelf(option: str, path: str) -> str:
    return subprocess.run(
        ["readelf", option, "--wide", path], check=True, capture_output=True, text=True
    ).stdout


@cache
def needed(path: str) -> tuple[str, ...]:
    """The sonames of the libraries it needs beside glibc's."""
    names = re.findall(r"\(NEEDED\).*\[(.+)\]", _readelf("--dynamic", path))
    return tuple(name for name in names if not OF_GLIBC.match(name))


def glibc_floor(path: str) -> tuple[int, ...]:
    """The newest glibc version that any of its symbols asks for."""
    versions = re.findall(r"\bName: GLIBC_([0-9.]+)", _readelf("--version-info", path))
    return max((tuple(map(int, version.split("."))) for version in versions), default=(0,))
