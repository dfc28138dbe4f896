"""``providers``: which clouds this build answers for, and as whom."""

from __future__ import annotations

from typing import Any

import click

from cred_helper import providers as builtin
from cred_helper.commands.lookup.explanation import EXAMPLES, Explanation, identity_words
from cred_helper.commands.ui.arguments import as_json
from cred_helper.commands.ui.screen import Screen, shown
from cred_helper.errors import Misconfigured
from cred_helper.server_url import ServerURL


@click.command()
@as_json
def providers(json_wanted: bool) -> None:
    """List the built-in providers, each with its identity here."""
    screen = Screen()
    explained = {name: Explanation(ServerURL.parse(EXAMPLES[name])) for name in builtin.BUILTIN}
    if json_wanted:
        screen.json([_document(name, explanation) for name, explanation in explained.items()])
        return
    screen.table(
        (name, EXAMPLES[name], shown(_words(name, explanation)))
        for name, explanation in explained.items()
    )


def _document(name: str, explained: Explanation) -> dict[str, Any]:
    return {
        "provider": name,
        "example": EXAMPLES[name],
        "in_this_build": builtin.load(name) is not None,
        "identity": explained.identity_document(),
    }


def _words(name: str, explained: Explanation) -> str:
    if builtin.load(name) is None:
        return "this build is made without it"
    identity = explained.identity
    if identity is None:
        return (
            f"not asked: {explained.error.reason if explained.error else explained.why_provider()}"
        )
    if isinstance(identity, Misconfigured):
        return identity.reason
    return identity_words(identity) if identity.source else "no identity"
