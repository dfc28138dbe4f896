"""What came of a step in a root, and the files that keep it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
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
    """What came of a step; ``root`` is where, and ``built_in`` where its file was built."""

    root: str
    step: str
    verdict: Verdict
    words: str = ""
    took_s: float = 0.0
    commit: str = ""
    built_in: str = ""


def kept(folder: Path = FOLDER) -> list[Outcome]:
    """The outcomes of this run and of earlier ones."""
    found: list[Outcome] = []
    for path in sorted(folder.glob("*/outcomes.json")):
        rows = json.loads(path.read_text())
        found += [Outcome(**{**row, "verdict": Verdict(row["verdict"])}) for row in rows]
    return found


def keep(outcome: Outcome, folder: Path = FOLDER) -> None:
    """Keep this outcome, in place of that of the same step in the same roots."""
    owner = outcome.built_in or outcome.root
    path = folder / owner / "outcomes.json"
    rows = {
        (it.root, it.step, it.built_in): it
        for it in kept(folder)
        if owner == (it.built_in or it.root)
    }
    rows[outcome.root, outcome.step, outcome.built_in] = outcome
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows.values()], indent=1) + "\n")
