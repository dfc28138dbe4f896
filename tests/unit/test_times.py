"""Durations and moments as text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cred_helper.commands.ui.times import duration, iso


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (0.4, "0 s"),
        (59, "59 s"),
        (99.4, "99 s"),
        (100, "2 min"),
        (3599, "60 min"),
        (99 * 60, "99 min"),
        (2 * 3600, "2 h"),
        (12 * 3600 - 1, "12 h"),
        (11 * 3600 + 59 * 60, "11 h 59 min"),
        (3 * 86400, "3 days"),
    ],
)
def test_a_duration_has_its_largest_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_moment_is_in_utc_to_the_second() -> None:
    moment = datetime(2026, 11, 24, 23, 59, 59, 999999, UTC)
    assert iso(moment) == iso(moment.timestamp()) == "2026-11-24T23:59:59+00:00"
    assert iso(None) is None
