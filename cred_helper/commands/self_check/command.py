"""``self-check``: check the file, its libraries, and an exchange of each cloud on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import click

from cred_helper.commands.doctor.finding import ERROR, Finding
from cred_helper.commands.doctor.report import report
from cred_helper.commands.ui.arguments import as_json
from cred_helper.commands.ui.screen import Screen
from cred_helper.errors import CannotLoad


@click.command("self-check")
@click.option(
    "--sums",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Compare the file with this list of checksums; SHA256SUMS beside it by default.",
)
@as_json
def self_check(sums: str | None, json_wanted: bool) -> int:
    """Check that this program is undamaged, and works here.

    Compares the checksums of the file and its parts, loads its libraries, and lets the SDK of each
    cloud get a credential from a loopback server, for a made-up identity. Needs no network, home
    folder or identity, and keeps nothing. The exit status is 1 if a check fails.
    """
    return report(Screen.guarded(), _findings(sums), json_wanted)


def _findings(sums: str | None) -> Iterator[Finding]:
    """Check the parts of the file before the SDKs are loaded from them."""
    from cred_helper.commands.self_check.file import file

    if not (yield from file(sums)):
        return
    try:
        from cred_helper.commands.self_check.exchange import exchanges
        from cred_helper.commands.self_check.libraries import libraries
    except CannotLoad as failure:
        yield Finding(ERROR, "libraries", failure.error)
        return
    yield from exchanges()
    yield from libraries()
