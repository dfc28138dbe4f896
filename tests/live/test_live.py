"""``make live`` on the loopback clouds, with identities and without."""

from __future__ import annotations

import subprocess
import sys

from cred_helper import clouds
from tests.clients.hosted import Hosted, cloud
from tests.clouds.fixtures import authority, proxy
from tests.clouds.loopback import loopbacks
from tests.clouds.proxy import TerminatingProxy
from tests.support.executable import ROOT
from tests.support.machine import Machine, person

__all__ = ["authority", "cloud", "person", "proxy"]


def _live(person: Machine, **variables: str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.live"],
        cwd=ROOT,
        env=person.environment | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.stderr == "", done
    *rows, verdict = done.stdout.splitlines()
    assert len(rows) == len(clouds.CLOUDS)
    return done.returncode, [*rows, verdict]


def _name(cloud: Hosted) -> str:
    return next(name for name, row in loopbacks().items() if row.host == cloud.host)


def test_a_manifest_is_pulled_with_the_credential_of_each_cloud(
    person: Machine, cloud: Hosted, proxy: TerminatingProxy
) -> None:
    name = _name(cloud)
    if cloud.host == "docker.io":
        proxy.route("registry-1.docker.io", cloud.registry)
    person.environment |= proxy.environment() | dict(cloud.identity)
    variable = f"LIVE_{name.upper()}"
    status, rows = _live(person, **{variable: cloud.image_name})
    (row,) = (row for row in rows if row.startswith(f"{name} "))
    assert status == 0, rows
    assert f"pulled {cloud.image_name} (sha256:" in row
    assert rows[-1].startswith("1 of 1 work")
    assert {request.method for request in cloud.registry.received} <= {"GET", "POST"}
    assert not (person.home / ".cache").exists()
    status, rows = _live(person, **{variable: cloud.image_name.replace(":1", ":missing")})
    assert status == 1
    assert any("answers the pull with status 404" in row for row in rows)


def test_without_variables_and_identities_each_check_is_skipped_with_its_reason(
    person: Machine,
) -> None:
    status, rows = _live(person)
    assert status == 0
    for row in rows[:-1]:
        assert " skipped: set LIVE_" in row
    status, rows = _live(person, LIVE_GCR="us-docker.pkg.dev/p/r/app:1", LIVE_ECR="docker.io/a:1")
    assert status == 1
    assert "not one of Amazon ECR" in rows[0]
    assert "skipped: no identity here: " in rows[1]
