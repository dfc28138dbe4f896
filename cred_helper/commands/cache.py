"""``cache``: what is kept on disk, shown without its secrets, and cleared."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import click

from cred_helper.cache import TokenCache, known_folders
from cred_helper.commands.arguments import as_json
from cred_helper.commands.screen import Screen, printable
from cred_helper.commands.times import duration, iso
from cred_helper.settings import Settings

if TYPE_CHECKING:
    from cred_helper.cache.entry import Entry


@click.group()
def cache() -> None:
    """Show or clear the tokens that are kept on disk."""


def _folders() -> list[str]:
    """Every folder that may hold tokens of this user, the one in use first."""
    settings = Settings.load(os.environ)
    named = [settings.cache_folder] if settings.cache_folder else []
    return list(dict.fromkeys([*named, *known_folders(os.environ)]))


@cache.command("list")
@as_json
def list_entries(json_wanted: bool) -> None:
    """List the tokens that are still good: what for, as whom, how long. Never a secret."""
    screen = Screen()
    now = time.time()
    found = [(folder, entry) for folder in _folders() for entry in TokenCache(folder).entries(now)]
    if json_wanted:
        screen.json([_document(folder, entry) for folder, entry in found])
    elif found:
        screen.table(_row(entry, now) for _, entry in found)
    else:
        screen.line("nothing is kept")


def _row(entry: Entry, now: float) -> tuple[str, ...]:
    left = f"good for {duration(entry.expires_at - now)}"
    sealed = "encrypted" if entry.is_sealed else ""
    texts = (entry.provider, entry.scope, entry.username, left, sealed)
    return tuple(map(printable, texts))


def _document(folder: str, entry: Entry) -> dict[str, object]:
    return {
        "provider": entry.provider,
        "scope": entry.scope,
        "username": entry.username,
        "source": entry.source,
        "created_at": iso(entry.created_at),
        "expires_at": iso(entry.expires_at),
        "encrypted": entry.is_sealed,
        "folder": folder,
    }


@cache.command()
def clear() -> None:
    """Remove every token that is kept."""
    removed = sum(TokenCache(folder).clear() for folder in _folders() if os.path.isdir(folder))
    Screen().line(f"{removed} {'token' if removed == 1 else 'tokens'} removed")
