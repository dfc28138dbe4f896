"""What ``configure`` did, on record until it is undone.

A step is on record before it is taken, so that an interruption in between loses nothing: to undo
what never happened changes nothing. Kept are the values that were displaced, never a file and never
a secret.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cred_helper.commands.configure.changes import FileChange, LinkChange, read, unedited
from cred_helper.errors import Misconfigured
from cred_helper.files import user_folders

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cred_helper.commands.configure.changes import Change

Record = dict[str, Any]


class Step:
    """One change, and what undoing it has to know."""

    def __init__(self, change: Change, record: Record) -> None:
        self.change = change
        self.record = record


class Plan:
    """What would be done, in order, and what is worth saying about it."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.notes: list[str] = []


class Journal:
    """The records of what was done, the newest last."""

    def __init__(self, path: Path) -> None:
        """Read them.

        Raises:
            Misconfigured: the file is none of ours.
        """
        self._path = path
        text = read(path)
        try:
            self._records: list[Record] = json.loads(text)["records"] if text else []
        except (ValueError, KeyError, TypeError, RecursionError):
            hint = "remove it; what configure did before has to be undone by hand then"
            raise Misconfigured(f"{path} is not a record of configure", hint=hint) from None

    @classmethod
    def of_user(cls, environ: Mapping[str, str]) -> Journal:
        """The journal of whoever runs this."""
        folder = Path(user_folders.data(environ), "docker-credential-multi")
        return cls(folder / "configured.json")

    def add(self, plan: Plan) -> None:
        """Put a plan on record, before it is carried out."""
        self._write([*self._records, *(step.record for step in plan.steps)])

    def clear(self) -> None:
        """Forget all of it."""
        self._write([])

    def _write(self, records: list[Record]) -> None:
        text = json.dumps({"records": records}, indent=1) + "\n" if records else None
        FileChange(self._path, read(self._path), text).apply()

    def undoing(self) -> Plan:
        """The plan that puts everything back; what somebody has changed since stays."""
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
                plan.notes.append(f"{path} was changed since: it is left as it is")
        changes = (FileChange(Path(path), read(Path(path)), text) for path, text in texts.items())
        plan.steps += [Step(change, {}) for change in changes if change.is_change]
        return plan


class _ChangedSince(Exception):
    """Somebody else's text stands where ours stood."""


def _without_file(record: Record, text: str | None) -> str | None:
    """The text before a whole file was written."""
    if text == record["new"]:
        old: str | None = record["old"]
        return old
    if text in (record["old"], None):
        return text  # it never came to it, or is undone already
    raise _ChangedSince


def _without_line(record: Record, text: str | None) -> str | None:
    """The text before a line was put in."""
    if text is None:
        return None
    left = text.replace(record["line"], "", 1)
    return None if record["created"] and not left else left


_UNDO = {"json": unedited, "file": _without_file, "line": _without_line}
