"""Differences shown on the screen, and the question before they are written."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click

from cred_helper.commands.configure.changes import Change
from cred_helper.commands.ui.screen import Screen, bold, shown
from cred_helper.errors import CredentialError

_COLOURS = {"+": "green", "-": "red"}


def consent(screen: Screen, changes: Iterable[Change], *, yes: bool, dry_run: bool) -> bool:
    """Show changes, and ask whether to make them; abort without a yes. False: a dry run."""
    for change in changes:
        screen.line()
        for line in change.diff().splitlines():
            text = shown(line.replace("\t", "    "))
            is_name = line[:3] in ("+++", "---")
            screen.line(bold(text) if is_name else click.style(text, fg=_COLOURS.get(line[:1])))
    screen.line()
    if dry_run:
        screen.line("nothing is written (--dry-run)")
        return False
    if not yes:
        if sys.stdin is None or not sys.stdin.isatty():
            raise CredentialError("configure.not-a-terminal")
        click.confirm("Write this?", abort=True)
    return True
