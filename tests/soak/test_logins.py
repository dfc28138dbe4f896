"""A short run of the kills; ``make soak`` has the long one."""

from __future__ import annotations

from pathlib import Path

from tests.figures import FIGURES, Record
from tests.soak.logins import Logins, sweep
from tests.soak.writers import WRITERS


def test_no_login_of_eight_writers_is_lost_or_torn_by_kills(
    tmp_path: Path, record_property: Record
) -> None:
    soak = Logins(str(tmp_path)).run(60)
    results = f"{soak.kills} kills of {WRITERS} writers survived, {soak.interrupted} in a change"
    record_property(FIGURES, f"own store: {results}; {soak.checks} entries read")
    assert (soak.torn, soak.lost) == ([], [])
    assert soak.interrupted > 0
    sweep(soak)
    assert soak.litter == []
