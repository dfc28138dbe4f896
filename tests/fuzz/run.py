"""One run of a fuzzer: at least so long, and at least so many inputs."""

from __future__ import annotations

import hashlib
import random
import time
import traceback
from typing import Self

from tests.fuzz.target import SEEDS, Target


class Run:
    """The result. ``crashers`` are inputs that broke a promise, one of each kind."""

    def __init__(self, target: Target, seed: int) -> None:
        self.target = target
        self.seed = seed
        self.tried = 0
        self.took_s = 0.0
        self.crashers: dict[str, bytes] = {}

    def go(self, *, seconds: float, at_least: int = 0) -> Self:
        begun_s = time.monotonic()
        source = random.Random(f"{self.target.name} {self.seed}")
        for data in self.target.inputs(source):
            try:
                self.target.check(data)
            except Exception as error:
                self.crashers.setdefault(_kind(error), data)
            self.tried += 1
            self.took_s = time.monotonic() - begun_s
            if self.took_s >= seconds and self.tried >= at_least:
                return self
        return self

    def figures(self) -> str:
        more = self.target.figures()
        return (
            f"{self.target.name:<26}{self.tried:>9} inputs in {self.took_s:.0f} s,"
            f" {len(self.crashers)} findings, seed {self.seed}" + (f"; {more}" if more else "")
        )

    def keep_crashers(self) -> list[str]:
        """Write the crashers to the seeds of the next runs; their paths."""
        return [f"{kind}: {keep(self.target.name, data)}" for kind, data in self.crashers.items()]


def keep(name: str, data: bytes) -> str:
    """Keep an input for good."""
    path = SEEDS / name / f"crash-{hashlib.sha256(data).hexdigest()[:12]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return f"{path.relative_to(SEEDS.parent.parent.parent)} ({data[:120]!r})"


def _kind(error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {where.filename.rpartition('/')[2]}:{where.lineno}"
