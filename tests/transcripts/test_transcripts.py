"""Plays every transcript, on source and frozen: see ``transcript`` for how one is written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.clouds.fixtures import authority, proxy
from tests.stage import known
from tests.support.executable import Completed, Executable
from tests.transcripts.transcript import read_steps

if TYPE_CHECKING:
    from tests.support.machine import Machine

__all__ = ["authority", "known", "proxy"]

_FOLDER = Path(__file__).parent


@pytest.mark.parametrize("path", sorted(_FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_a_run_prints_what_the_transcript_says(
    path: Path, executable: Executable, home: Path
) -> None:
    steps = read_steps(path)
    assert steps
    for step in steps:
        step.play(executable.run, home)


@pytest.mark.parametrize(
    "path", sorted((_FOLDER / "commands").glob("*.txt")), ids=lambda path: path.stem
)
def test_a_terminal_shows_what_the_transcript_says(path: Path, known: Machine, home: Path) -> None:
    """On a machine that all three loopback clouds know."""

    def run(*arguments: str, environment: dict[str, str], **options: Any) -> Completed:
        executable = Executable(known.environment, [str(known.program)])
        return executable.run(*arguments, environment=environment, **options)

    steps = read_steps(path)
    assert steps
    for step in steps:
        for name, body in step.helpers.items():
            known.helper(name, body)
        step.play(run, home)
