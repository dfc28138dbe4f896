"""What a shared object needs, asked of binutils' readelf."""

import re
import subprocess
from functools import cache

# glibc's own libraries are the target's business, or the static launcher's.
OF_GLIBC = re.compile(r"^(ld-linux[\w-]*|lib(c|m|dl|rt|pthread|util|resolv))\.so\.[0-9]+$")

# Carried for systems that lack it, but built for this machine's glibc: where that is too new, the
# system's own takes its place.
DISPENSABLE = ("libgcc_s.so.1",)


def _readelf(option: str, path: str) -> str:
    return subprocess.run(
        ["readelf", option, "--wide", path], check=True, capture_output=True, text=True
    ).stdout


def needed(path: str) -> tuple[str, ...]:
    """The sonames of the libraries it needs beside glibc's."""
    return tuple(name for name in _all_needed(path) if not OF_GLIBC.match(name))


def needed_of_glibc(path: str) -> tuple[str, ...]:
    """The sonames of glibc's libraries that it needs."""
    return tuple(name for name in _all_needed(path) if OF_GLIBC.match(name))


@cache
def _all_needed(path: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\(NEEDED\).*\[(.+)\]", _readelf("--dynamic", path)))


def soname(path: str) -> str:
    """The name that others need it by; empty where it has none."""
    return "".join(re.findall(r"\(SONAME\).*\[(.+)\]", _readelf("--dynamic", path)))


@cache
def defined(path: str) -> frozenset[str]:
    """The names that it offers to others."""
    table = _readelf("--dyn-syms", path)
    rows = re.findall(r"^ +\d+:(?: +\S+){5} +(\w+) +(\w+)", table, re.MULTILINE)
    return frozenset(name for section, name in rows if section != "UND")


def glibc_floor(path: str) -> tuple[int, ...]:
    """The newest glibc version that any of its symbols asks for."""
    versions = re.findall(r"\bName: GLIBC_([0-9.]+)", _readelf("--version-info", path))
    return max((tuple(map(int, version.split("."))) for version in versions), default=(0,))
