"""Runs programs through the timer."""

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

# The interpreter itself: in a venv it reads one more file at every start.
PYTHON = str(Path(sys.executable).resolve())
# Far longer than twenty runs of the slowest program at once.
_HUNG_S = 120


class Hung(Exception):
    """A program did not end."""


@dataclass(frozen=True)
class Command:
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    stdin: Path


@dataclass(frozen=True)
class Sample:
    """One run of one program, or of several at the same time."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    """The largest of the programs."""
    replies: tuple[tuple[int, bytes], ...]
    """Exit status and output of each program."""


class Stopwatch:
    """A process that starts programs, which inherit nothing from this one."""

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
        """The smallest peak that can be measured: that of the timer itself."""
        return self.run(Command(("/bin/sh", "-c", ":"), {}, Path(os.devnull))).peak_bytes

    def run(self, *commands: Command) -> Sample:
        """Run programs at the same time and wait for all.

        Raises:
            Hung: one does not end.
        """
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
