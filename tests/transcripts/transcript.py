"""Transcripts: commands and their exact output.

A transcript is a file of steps that run in order in one HOME::

    # Why this step is here.
    file .docker/config.json {"credsStore": "multi"}
    $ get
    env NAME=value
    < "gcr.io\\r\\n"
    1> "credentials not found in native keychain\\n"
    2> ""
    = 1

``file`` writes a file below HOME, ``helper`` another helper's shell script to PATH. ``$`` is the
arguments, ``<`` standard input and ``1>``/``2>`` the outputs as JSON strings (``< closed`` passes
no descriptor), ``=`` the exit status. ``1|``/``2|`` are a line of output as it is. ``…`` in an
expected output stands for any text, ``~`` for HOME. An output that a step does not mention is
empty, a status 0.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path

from tests.support.executable import Completed

Run = Callable[..., Completed]
_ANY = "…"


class Step:
    """One run of the executable and what it must leave behind."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.files: dict[str, str] = {}
        self.helpers: dict[str, str] = {}
        self.arguments: list[str] | None = None
        self.environment: dict[str, str] = {}
        self.stdin: str | None = ""
        self.stdout = ""
        self.stderr = ""
        self.status = 0

    def read(self, mark: str, text: str) -> None:
        """Process one line."""
        match mark:
            case "file" | "helper":
                name, _, content = text.partition(" ")
                (self.files if mark == "file" else self.helpers)[name] = content
            case "$":
                self.arguments = shlex.split(text)
            case "env":
                name, _, value = text.partition("=")
                self.environment[name] = value
            case "<":
                self.stdin = None if text == "closed" else json.loads(text)
            case "1>":
                self.stdout += json.loads(text)
            case "2>":
                self.stderr += json.loads(text)
            case "1|":
                self.stdout += f"{text}\n"
            case "2|":
                self.stderr += f"{text}\n"
            case "=":
                self.status = int(text)
            case _:
                raise ValueError(f"{self.where}: what is {mark!r}?")

    def play(self, run: Run, home: Path) -> None:
        """Run the step, and fail if its result differs from the transcript."""
        assert self.arguments is not None, self.where
        for path, content in self.files.items():
            file = home / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{content}\n")
            file.chmod(0o600)
        done = run(
            *self.arguments,
            stdin=self.stdin or "",
            environment=self.environment,
            preexec_fn=(lambda: os.close(0)) if self.stdin is None else None,
        )
        for expected, actual in ((self.stdout, done.stdout.decode()), (self.stderr, done.stderr)):
            shown = actual.replace(str(home), "~")
            assert _matches(expected, shown), f"{self.where}: this came of it\n{shown}"
        assert done.status == self.status, (self.where, done)


def read_steps(path: Path) -> list[Step]:
    """Read a transcript."""
    steps: list[Step] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        mark, _, text = line.partition(" ")
        begins = mark in ("file", "helper", "$")
        if not steps or (begins and steps[-1].arguments is not None):
            steps.append(Step(f"{path.name}:{number}"))
        steps[-1].read(mark, text)
    return steps


def _matches(expected: str, actual: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in expected.split(_ANY))
    return re.fullmatch(pattern, actual, re.DOTALL) is not None
