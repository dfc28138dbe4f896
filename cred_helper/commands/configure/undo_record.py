"""The record of what ``configure`` changed, kept until it is undone.

A step is recorded before it is taken, so that an interruption in between loses nothing: to undo a
step that was not taken changes nothing. Recorded are the values that were displaced, never a whole
file of another program and never a secret.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from cred_helper.commands.configure.changes import (
    Change,
    FileChange,
    LinkChange,
    masked,
    read,
    unedited,
)
from cred_helper.errors import CredentialError, Misconfigured
from cred_helper.files import user_folders

StepRecord = dict[str, Any]


class Step(NamedTuple):
    change: Change
    record: StepRecord


@dataclass
class Plan:
    steps: list[Step] = field(default_factory=list)
    notes: list[CredentialError] = field(default_factory=list)

    def note(self, code: str, **values: Any) -> None:
        self.notes.append(CredentialError(code, **values))


class Journal:
    """The records of the steps that were taken, the newest last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text = read(path)
        try:
            self._records: list[StepRecord] = (
                json.loads(self._text)["records"] if self._text else []
            )
        except (ValueError, KeyError, TypeError, RecursionError):
            raise self._damaged() from None

    def _damaged(self) -> Misconfigured:
        return Misconfigured("configure.not-a-record", path=self._path)

    @classmethod
    def of_user(cls, environ: Mapping[str, str]) -> Journal:
        folder = Path(user_folders.data(environ), "docker-credential-multi")
        return cls(folder / "configured.json")

    def add(self, plan: Plan) -> None:
        self._write([*self._records, *(step.record for step in plan.steps)])

    def clear(self) -> None:
        self._write([])

    def _write(self, records: list[StepRecord]) -> None:
        text = json.dumps({"records": records}, indent=1) + "\n" if records else None
        # Another configure that has written since the records were read is not lost.
        FileChange(self._path, self._text, text).apply()
        self._text, self._records = text, records

    def undoing(self) -> Plan:
        """The plan that puts everything back, except what was changed since."""
        try:
            return self._undoing()
        except (KeyError, TypeError, AttributeError, ValueError):
            raise self._damaged() from None

    def _undoing(self) -> Plan:
        plan = Plan()
        texts: dict[str, str | None] = {}
        for record in reversed(self._records):
            path = record["path"]
            if record["kind"] == "link":
                if os.path.islink(path) and os.readlink(path) == record["target"]:
                    plan.steps.append(Step(LinkChange(Path(path), None), {}))
                continue
            if path not in texts:
                texts[path] = read(Path(path))
            try:
                texts[path] = _UNDO[record["kind"]](record, texts[path])
            except _ChangedSince:
                plan.note("configure.changed-since", path=path)
        masks = {record["path"]: masked for record in self._records if record["kind"] == "json"}
        for path, text in texts.items():
            change = FileChange(Path(path), read(Path(path)), text, masks.get(path, str))
            if change.before != change.after:
                plan.steps.append(Step(change, {}))
        return plan


class _ChangedSince(Exception):
    """The file has another text than the one that was written."""


def _without_file(record: StepRecord, text: str | None) -> str | None:
    """The text before a whole file was written."""
    old: str | None = record["old"]
    if text == record["new"]:
        return old
    if text in (old, None):
        return text  # the step was not taken, or is undone already
    raise _ChangedSince


def _without_line(record: StepRecord, text: str | None) -> str | None:
    """The text before a line was put in."""
    if text is None:
        return None
    left = text.replace(record["line"], "", 1)
    return None if record["created"] and not left else left


_UNDO = {"json": unedited, "file": _without_file, "line": _without_line}
