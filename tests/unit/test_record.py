"""A record has its fields as a dataclass does."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

import cred_helper
from cred_helper.record import Record


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


_SECRET = "s3cret"
# Fields with the content of a file or a message. A named tuple shows every field.
_CONTENT = re.compile("after|before|body|content|headers|password|secret|text|token")


def _subclasses(kind: type) -> Iterator[type]:
    """The classes of the package that derive from this one."""
    for module in pkgutil.walk_packages(cred_helper.__path__, "cred_helper."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    pending = [kind]
    while pending:
        found: list[type] = pending.pop().__subclasses__()
        pending += found
        yield from (one for one in found if one.__module__.startswith("cred_helper."))


def test_only_records_of_addresses_show_a_field() -> None:
    shown = set()
    for kind in _subclasses(Record):
        assert issubclass(kind, Record)
        one = kind.__new__(kind)
        vars(one).update(dict.fromkeys(kind._fields, _SECRET))
        if _SECRET in f"{one!r}{one!s}{one}":
            shown.add(kind.__name__)
    routes = {"Route", "AcrRoute", "EcrRoute", "GcrRoute", "HubRoute", "S3Route"}
    assert shown == {*routes, "Image", "ServerURL"}


def test_a_named_tuple_has_no_content_that_can_be_secret() -> None:
    fields = [
        f"{kind.__module__}.{kind.__name__}.{field}"
        for kind in _subclasses(tuple)
        for field in getattr(kind, "_fields", ())
    ]
    assert len(fields) > 20
    assert [name for name in fields if _CONTENT.fullmatch(name.rpartition(".")[2])] == []
