"""``providers``: the clouds that this build answers for, each with its identity."""

from __future__ import annotations

from typing import Any

import click

from cred_helper import clouds
from cred_helper import providers as builtin
from cred_helper.clouds import Cloud
from cred_helper.commands.lookup.explanation import Explanation, identity_words
from cred_helper.commands.ui.arguments import as_json
from cred_helper.commands.ui.screen import Screen, shown
from cred_helper.server_url import ServerURL


@click.command()
@as_json
def providers(json_wanted: bool) -> None:
    """List the built-in providers and their identities."""
    screen = Screen()
    explained = {cloud: Explanation(ServerURL.parse(cloud.example_host)) for cloud in clouds.CLOUDS}
    if json_wanted:
        screen.json([_document(cloud, explanation) for cloud, explanation in explained.items()])
        return
    screen.table(
        (cloud.name, cloud.example_host, shown(_words(cloud, explanation)))
        for cloud, explanation in explained.items()
    )


def _document(cloud: Cloud, explained: Explanation) -> dict[str, Any]:
    return {
        "provider": cloud.name,
        "example": cloud.example_host,
        "in_this_build": builtin.load(cloud.name) is not None,
        "identity": explained.identity_document(),
    }


def _words(cloud: Cloud, explained: Explanation) -> str:
    if builtin.load(cloud.name) is None:
        return "this build leaves it out"
    if cloud.only_with and explained.resolution.own_route is None:
        return f"not set up: needs {' and '.join(cloud.only_with)}"
    if explained.identity_error:
        return explained.identity_error.reason
    if explained.identity is None:
        why = explained.error.reason if explained.error else explained.why_provider()
        return f"not asked: {why}"
    return "no identity" if explained.is_idle else identity_words(explained.identity)
