"""Machines that share a cache each answer as they do without one.

``make differential`` tries all of them. ``tests.differential.machines`` has the differences between
machines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clouds.loopback import modules
from tests.differential.run import KINDS, run
from tests.figures import FIGURES, Record

if TYPE_CHECKING:
    from pathlib import Path

_FRACTION = 0.08


@pytest.mark.parametrize("cloud", KINDS)
def test_a_shared_cache_changes_no_answer(
    cloud: str, tmp_path: Path, record_property: Record
) -> None:
    tally = run(cloud, tmp_path, seed=0, fraction=_FRACTION)
    assert not tally.silent
    assert not tally.wrong
    assert bool(tally.renewed) == modules("witness")[cloud].WITNESS.renews
    assert not tally.asked_again
    record_property(FIGURES, f"{cloud}: {tally.machines} machines answer alike with a shared cache")
