"""What a check finds: how bad it is, what is so, what it may come from and what to run about it."""

from __future__ import annotations

from dataclasses import dataclass

OK = "ok"
NOTE = "note"
WARNING = "warning"
ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ``command`` can be pasted into a shell; ``hint`` is words."""

    severity: str
    subject: str
    message: str
    command: str | None = None
    hint: str | None = None
