"""Transcripts: what a client writes and what it reads back, to the byte; on source and frozen.

A transcript is a file of steps that run in order in one HOME::

    # Why this step is here.
    $ get
    env NAME=value
    < "gcr.io\\r\\n"
    1> "credentials not found in native keychain\\n"
    2> ""
    = 1

``$`` is the arguments, ``<`` standard input and ``1>``/``2>`` the outputs as JSON strings (``<
closed`` hands over no descriptor), ``=`` the exit status. ``…`` in an expected output stands for
any text. What a step does not mention is empty, and 0.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.executable import Executable

_FOLDER = Path(__file__).parent
_ANY = "…"


class Step:
    """One run of the executable and what it must leave behind."""

    def __init__(self, line: int, arguments: str) -> None:
        self.line = line
        self.arguments = shlex.split(arguments)
        self.environment: dict[str, str] = {}
        self.stdin: str | None = ""
        self.stdout = ""
        self.stderr = ""
        self.status = 0

    def read(self, mark: str, text: str) -> None:
        """Take in one line below the ``$``."""
        match mark:
            case "env":
                name, _, value = text.partition("=")
                self.environment[name] = value
            case "<":
                self.stdin = None if text == "closed" else json.loads(text)
            case "1>":
                self.stdout += json.loads(text)
            case "2>":
                self.stderr += json.loads(text)
            case "=":
                self.status = int(text)
            case _:
                raise ValueError(f"what is {mark!r}?")


def read_steps(path: Path) -> list[Step]:
    """Read a transcript."""
    steps: list[Step] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        mark, _, text = line.partition(" ")
        if mark == "$":
            steps.append(Step(number, text))
        else:
            steps[-1].read(mark, text)
    return steps


def _matches(expected: str, actual: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in expected.split(_ANY))
    return re.fullmatch(pattern, actual, re.DOTALL) is not None


@pytest.mark.parametrize("path", sorted(_FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_the_transcript_is_what_happens(path: Path, executable: Executable) -> None:
    steps = read_steps(path)
    assert steps
    for step in steps:
        where = f"{path.name}:{step.line}"
        done = executable.run(
            *step.arguments,
            stdin=step.stdin or "",
            environment=step.environment,
            preexec_fn=(lambda: os.close(0)) if step.stdin is None else None,
        )
        assert _matches(step.stdout, done.stdout.decode()), (where, done)
        assert _matches(step.stderr, done.stderr), (where, done)
        assert done.status == step.status, (where, done)
