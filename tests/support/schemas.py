"""The published schemas: every JSON output of a command in any test, and every line of the log.

A published schema allows unknown members, which a later version may add. These tests allow none: a
new member has to be in the schema.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

FOLDER = Path(__file__).parent.parent.parent / "packaging/docs/schemas"
LOG = "log"
# The schema of each command that has --json.
OF_COMMAND = {
    ("doctor",): "findings", ("self-check",): "findings", ("explain",): "explain",
    ("providers",): "providers", ("cache", "list"): "cache-list", ("config", "show"): "config-show",
}  # fmt: skip


def check_output(arguments: tuple[str, ...], stdout: bytes) -> None:
    """Check the output of a command by its schema, if it had --json and printed anything."""
    if "--json" not in arguments or not stdout.strip():
        return
    for command, schema in OF_COMMAND.items():
        if {*command} <= {*arguments}:
            check(schema, json.loads(stdout))
            return
    raise AssertionError(f"no schema for {arguments}")


def check(name: str, document: object) -> None:
    """Check a document by the schema of this name."""
    _validator(name).validate(document)


def closed(schema: Any) -> Any:
    """The schema without members that it does not name."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {name: closed(part) for name, part in schema.items()}
    is_object = isinstance(schema.get("properties"), dict) and "required" in schema
    return {"additionalProperties": False, **parts} if is_object else parts


@cache
def _validator(name: str) -> Any:
    schema = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(closed(schema))
