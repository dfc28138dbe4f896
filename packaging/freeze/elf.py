"""What a shared library needs, as binutils' readelf shows it."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

# macOS and Windows have other formats.
HERE = sys.platform.startswith("linux")
# The libraries of glibc: the target system has them, or the static file contains them.
OF_GLIBC = re.compile(r"^(ld-linux[\w-]*|lib(c|m|dl|rt|pthread|util|resolv))\.so\.[0-9]+$")


def _readelf(option: str, path: str) -> str:
    return subprocess.run(
        ["readelf", option, "--wide", path], check=True, capture_output=True, text=True
    ).stdout


def needed(path: str) -> tuple[str, ...]:
    """The sonames of the libraries that it needs, without glibc's."""
    return tuple(name for name in _all_needed(path) if not OF_GLIBC.match(name))


def needed_of_glibc(path: str) -> tuple[str, ...]:
    """The sonames of glibc's libraries that it needs."""
    return tuple(name for name in _all_needed(path) if OF_GLIBC.match(name))


@cache
def _all_needed(path: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\(NEEDED\).*\[(.+)\]", _readelf("--dynamic", path)))


def soname(path: str) -> str:
    """The name by which other libraries need it; empty if it has none."""
    return "".join(re.findall(r"\(SONAME\).*\[(.+)\]", _readelf("--dynamic", path)))


@cache
def defined(path: str) -> frozenset[str]:
    """The symbols that it exports."""
    table = _readelf("--dyn-syms", path)
    rows = re.findall(r"^ +\d+:(?: +\S+){5} +(\w+) +(\w+)", table, re.MULTILINE)
    return frozenset(name for section, name in rows if section != "UND")


def of_compiler(name: str) -> Path:
    """The path of a library of glibc, as the compiler finds it."""
    result = subprocess.run(
        ["cc", f"-print-file-name={name}"], check=True, capture_output=True, text=True
    )
    return Path(result.stdout.strip()).resolve(strict=True)


def versions(path: str) -> list[tuple[str, str]]:
    """The symbols that it defines, each with a version."""
    table = _readelf("--dyn-syms", path)
    return re.findall(r"^ +\d+:(?: +\S+){5} +\d+ +(\w+)@+(\S+)", table, re.MULTILINE)


def glibc_floor(path: str) -> tuple[int, ...]:
    """The newest glibc version of its symbols."""
    versions = re.findall(r"\bName: GLIBC_([0-9.]+)", _readelf("--version-info", path))
    return max((tuple(map(int, version.split("."))) for version in versions), default=(0,))
