"""The roots: Debian releases by architecture, and two without a Debian."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.roots import this_machine
from tests.roots.namespaces import Inside
from tests.support.executable import ROOT

FOLDER = ROOT / "build/roots"
SUITES = {"debian11": "bullseye", "debian12": "bookworm", "debian13": "trixie"}
# Not released: for its clients (tests/outside) alone.
_NEXT = {"debian14": "forky"}
# The program must not contain this path: a test looks for it in the file.
WORK = "/srv/checkout"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_BARE = ("empty", "musl")
# Older releases have no Python that is new enough.
ALL = tuple(
    f"{system}-{arch}" for arch in ("amd64", "arm64") for system in ("debian12", "debian13")
)


@dataclass(frozen=True)
class Root:
    """One root folder, ``debian13-arm64`` or ``empty-amd64``."""

    name: str

    @property
    def system(self) -> str:
        return self.name.partition("-")[0]

    @property
    def architecture(self) -> str:
        return self.name.partition("-")[2]

    @property
    def suite(self) -> str:
        """The release of Debian; empty for the other roots."""
        return (SUITES | _NEXT).get(self.system, "")

    @property
    def folder(self) -> Path:
        return FOLDER / self.name / "root"

    @property
    def work(self) -> Path:
        """The checkout that is built and tested in it."""
        return FOLDER / self.name / "work"

    @property
    def is_there(self) -> bool:
        return self._made.exists()

    @property
    def _made(self) -> Path:
        return FOLDER / self.name / "made"

    @property
    def facts(self) -> dict[str, str]:
        """The versions of Debian, glibc and Python."""
        path = FOLDER / self.name / "facts.json"
        found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def keep_facts(self, facts: Mapping[str, str]) -> None:
        (FOLDER / self.name / "facts.json").write_text(json.dumps(facts) + "\n")

    def mark_made(self) -> None:
        self._made.touch()

    def remove(self) -> None:
        shutil.rmtree(FOLDER / self.name, ignore_errors=True)

    @cached_property
    def emulator(self) -> str:
        return this_machine.emulator(self.architecture)

    @property
    def is_emulated(self) -> bool:
        return bool(self.emulator)

    def inside(self, *, network: bool = False, discard: bool = False) -> Inside:
        """A shell's view of a Debian: its own users, and apt and pip as on this machine."""
        machine = self._machine_files()
        binds = {str(machine): this_machine.ON_MACHINE}
        environment = {
            "PATH": _PATH,
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive",
            "APT_CONFIG": f"{this_machine.ON_MACHINE}/apt.conf",
        }
        # A minimal Debian has no /etc/hosts, which every container has.
        binds |= {"/etc/hosts": "/etc/hosts"}
        if network:
            binds |= {"/etc/resolv.conf": "/etc/resolv.conf"}
            if self.is_emulated:  # pip compiles thousands of modules that are never imported
                environment["PIP_NO_COMPILE"] = "1"
            for number, (name, value) in enumerate(this_machine.pip_settings().items()):
                is_path = value.startswith("/") and value != "/dev/null" and Path(value).exists()
                environment[name] = f"/run/pip/{number}" if is_path else value
                if is_path:
                    binds[value] = environment[name]
        if self.work.exists():
            binds[str(self.work)] = WORK
        return Inside(
            root=str(self.folder),
            emulator=self.emulator,
            binds=binds,
            network=network,
            discard=discard,
            scratch=str(self._scratch()) if discard else "",
            environment=environment,
        )

    def bare(self, files: Mapping[str, str], environment: Mapping[str, str]) -> Inside:
        """A root with the folder and these files only; its changes are discarded."""
        is_debian = bool(self.suite)
        return Inside(
            root=str(self.folder),
            emulator=self.emulator,
            binds=files,
            memory=("/tmp",),
            proc=is_debian,
            dev=is_debian,
            network=True,
            discard=True,
            scratch=str(self._scratch()),
            environment={"PATH": _PATH, **environment},
        )

    def _scratch(self) -> Path:
        folder = FOLDER / self.name / "scratch"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _machine_files(self) -> Path:
        """What apt reads of this machine."""
        folder = FOLDER / self.name / "machine"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "apt.conf").write_text(this_machine.apt_settings())
        (folder / "sources.list").write_text(this_machine.mirrors().sources(self.suite))
        return folder


def named(name: str) -> Root:
    """The root of this name, if the steps can be taken in it."""
    if name not in ALL:
        raise this_machine.CannotRun(f"no root is named {name}: {', '.join(ALL)} are")
    return Root(name)


def neighbours(architecture: str) -> list[Root]:
    """The roots in which the files of an architecture are tried."""
    return [Root(f"{system}-{architecture}") for system in (*SUITES, *_BARE)]
