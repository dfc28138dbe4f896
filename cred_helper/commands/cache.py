"""``cache``: show the tokens on disk without their secrets, and clear them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from cred_helper.cache import TokenCache, known_folders, service_folders
from cred_helper.cache.entry import Entry
from cred_helper.commands.ui.arguments import as_json
from cred_helper.commands.ui.screen import Screen
from cred_helper.commands.ui.times import duration, iso
from cred_helper.errors import CredentialError, printable
from cred_helper.settings.settings import Settings


@click.group()
def cache() -> None:
    """Show or clear the tokens on disk."""


def _folders() -> list[str]:
    """Every folder that may hold tokens of this user, the one in use first, kubelet's last."""
    settings = Settings.load(os.environ)
    named = [settings.cache_folder] if settings.cache_folder else []
    return list(dict.fromkeys([*named, *known_folders(os.environ), *service_folders()]))


@cache.command("list")
@as_json
def list_entries(json_wanted: bool) -> None:
    """List the valid tokens: registries, user and time left. No secret is shown."""
    screen = Screen()
    now = time.time()
    found: list[tuple[str, Entry]] = []
    refused: list[CredentialError] = []
    for folder in _folders():
        tokens = TokenCache(folder)
        with _postponed(refused):
            tokens.check()
            found += [(folder, entry) for entry in tokens.entries(now)]
    if json_wanted and (found or not refused):
        screen.json([_document(folder, entry) for folder, entry in found])
    elif found:
        screen.table(_row(entry, now) for _, entry in found)
    elif not refused:
        screen.line("nothing is kept")
    if refused:
        raise refused[0]


@contextmanager
def _postponed(errors: list[CredentialError]) -> Iterator[None]:
    """Look at the other folders before the error of one is raised."""
    try:
        yield
    except CredentialError as error:
        errors.append(error)


def _row(entry: Entry, now: float) -> tuple[str, ...]:
    left = f"valid for {duration(entry.expires_at - now)}"
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
    """Remove every token."""
    removed = 0
    refused: list[CredentialError] = []
    for folder in _folders():
        with _postponed(refused):
            removed += TokenCache(folder).clear()
    if removed or not refused:
        Screen().line(f"{removed} {'token' if removed == 1 else 'tokens'} removed")
    if refused:
        raise refused[0]
