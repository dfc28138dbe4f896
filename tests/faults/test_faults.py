"""The matrix, as `make test` tries it: the main steps with every fault, the others with some.

``python -m tests.faults`` tries all rows.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clouds import aws, azure, google
from tests.clouds.azure import CLIENT_ID, CLIENT_SECRET, TENANT_ID
from tests.clouds.google import GoogleCloud
from tests.faults import outcomes
from tests.faults.matrix import Matrix
from tests.faults.steps import STEPS
from tests.figures import FIGURES, Record
from tests.support.executable import COMMAND, Executable

_ALONE = ("unshare", "--map-root-user", "--net")


@pytest.mark.parametrize("cloud", STEPS)
def test_every_fault_of_a_step_comes_to_what_the_table_says(
    cloud: str, tmp_path: Path, record_property: Record
) -> None:
    found = Matrix(tmp_path).run(cloud, briefly=True)
    record_property(FIGURES, f"fault matrix, {cloud}: {outcomes.figures(found)}")
    assert outcomes.surprises(found) == []


def test_the_table_has_every_row_and_no_other() -> None:
    assert list(outcomes.read()) == outcomes.rows()


def test_no_outcome_in_the_table_is_without_a_name() -> None:
    named = {"NotFound", "Denied", "Unreachable", "BadReply", "Misconfigured"}
    answers = {"answers", "answers, keeps nothing"}
    for line in outcomes.read().values():
        assert line.outcome in named | answers, line
        assert bool(line.told) == (line.outcome in named - {"NotFound"}), line


# --- A name that nobody knows ---------------------------------------------------------------------


def _key(_: Path) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "loopback"}


def _service_account(home: Path) -> dict[str, str]:
    return GoogleCloud().service_account_key(home, token_uri="https://oauth2.googleapis.com/token")


def _principal(_: Path) -> dict[str, str]:
    return {
        "AZURE_TENANT_ID": TENANT_ID,
        "AZURE_CLIENT_ID": CLIENT_ID,
        "AZURE_CLIENT_SECRET": CLIENT_SECRET,
    }


@pytest.mark.parametrize(
    ("registry", "identity", "reason"),
    [
        (aws.EXAMPLE_HOST, _key, "there is no api.ecr.us-east-1.amazonaws.com"),
        (google.EXAMPLE_HOST, _service_account, "there is no connection to oauth2.googleapis.com"),
        (azure.EXAMPLE_HOST, _principal, "login.microsoftonline.com has no address"),
    ],
    ids=STEPS,
)
def test_where_names_cannot_be_looked_up_the_host_is_named(
    registry: str,
    identity: Callable[[Path], dict[str, str]],
    reason: str,
    executable: Executable,
    home: Path,
) -> None:
    # A network of its own, with nothing in it: no question can get out.
    if subprocess.run([*_ALONE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespace can be made here")
    alone = Executable(executable.environment | identity(home), [*_ALONE, *COMMAND])
    done = alone.run("get", stdin=registry, without=("HTTPS_PROXY",))
    assert done.status == 1
    assert done.stderr.splitlines()[0].endswith(reason)
