"""Edits of a JSON text: they change the named member and no other byte."""

from __future__ import annotations

import pytest

from cred_helper.commands.configure import raw_json

_DOCKER = """{
\t"auths": {
\t\t"https://index.docker.io/v1/": {}
\t},
\t"HttpHeaders": {"User-Agent": "x"},
\t"credsStore": "desktop",
\t"unknown": [1.00, 1e2, "\\u00e9"]
}
"""


def test_a_value_is_replaced_in_its_place_and_a_new_member_indented_as_its_neighbours() -> None:
    edited = raw_json.put(_DOCKER, '"multi"', "credsStore")
    assert edited == _DOCKER.replace('"desktop"', '"multi"')
    edited = raw_json.put(_DOCKER, '"multi"', "credHelpers", "gcr.io")
    assert edited == _DOCKER.replace(
        '"\\u00e9"]\n', '"\\u00e9"],\n\t"credHelpers": {"gcr.io": "multi"}\n'
    )


@pytest.mark.parametrize(
    ("text", "edited"),
    [
        ("{}", '{\n\t"credsStore": "multi"\n}'),
        ("  {  }\n", '  {\n\t"credsStore": "multi"\n}\n'),
        ('{"a":1}', '{"a":1, "credsStore": "multi"}'),
        ('{ "a": 1 }', '{ "a": 1, "credsStore": "multi" }'),
        ('{\r\n  "a": 1\r\n}', '{\r\n  "a": 1,\r\n  "credsStore": "multi"\r\n}'),
        ('{"credsStore":"a","credsStore":"b"}', '{"credsStore":"a","credsStore":"multi"}'),
    ],
)
def test_every_way_of_laying_out_an_object_is_kept(text: str, edited: str) -> None:
    assert raw_json.put(text, '"multi"', "credsStore") == edited


@pytest.mark.parametrize("text", ['{"a":null}', '{"a" : null , "b":1}'])
def test_null_on_the_way_is_replaced(text: str) -> None:
    assert raw_json.put(text, "1", "a", "b", "c") == text.replace("null", '{"b": {"c": 1}}')
    assert raw_json.get(text, "a", "b") is None
    assert raw_json.get(text, "a") == "null"
    assert raw_json.remove(text, "a", "b") == text
    assert raw_json.put(text, '"x"', "a") == text.replace("null", '"x"')


def test_names_are_in_the_order_of_the_file() -> None:
    assert raw_json.names('{"b":{"x":1},"a":2,"b":3}') == ["b", "a", "b"]


def test_a_member_that_is_put_and_removed_leaves_no_trace() -> None:
    for text in (_DOCKER, '{"a":1}', '{\n  "a": 1\n}'):
        edited = raw_json.put(text, '"multi"', "credHelpers", "gcr.io")
        assert raw_json.remove(edited, "credHelpers") == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"x": 1, "a": 2, "b": 3}', '{"a": 2, "b": 3}'),
        ('{"a": 2, "x": 1, "b": 3}', '{"a": 2, "b": 3}'),
        ('{"a": 2, "b": 3, "x": 1}', '{"a": 2, "b": 3}'),
        ('{ "x": 1 }', "{}"),
        ('{"x": 1, "a": 2, "x": 3}', '{"x": 1, "a": 2}'),
    ],
)
def test_a_member_is_removed_with_its_comma(text: str, left: str) -> None:
    assert raw_json.remove(text, "x") == left


@pytest.mark.parametrize("text", ["", "[]", '"a"', '{"a": 1', '{"a": 1,}', '{"a": 1} x'])
def test_other_values_than_objects_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        raw_json.put(text, "1", "a")
