"""The command line clients without an engine. Each copies an image to a folder and back."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

from tests.outside import newer_debian
from tests.outside.client import FOLDER, Client, Failed, Run
from tests.outside.registries import HUB

_GO = Path(os.path.realpath(shutil.which("go") or "/usr/local/go/bin/go")).parent
_CHART = "apiVersion: v2\nname: built\nversion: {version}\n"


def _client(
    name: str, login: str, pull: str, push: str, logout: str, version: str = "version"
) -> Client:
    return Client(
        {name: f"{name} {version}"},
        {
            "login": (),
            "pull": (f"{name} {pull}",),
            "push": (f"{name} {push}",),
            "logout": (f"{name} {logout}",),
        },
        login=(f"{name} {login}",),
    )


def _helm(run: Run) -> None:
    """Make a chart, and push it."""
    version = f"1.0.0-{run.tag}"
    (run.context / "Chart.yaml").write_text(_CHART.format(version=version))
    run.call(
        "helm package --destination {folder} {context}",
        f"helm push {{folder}}/built-{version}.tgz oci://{{host}}/team",
    )


def _ko(run: Run, argument: str = "") -> None:
    """Build a program on the registry's base image, as an image."""
    (run.context / "go.mod").write_text("module example.com/built\n")
    (run.context / "main.go").write_text("package main\n\nfunc main() { println() }\n")
    repository, _, tag = run.filled("{built}").rpartition(":")
    settings = f"PATH={run.machine.environment['PATH']}:{_GO} GOCACHE={FOLDER}/go-cache"
    settings += f" KO_DOCKER_REPO={repository} KO_DEFAULTBASEIMAGE={{base}}"
    words = f"--bare --tags {tag} --platform linux/amd64 --sbom none {argument}"
    run.call(f"env -C {{context}} {settings} ko build {words} .")
    if run.place.host != HUB and run.place.identity and not any(run.machine.cache.glob("*")):
        raise Failed("it has not asked us")


def _skopeo(program: str, variant: str = "") -> Client:
    return Client(
        {"skopeo": f"{program} --version"},
        {
            "login": (f"{program} login {{server}}",),
            "pull": (
                f"{program} copy docker://{{image}} oci:{{folder}}/image:1",
                f"{program} sync --src docker --dest dir {{image}} {{folder}}/synced",
            ),
            "push": (f"{program} copy oci:{{folder}}/image:1 docker://{{built}}",),
            "logout": (f"{program} logout {{server}}",),
        },
        login=(f"{program} login --username {{username}} --password-stdin {{server}}",),
        variant=variant,
    )


CLIENTS = (
    _skopeo("skopeo"),
    _skopeo(newer_debian.program("skopeo"), "Debian 14"),
    _client(
        "crane",
        "auth login --username {username} --password-stdin {server}",
        "pull --format oci {image} {folder}/image",
        "push {folder}/image {built}",
        "auth logout {server}",
    ),
    _client(
        "oras",
        "login --username {username} --password-stdin {server}",
        "copy {image} --to-oci-layout {folder}/image:1",
        "copy --from-oci-layout {folder}/image:1 {built}",
        "logout {server}",
    ),
    _client(
        "regctl",
        "registry login --user {username} --pass-stdin {server}",
        "image copy {image} ocidir://{folder}/image:1",
        "image copy ocidir://{folder}/image:1 {built}",
        "registry logout {server}",
    ),
    Client(
        {"helm": "helm version"},
        {
            "login": (),
            "pull": ("helm pull oci://{host}/team/chart --version 1.0.0 --destination {folder}",),
            "push": _helm,
            "logout": ("helm registry logout {server}",),
        },
        login=("helm registry login --username {username} --password-stdin {server}",),
    ),
    Client(
        {"ko": "ko version"},
        {"login": (), "build": partial(_ko, argument="--push=false"), "push": _ko},
        login=("ko login --username {username} --password-stdin {server}",),
        files=(_GO / "go",),
    ),
)
