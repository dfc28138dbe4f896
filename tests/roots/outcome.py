"""The outcome of a step in a root, and the files that store outcomes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from tests.roots.root import FOLDER


class Verdict(StrEnum):
    """How a step ended."""

    OK = "ok"
    FAILED = "FAILED"
    OUT_OF_TIME = "OUT OF TIME"
    SKIPPED = "skipped"
    REFUSED = "refused"
    """The program cannot run here and says why, as it should."""

    @property
    def is_right(self) -> bool:
        return self not in (Verdict.FAILED, Verdict.OUT_OF_TIME)


@dataclass(frozen=True)
class Outcome:
    """The outcome of a step in ``root``; its file was built in ``built_in``.

    ``commit`` is the last one that changed what the step, or the build of its file, depends on.
    """

    root: str
    step: str
    verdict: Verdict
    words: str = ""
    took_s: float = 0.0
    commit: str = ""
    built_in: str = ""
    day: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d}")


def kept(folder: Path = FOLDER) -> list[Outcome]:
    """The outcomes of this run and of earlier ones."""
    found: list[Outcome] = []
    for path in sorted(folder.glob("*/outcomes.json")):
        rows = json.loads(path.read_text())
        found += [Outcome(**{**row, "verdict": Verdict(row["verdict"])}) for row in rows]
    return found


def keep(outcome: Outcome, folder: Path = FOLDER) -> None:
    """Keep this outcome, in place of that of the same step in the same roots.

    Outcomes of an older file are removed.
    """
    owner = outcome.built_in or outcome.root
    path = folder / owner / "outcomes.json"
    is_new_file = outcome.step == "frozen" and not outcome.built_in
    rows = {
        (it.root, it.step, it.built_in): it
        for it in kept(folder)
        if owner == (it.built_in or it.root) and not (is_new_file and it.built_in)
    }
    rows[outcome.root, outcome.step, outcome.built_in] = outcome
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows.values()], indent=1) + "\n")
