"""``cache``: what is kept on disk, shown without its secrets, and cleared."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from cred_helper.cache import TokenCache, known_folders
from cred_helper.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cred_helper.cache.entry import Entry


@click.group()
def cache() -> None:
    """Show or clear the tokens that are kept on disk."""


def _folders() -> Iterator[str]:
    """Every folder that may hold tokens of this user."""
    settings = Settings.load(os.environ)
    if settings.cache_folder:
        yield settings.cache_folder
    yield from known_folders(os.environ)


@cache.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_entries(as_json: bool) -> None:
    """List the tokens that are still good: whom for, as whom, until when. Never a secret."""
    found = [(folder, entry) for folder in _folders() for entry in _entries(folder)]
    if as_json:
        click.echo(json.dumps([_row(folder, entry) for folder, entry in found], indent=2))
        return
    if not found:
        click.echo("nothing is kept")
    for _, entry in found:
        left_min = max(0.0, (entry.expires_at - time.time()) / 60)
        username = entry.credential().username
        click.echo(f"{entry.provider:<5}{entry.scope:<50}{username:<38}{left_min:6.0f} min left")


def _entries(folder: str) -> list[Entry]:
    return TokenCache(folder).entries(time.time())


def _row(folder: str, entry: Entry) -> dict[str, str]:
    return {
        "provider": entry.provider,
        "scope": entry.scope,
        "username": entry.credential().username,
        "expires_at": datetime.fromtimestamp(entry.expires_at, UTC).isoformat(timespec="seconds"),
        "folder": folder,
    }


@cache.command()
def clear() -> None:
    """Remove every token that is kept."""
    removed = sum(TokenCache(folder).clear() for folder in _folders() if os.path.isdir(folder))
    click.echo(f"{removed} {'token' if removed == 1 else 'tokens'} removed")
