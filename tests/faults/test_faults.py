"""The part of the matrix that `make test` runs: every fault of the main steps, some of the others.

``python -m tests.faults`` runs every row.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.clouds.authority import Authority
from tests.clouds.fixtures import authority
from tests.clouds.loopback import loopbacks
from tests.faults import outcomes
from tests.faults.matrix import Matrix
from tests.faults.step import Step
from tests.faults.steps import STEPS
from tests.faults.table import CERTIFICATES, NO_TLS, UNKNOWN_CA
from tests.figures import FIGURES, Record
from tests.support.executable import COMMAND, Executable
from tests.support.machine import Machine

__all__ = ["authority"]

_ALONE = ("unshare", "--map-root-user", "--net")


@pytest.mark.parametrize("cloud", STEPS)
def test_every_fault_of_a_step_has_the_outcome_of_the_table(
    cloud: str, tmp_path: Path, record_property: Record
) -> None:
    found = Matrix(tmp_path).run(cloud, briefly=True)
    record_property(FIGURES, f"fault matrix, {cloud}: {outcomes.figures(found)}")
    assert outcomes.differences(found) == []


def test_the_table_has_every_row_and_no_other() -> None:
    assert list(outcomes.read()) == outcomes.rows()


def test_every_failure_in_the_table_has_a_class_and_a_code() -> None:
    failures = {"NotFound", "not cached", "Denied", "Unreachable", "BadReply", "Misconfigured"}
    answers = {"answers", "answers, keeps nothing"}
    for line in outcomes.read().values():
        assert line.outcome in failures | answers, line
        # A public registry is only warned of: the pull goes on without a credential.
        if line.outcome != "NotFound":
            assert bool(line.code) == (line.outcome in failures), line


@pytest.mark.parametrize("fault", [*CERTIFICATES, UNKNOWN_CA, NO_TLS])
def test_a_fault_of_tls_has_the_same_code_at_every_step(fault: str) -> None:
    lines = [line for line in outcomes.read().values() if line.fault == fault]
    assert len(lines) > 10
    assert len({line.code for line in lines}) == 1


@pytest.mark.parametrize(
    ("cloud", "step"),
    [(cloud, step) for cloud, steps in STEPS.items() for step in steps if step.first],
    ids=STEPS,
)
def test_a_host_name_without_an_address_is_named_in_the_error(
    cloud: str, step: Step, authority: Authority, home: Path
) -> None:
    # A network namespace without interfaces.
    if subprocess.run([*_ALONE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespace can be made here")
    machine = Machine(home)
    identity = step.identity(machine, loopbacks()[cloud].start(authority)[0])
    machine.use({**identity, "PATH": machine.scripts.path})
    alone = Executable(machine.environment, [*_ALONE, *COMMAND])
    done = alone.run("get", stdin=step.registry, without=("HTTPS_PROXY",))
    assert done.status == 1
    assert done.codes[0] in ("network.unknown-host", "network.no-name-server")
    assert step.server in done.stderr.splitlines()[0]
