"""What the roots take from this machine: the mirrors, settings of apt and pip, and emulators.

Nothing of it is written into a root: apt and pip read it from /run, which is in memory.
"""

from __future__ import annotations

import ast
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_OF_QEMU = {"amd64": "x86_64", "arm64": "aarch64"}
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_TOOLS = {
    "/usr/sbin/debootstrap": "debootstrap",
    "/usr/bin/dpkg-deb": "dpkg",
    KEYRING: "debian-archive-keyring",
}
_TARGETS = "$(REPO_URI)|$(LABEL)|$(COMPONENT)"
_ACQUIRE = re.compile(
    r"^Acquire::(?:https?|Retries|Check-\w+(?:-\w+)*)(?:::[\w.:-]+)? .*;$", re.MULTILINE
)
_PIP = re.compile(r"^(:env:|\w+)\.([\w-]+)=(.*)$", re.MULTILINE)
ON_MACHINE = "/run/machine"


class CannotRun(Exception):
    """This machine cannot make a root or take a step; the text is the reason."""


@dataclass(frozen=True)
class Mirrors:
    """Debian's archives that this machine uses."""

    main: str
    security: str | None

    def sources(self, suite: str) -> str:
        """The lines of sources.list for a release."""
        lines = [f"deb {self.main} {suite} main"]
        if self.security:
            lines.append(f"deb {self.security} {suite}-security main")
        return "".join(f"{line}\n" for line in lines)


def architecture() -> str:
    """In Debian's words."""
    return ARCHITECTURES.get(platform.machine(), platform.machine())


@cache
def mirrors() -> Mirrors:
    """The mirrors in apt's sources, or that of DEBIAN_MIRROR."""
    named = os.environ.get("DEBIAN_MIRROR")
    if named:
        return Mirrors(named, None)
    found: dict[str, str] = {}
    for line in _printed("apt-get", "indextargets", "--format", _TARGETS).splitlines():
        uri, label, component = line.split("|")
        if component == "main":
            found.setdefault(label, uri)
    if "Debian" not in found:
        raise CannotRun("no mirror of Debian in apt's sources: DEBIAN_MIRROR=URL names one")
    return Mirrors(found["Debian"], found.get("Debian-Security"))


@cache
def apt_settings() -> str:
    """Proxies and the like; the sources are a file in /run too."""
    lines = _ACQUIRE.findall(_printed("apt-config", "dump"))
    lines += [
        f'Dir::Etc::SourceList "{ON_MACHINE}/sources.list";',
        'Dir::Etc::SourceParts "/dev/null";',
        'APT::Install-Recommends "false";',
        'DPkg::Options { "--force-unsafe-io"; };',
    ]
    return "".join(f"{line}\n" for line in lines)


@cache
def pip_settings() -> dict[str, str]:
    """Pip's own settings as variables; those that are paths are of this machine."""
    printed = _printed(sys.executable, "-m", "pip", "config", "list")
    settings = sorted(_PIP.findall(printed), key=lambda found: found[0] == ":env:")
    values = {name: str(ast.literal_eval(value)) for _, name, value in settings}
    values["config-file"] = "/dev/null"
    return {f"PIP_{name.upper().replace('-', '_')}": value for name, value in values.items()}


def emulator(wanted: str) -> str:
    """The line that registers the emulator of an architecture; empty for this machine's own."""
    if wanted == architecture():
        return ""
    name = _OF_QEMU[wanted]
    path = Path(f"/usr/lib/binfmt.d/qemu-{name}.conf")
    if not path.exists():
        _install("qemu-user-static")
    if not path.exists():
        raise CannotRun(f"{wanted} needs an emulator: Debian's qemu-user-static")
    return path.read_text().strip()


def install_tools() -> None:
    """Install what makes the roots, where it is not there."""
    missing = [package for path, package in _TOOLS.items() if not Path(path).exists()]
    if missing:
        _install(*missing)
    if not mirrors_are_known():
        subprocess.run(["apt-get", "update", "-qq"], check=False, stdout=subprocess.DEVNULL)


def mirrors_are_known() -> bool:
    """Whether apt has read its sources once."""
    return bool(_printed("apt-get", "indextargets", "--format", _TARGETS).strip())


def _install(*packages: str) -> None:
    if not shutil.which("apt-get"):
        raise CannotRun(f"{' and '.join(packages)} must be installed")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (
        ["update", "-qq"],
        ["install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        command = ["apt-get", "-o", "DPkg::Lock::Timeout=300", *words]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, env=environment)


def _printed(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""
