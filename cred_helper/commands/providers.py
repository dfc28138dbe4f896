"""``providers``: which clouds this build answers for, and as whom."""

from __future__ import annotations

import json
from typing import Any

import click

from cred_helper import providers as builtin
from cred_helper.commands.explain import Explanation
from cred_helper.server_url import ServerURL

# One host of each cloud that every reading of the tables routes there.
EXAMPLES = {
    "ecr": "123456789012.dkr.ecr.us-east-1.amazonaws.com",
    "gcr": "us-docker.pkg.dev",
    "acr": "myregistry.azurecr.io",
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def providers(as_json: bool) -> None:
    """List the built-in providers and the identity each would use here."""
    rows = [_row(name) for name in builtin.BUILTIN]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        click.echo(f"{row['provider']:<5}{row['example']:<46}{_words(row)}")


def _row(name: str) -> dict[str, Any]:
    explanation = Explanation(ServerURL.parse(EXAMPLES[name]))
    return {
        "provider": name,
        "example": EXAMPLES[name],
        "in_this_build": builtin.load(name) is not None,
        "identity": explanation.identity(),
    }


def _words(row: dict[str, Any]) -> str:
    if not row["in_this_build"]:
        return "not in this build"
    identity = row["identity"]
    if identity is None:
        return "switched off"
    if identity.get("error"):
        return str(identity["error"])
    return identity["source"] or "no identity"
