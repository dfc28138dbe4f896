"""Durations and moments as text."""

from __future__ import annotations

from datetime import UTC, datetime
from time import time


def duration(seconds: float) -> str:
    """A duration in its one or two largest units."""
    left_s = max(0, round(seconds))
    if left_s < 100:
        return f"{left_s} s"
    minutes = round(left_s / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} days"


def left(expires_at: datetime) -> str:
    """The time until a moment, as text."""
    return duration(expires_at.timestamp() - time())


def iso(moment: datetime | float | None) -> str | None:
    """A moment in the form of JSON documents: UTC, to the second."""
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        moment = datetime.fromtimestamp(moment, UTC)
    return moment.astimezone(UTC).isoformat(timespec="seconds")
