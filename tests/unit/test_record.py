"""A record takes its fields as a dataclass does."""

from __future__ import annotations

from typing import Any

import pytest

from cred_helper.record import Record
from cred_helper.registry import Token


class One(Record):
    first: int
    second: str = "default"


class More(One, kw_only=True):
    third: bytes


def test_fields_are_taken_by_position_or_name_or_from_defaults() -> None:
    assert vars(One(1)) == {"first": 1, "second": "default"}
    assert vars(More(1, "given", third=b"")) == {"first": 1, "second": "given", "third": b""}


def test_a_copy_differs_in_the_named_fields_only() -> None:
    one = More(1, third=b"x")
    assert vars(one.but(second="other")) == {**vars(one), "second": "other"}
    assert one.second == "default"


@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), ((1, "", 2), {}), ((1,), {"other": 2}), ((), {"second": ""})],
    ids=["none", "too many", "an unknown one", "the required one is absent"],
)
def test_wrong_fields_are_an_error(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="One has the fields first, second"):
        One(*values, **named)


def test_a_record_shows_no_field() -> None:
    assert "s3cret" not in f"{One(1, 's3cret')!r}"


def test_a_registrys_token_is_not_shown() -> None:
    assert "s3cret" not in f"{Token('s3cret', 0.0)!r} {Token('s3cret', 0.0)}"
