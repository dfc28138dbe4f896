"""A token's expiry is believed only up to the longest life, and any garbage means no expiry."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cred_helper.providers.acr.token import LONGEST_LIFE, expiry
from cred_helper.providers.common.token_identity import claims

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def token(document: object) -> str:
    payload = urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")
    return f"e30.{payload}.c2lnbmF0dXJl"


def test_a_token_names_its_end() -> None:
    ends_at = NOW + timedelta(minutes=90)
    assert expiry(token({"exp": ends_at.timestamp()}), NOW) == ends_at
    assert expiry(token({"exp": int(ends_at.timestamp())}), NOW) == ends_at


def test_a_token_that_claims_too_long_a_life_is_not_believed() -> None:
    ends_at = NOW + timedelta(days=9)
    assert expiry(token({"exp": ends_at.timestamp()}), NOW) == NOW + LONGEST_LIFE


@pytest.mark.parametrize(
    "exp", [None, "1767229200", True, [], {}, 1e300, -1e300, float("nan"), float("inf")]
)
def test_an_end_that_is_not_a_time_is_ignored(exp: Any) -> None:
    assert expiry(token({"exp": exp}), NOW) is None
    assert expiry(token({}), NOW) is None


@pytest.mark.parametrize("document", [[], "text", 7, None])
def test_claims_that_are_not_an_object_are_ignored(document: object) -> None:
    assert claims(token(document)) == {}


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*", fullmatch=True))
def test_any_text_in_place_of_a_token_is_accepted(text: str) -> None:
    assert isinstance(claims(text), dict)
    assert expiry(text, NOW) is None or claims(text)


@given(st.integers(-(10**20), 10**20))
def test_no_end_is_later_than_the_longest_life(exp: int) -> None:
    ends_at = expiry(token({"exp": exp}), NOW)
    assert ends_at is None or ends_at <= NOW + LONGEST_LIFE
