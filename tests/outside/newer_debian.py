"""The next Debian in a folder, for its newer engines and clients.

Each of its programs has a script that starts it by chroot; the run's own files have the same paths
inside. The program under test has to be a frozen file: the folder has no other Python.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.outside.client import FOLDER, PROGRAMS
from tests.roots import steps, this_machine
from tests.roots.outcome import Verdict
from tests.roots.root import Root
from tests.support.executable import EXECUTABLE

_PACKAGES = (
    *("docker.io", "docker-cli", "docker-buildx", "docker-compose", "containerd", "runc"),
    *("podman", "buildah", "skopeo", "crun", "netavark", "golang-github-containers-common"),
)
_SCRIPTS = FOLDER / "newer"
_ROOT = Root(f"debian14-{this_machine.architecture()}")
_LIMIT_S = 3600


def program(name: str) -> str:
    """The script that starts a program of the next Debian."""
    return str(_SCRIPTS / name)


def set_up() -> Iterator[str]:
    """Make the folder and its scripts; the reason if that fails."""
    if not _ROOT.is_there:
        this_machine.install_tools()
        made = steps.taken(_ROOT, "root", _LIMIT_S, steps.make_root)
        if made.verdict is not Verdict.OK:
            yield f"{_ROOT.name}: {made.words}"
            return
    step = steps.Step(_ROOT, "clients", _LIMIT_S)
    try:
        if not (_ROOT.folder / "usr/bin/skopeo").exists():
            names = " ".join(_PACKAGES)
            step.shell(f"apt-get update -qq; apt-get install -y -qq {names}", network=True)
    except steps.Failed as reason:
        yield f"{_ROOT.name}: {reason}"
        return
    _SCRIPTS.mkdir(parents=True, exist_ok=True)
    paths = [f"/usr/bin/{name}" for name in ("docker", "containerd", "ctr", "podman", "buildah")]
    # The engine of the Go modules needs a containerd that is as new.
    for path in (*paths, "/usr/bin/skopeo", "/usr/sbin/dockerd", f"{PROGRAMS}/moby"):
        script = _SCRIPTS / Path(path).name
        script.write_text(f'#!/bin/sh\nexec chroot {_ROOT.folder} {path} "$@"\n')
        script.chmod(0o755)


def mount(folder: Path) -> None:
    """Show a run's folder and the program under test at the same paths inside."""
    if not _ROOT.is_there:
        return
    # runc needs a root that is a mount.
    _mount("--bind", _ROOT.folder, _ROOT.folder)
    for kind, path in (("proc", "/proc"), ("tmpfs", "/run"), ("tmpfs", "/tmp")):
        _mount("-t", kind, "none", f"{_ROOT.folder}{path}")
    for shown in ("/dev", "/sys", folder, EXECUTABLE.parent, PROGRAMS):
        target = Path(f"{_ROOT.folder}{shown}")
        target.mkdir(parents=True, exist_ok=True)
        _mount("--rbind", shown, target)


def _mount(*words: str | Path) -> None:
    subprocess.run(["mount", *words], check=True)
