"""Has programs run and timed."""

from __future__ import annotations

import marshal
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.bench import timer

# The interpreter itself: one in a venv reads a file more at every start.
PYTHON = str(Path(sys.executable).resolve())
# Far longer than the slowest of all takes, twenty of them at once.
_HUNG_S = 120


class Hung(Exception):
    """A program did not come to an end."""


@dataclass(frozen=True)
class Command:
    """A program to run."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    stdin: Path


@dataclass(frozen=True)
class Sample:
    """One run: of one program, or of several at the same time."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    """The largest of them."""
    replies: tuple[tuple[int, bytes], ...]
    """Exit status and what was printed."""


class Stopwatch:
    """A process that starts programs; they have nothing of this one's."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [PYTHON, "-I", "-S", timer.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={},
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def least_peak_bytes(self) -> int:
        """What no program's peak is told to be below: what this process itself takes."""
        return self.run(Command(("/bin/sh", "-c", ":"), {}, Path(os.devnull))).peak_bytes

    def run(self, *commands: Command) -> Sample:
        """Run programs at the same time, and wait for the last. Raises Hung."""
        asking, answering = self._process.stdin, self._process.stdout
        assert asking is not None
        assert answering is not None
        marshal.dump([_plain(command) for command in commands], asking)
        asking.flush()
        if not select.select([answering], [], [], _HUNG_S)[0]:
            self._process.kill()
            raise Hung(f"{commands[0].arguments[0]} has not ended after {_HUNG_S} s")
        wall_s, finished = marshal.load(answering)
        statuses, printed, cpu_s, peaks = zip(*finished, strict=True)
        replies = tuple(zip(statuses, printed, strict=True))
        return Sample(wall_s, sum(cpu_s), max(peaks) * 1024, replies)


def _plain(command: Command) -> timer.Command:
    return list(command.arguments), dict(command.environment), str(command.stdin)
