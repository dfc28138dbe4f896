"""``doctor``: look at everything a client's credentials depend on, and say what to do about it."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from time import monotonic
from typing import TYPE_CHECKING

import click

from cred_helper import stdio
from cred_helper.fallback import dockerconfig
from cred_helper.commands.findings import CHECKS, ERROR, NOTE, OK, WARNING, Finding
from cred_helper.commands.ping import ping
from cred_helper.errors import CredentialError, Misconfigured
from cred_helper.hosts import route
from cred_helper.server_url import ServerURL
from cred_helper.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARKS = {
    OK: ("ok", "green"),
    NOTE: ("note", "cyan"),
    WARNING: ("warn", "yellow"),
    ERROR: ("FAIL", "red"),
}
_MOST_AT_ONCE = 8


@click.command()
@click.argument("server_urls", metavar="[SERVER_URL]...", nargs=-1)
@click.option("--online", is_flag=True, help="Get a real token for each registry and ask it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor(server_urls: tuple[str, ...], online: bool, as_json: bool) -> int:
    """Look at PATH, configuration, settings, cache, clock, TLS and identities.

    Every finding has a severity and, where something is to be done, a command to run. The exit
    status is 1 if something needs mending.

    With --online the registries that config.json names, and each SERVER_URL, are asked for real.
    """
    findings = [finding for check in CHECKS for finding in check()]
    if not as_json:
        for finding in findings:
            _show(finding)
    if online or server_urls:
        for finding in _online([*server_urls, *_configured_hosts()], quiet=as_json):
            findings.append(finding)
            if not as_json:
                _show(finding)
    if as_json:
        click.echo(json.dumps([vars(finding) for finding in findings], indent=2))
    failed = sum(finding.severity == ERROR for finding in findings)
    if not as_json:
        warned = sum(finding.severity == WARNING for finding in findings)
        click.echo(f"{failed} to mend, {warned} to look at")
    return 1 if failed else 0


def _show(finding: Finding) -> None:
    mark, colour = _MARKS[finding.severity]
    styled = click.style(f"{mark:<5}", fg=colour, bold=finding.severity == ERROR)
    click.echo(f"{styled}{finding.subject:<10}{finding.message}")
    if finding.command and finding.severity != OK:
        click.echo(f"{'':<15}{click.style(f'run: {finding.command}', dim=True)}")


def _configured_hosts() -> list[str]:
    """The registries that docker's configuration is about."""
    hosts: list[str] = []
    for config in dockerconfig.named(os.environ):
        try:
            if config.load():
                keys = [key for found in config.helper_keys().values() for key in found]
                hosts += [*keys, *config.list()]
        except Misconfigured:
            continue  # a finding of its own
    return hosts


def _online(server_urls: list[str], *, quiet: bool) -> Iterator[Finding]:
    """Ask every registry side by side; the findings as they come."""
    wanted = list(dict.fromkeys(server_urls))
    with ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
        asked = {pool.submit(_ask, server_url): server_url for server_url in wanted}
        for done, future in enumerate(as_completed(asked), start=1):
            if sys.stderr.isatty() and not quiet:
                click.echo(f"\r{done}/{len(asked)} registries\r", nl=False, err=True)
            yield future.result()


def _ask(text: str) -> Finding:
    """Get a credential for one registry, and have the registry look at it."""
    server_url = ServerURL.parse(text)
    explain = f"{stdio.PROGRAM} explain {text}"
    begun_s = monotonic()
    try:
        answer = Wiring.of_process().keychain().get(server_url)
    except CredentialError as error:
        return Finding(ERROR, "online", f"{text}: {error.reason}", error.hint or explain)
    credential, took_ms = answer.credential, (monotonic() - begun_s) * 1000
    if credential is None and answer.failures:
        source, failure = answer.failures[0]
        message = f"{text}: no credential from {source}: {failure.reason}"
        return Finding(ERROR, "online", message, failure.hint or explain)
    # The credential of an alias is for the registry behind it; the client shows it to this host.
    host = f"{server_url.host}:{server_url.port}" if server_url.port else server_url.host
    pinged = ping(host, credential)
    got = f"credential in {took_ms:.0f} ms" if credential else "no credential"
    cloud = route(server_url)
    severity = OK if pinged.let_in else ERROR
    if severity == OK and credential is None and cloud is not None:
        severity = NOTE
    return Finding(severity, "online", f"{text}: {got}; {pinged.said}", explain)
