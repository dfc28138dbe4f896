"""Differences shown on the screen, and the question before they are written."""

from __future__ import annotations

import sys

import click

from cred_helper.commands.ui.screen import Screen, bold, shown
from cred_helper.errors import CredentialError

_COLOURS = {"+": "green", "-": "red"}


def show_difference(screen: Screen, difference: str) -> None:
    """Show a difference in the form of diff."""
    for line in difference.splitlines():
        text = shown(line.replace("\t", "    "))
        styled = bold(text) if line[:3] in ("+++", "---") else None
        screen.line(styled or click.style(text, fg=_COLOURS.get(line[:1])))


def ask() -> None:
    """Ask whether to write; abort without a yes.

    Raises:
        CredentialError: there is no terminal to ask at.
    """
    if not sys.stdin.isatty():
        raise CredentialError("configure.not-a-terminal")
    click.confirm("Write this?", abort=True)
