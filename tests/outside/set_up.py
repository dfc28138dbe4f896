"""``python -m tests.outside.set_up``: install the clients, pinned, into ``build/outside``.

Debian's come from the machine's own apt sources. Go programs are built from their modules, each
with its own ``go.mod`` and ``go.sum``; libraries are pinned by hash. Installed programs stay. A
program that cannot be installed is reported; the run fails where one of its clients is not left
out by ``--without``.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from tests.outside import libraries, newer_debian
from tests.outside.client import FOLDER, PROGRAMS

DEBIAN = (
    *("docker.io", "podman", "buildah", "skopeo", "runc", "crun", "netavark"),
    *("golang-github-containers-common", "busybox-static", "iproute2"),
)
_HUNG_S = 3600


@dataclass(frozen=True)
class GoProgram:
    """A program of a Go module."""

    name: str
    module: str
    version: str
    package: str = "."
    replaced: str = ""
    """Another module for one that the proxy does not have, ``PATH=PATH@VERSION``."""
    version_in: str = ""
    """The variable for the version, where another program asks for it."""


GO = (
    GoProgram("kaniko", "github.com/GoogleContainerTools/kaniko", "v1.24.0", "./cmd/executor"),
    GoProgram("crane", "github.com/google/go-containerregistry", "v0.22.1", "./cmd/crane"),
    GoProgram("oras", "oras.land/oras", "v1.3.6", "./cmd/oras"),
    GoProgram("buildctl", "github.com/moby/buildkit", "v0.34.2", "./cmd/buildctl"),
    GoProgram("buildkitd", "github.com/moby/buildkit", "v0.34.2", "./cmd/buildkitd"),
    GoProgram("nerdctl", "github.com/containerd/nerdctl/v2", "v2.1.2", "./cmd/nerdctl"),
    GoProgram("regctl", "github.com/regclient/regclient", "v0.11.7", "./cmd/regctl"),
    GoProgram("helm", "helm.sh/helm/v4", "v4.3.1", "./cmd/helm"),
    GoProgram("ko", "github.com/google/ko", "v0.19.1"),
    GoProgram(
        *("docker-cli", "github.com/docker/cli", "v29.9.3+incompatible", "./cmd/docker"),
        replaced="github.com/moby/swarmkit/v2=github.com/moby/swarmkit/v2@v2.0.0",
    ),
    GoProgram(
        *("buildx", "github.com/docker/buildx", "v0.38.2", "./cmd/buildx"),
        version_in="github.com/docker/buildx/version.Version",
    ),
    GoProgram("compose", "github.com/docker/compose/v5", "v5.6.0", "./cmd"),
    GoProgram("moby", "github.com/moby/moby/v2", "v2.0.0-beta.24", "./cmd/dockerd"),
)


def main() -> None:
    """Install everything, one after another."""
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "set_up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for problem in chain(_from_debian(), newer_debian.set_up(), _libraries(), _from_go()):
            sys.stderr.write(f"{problem}\n")


def _from_debian() -> Iterator[str]:
    if not shutil.which("apt-get") or os.geteuid() != 0:
        yield "apt: only root installs Debian's packages"
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-qq", "--yes", "--no-install-recommends", *DEBIAN]
    for command in (["apt-get", "update", "-qq"], install):
        done = _run(command, environment=environment)
        if done.returncode != 0:
            yield f"apt: {done.stderr[-500:]}"


def _from_go() -> Iterator[str]:
    for program in GO:
        made = PROGRAMS / program.name
        # The file's name contains the version.
        kept = made.with_name(f"{program.name}-{program.version}")
        if not kept.exists():
            yield from _built(program, kept)
        if kept.exists():
            made.unlink(missing_ok=True)
            made.symlink_to(kept.name)


def _libraries() -> Iterator[str]:
    """The small programs around other people's libraries."""
    node = FOLDER / "node"
    node.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(libraries.HERE / "node" / name, node)
    java = libraries.JAVA
    jars = f"-DoutputDirectory={java}"
    # Not beside the jars of other versions.
    shutil.rmtree(java, ignore_errors=True)
    pip = (sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes")
    compared = f"(cd {java}; sha256sum --check --strict --quiet {libraries.HERE}/java/jars.sha256)"
    classes = f"{compared} && javac -d {java}/classes -cp '{java}/*' Ask.java"
    cargo = {**os.environ, "CARGO_TARGET_DIR": f"{FOLDER}/cargo"}
    steps = (
        (
            "python",
            (*pip, "--upgrade", "--target", f"{libraries.PYTHON}", "-r", "requirements.txt"),
        ),
        ("go", ("go", "build", "-trimpath", "-o", f"{PROGRAMS}/ask-go", ".")),
        ("rust", ("sh", str(Path(__file__).with_name("cargo_build.sh")), ".")),
        ("java", ("mvn", "-q", "-B", "dependency:copy-dependencies", jars)),
        ("java", ("sh", "-c", classes)),
        ("node", ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", f"--prefix={node}")),
    )
    for language, command in steps:
        if not shutil.which(command[0]):
            yield f"{language}: {command[0]} is not installed"
            continue
        done = _run([*command], libraries.HERE / language, cargo)
        if done.returncode != 0:
            yield f"{language}: {(done.stdout + done.stderr)[-1000:]}"
    made = FOLDER / "cargo/debug/ask"
    if made.exists():
        shutil.copy(made, PROGRAMS / "ask-rust")


def _built(program: GoProgram, target: Path) -> Iterator[str]:
    """Build a program in a copy of its module, by the commands of its own project."""
    if not shutil.which("go"):
        yield f"{program.name}: Go is not installed"
        return
    got = _run(["go", "mod", "download", "-json", f"{program.module}@{program.version}"])
    if got.returncode != 0:
        yield f"{program.name}: {(got.stdout + got.stderr)[-500:]}"
        return
    source = FOLDER / f"source-{program.name}"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(json.loads(got.stdout)["Dir"], source, copy_function=shutil.copyfile)
    for path in (source, *source.rglob("*")):
        path.chmod(0o755)
    if not (source / "go.mod").exists():  # docker's own modules have another name for it
        shutil.copy(source / "vendor.mod", source / "go.mod")
        shutil.copy(source / "vendor.sum", source / "go.sum")
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false -mod=mod"}
    if program.replaced:
        _run(["go", "mod", "edit", f"-replace={program.replaced}"], source, environment)
    flags = "-ldflags=-s -w"
    if program.version_in:
        flags += f" -X {program.version_in}={program.version}"
    build = ["go", "build", "-trimpath", flags, "-o", str(target)]
    done = _run([*build, program.package], source, environment)
    shutil.rmtree(source)
    if done.returncode != 0:
        yield f"{program.name}: {done.stderr[-1000:]}"


def _run(
    command: list[str], folder: Path | None = None, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["nice", "-n", "5", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_HUNG_S,
        check=False,
    )


if __name__ == "__main__":
    main()
