"""podman logs in, pulls, builds and pushes; ``make outside`` runs all engines on all registries."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.outside.client import Client
from tests.outside.table import Table
from tests.support.executable import ROOT

_HUNG_S = 300


@pytest.mark.skipif(os.geteuid() != 0, reason="new network namespaces need root")
@pytest.mark.skipif(not shutil.which("podman"), reason="podman is not installed")
@pytest.mark.skipif(not shutil.which("busybox"), reason="busybox-static is not installed")
def test_podman_works_on_a_cloud_on_docker_hub_and_on_a_private_registry() -> None:
    words = ["--only", "podman", "--registry", "ECR", "--registry", "Docker Hub"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.outside", *words, "--registry", "private"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_HUNG_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("podman ")]
    assert [row.split()[-6:] for row in rows] == [["ok", "-", "-", "ok", "ok", "-"]] * 2


def test_a_run_without_one_of_its_clients_fails_and_names_it() -> None:
    client = Client({"helm": "/nonexistent/helm version"}, {})
    table = Table()
    assert not table.wrong()
    table.absent[client.name] = client.missing()
    assert table.wrong() == ["helm: not installed: /nonexistent/helm"]
