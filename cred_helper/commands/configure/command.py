"""``configure``: make the clients on this machine ask ``multi``, and undo that.

It shows what is there and what would change, and asks before it writes. What it displaces is
recorded and put back by ``--undo``, except where another program has changed it since.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click

from cred_helper import programs, stdio
from cred_helper.commands.configure import ci, registries_conf
from cred_helper.commands.configure.consent import consent
from cred_helper.commands.configure.proposal import proposal
from cred_helper.commands.configure.undo_record import Journal
from cred_helper.commands.doctor.identities import identities
from cred_helper.commands.doctor.path_variables import folder_problem
from cred_helper.commands.ui import this_program
from cred_helper.commands.ui.screen import Screen, dim, shown
from cred_helper.errors import Misconfigured
from cred_helper.fallback import dockerconfig
from cred_helper.fallback.helper import shown_name
from cred_helper.server_url import ServerURL
from cred_helper.wiring import Wiring

_CLIENTS = ("docker", "buildctl", "crane", "oras", "helm", *registries_conf.CLIENTS)
_WIDTH = 12


@click.command()
@click.option(
    "--global", "everywhere", is_flag=True, help="For every registry: credsStore (the default)."
)
@click.option(
    "--registry",
    "registries",
    metavar="HOST",
    multiple=True,
    help="For this registry only: credHelpers. Can be repeated.",
)
@click.option(
    "--links",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also make links in this folder, named like the helpers that this program replaces.",
)
@click.option("--docker-only", is_flag=True, help="Do not set up podman, skopeo and buildah.")
@click.option(
    "--ci",
    "system",
    type=click.Choice(ci.NAMES),
    help="Print a job for this CI system that pulls without keys, and change nothing.",
)
@click.option("--undo", is_flag=True, help="Undo what configure did.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show the changes, write nothing.")
def configure(
    everywhere: bool,
    registries: tuple[str, ...],
    links: Path | None,
    docker_only: bool,
    system: str | None,
    undo: bool,
    yes: bool,
    dry_run: bool,
) -> None:
    """Make docker, podman and similar clients ask this program.

    Shows the clients, their files and the changes, and asks before it writes. The rest of the files
    stays as it is, byte for byte.
    """
    if registries and everywhere:
        raise click.UsageError("--global and --registry exclude each other")
    scope = registries or everywhere or links or docker_only
    if undo and (scope or system):
        raise click.UsageError("--undo puts everything back, and takes no other option")
    if system and scope:
        raise click.UsageError("--ci prints a job for every registry, and takes no other option")
    if system:
        found = next(row for row in ci.SYSTEMS if row.name == system)
        click.echo(ci.recipe(found, ci.known_hosts(), Wiring.of_process(stdio.warning)), nl=False)
        return
    if broken := folder_problem():
        raise Misconfigured(broken.notice.code, variable="DOCKER_CONFIG")
    screen = Screen()
    journal = Journal.of_user(os.environ)
    if not undo:
        _show_machine(screen)
    plan = journal.undoing() if undo else proposal(registries, links, docker_only=docker_only)
    for note in plan.notes:
        screen.labelled(dim("note"), shown(note.reason), width=_WIDTH)
    if not plan.steps:
        screen.line("nothing to undo" if undo else "nothing to do: it is set up already")
        return
    if not consent(screen, (step.change for step in plan.steps), yes=yes, dry_run=dry_run):
        return
    # What is displaced is recorded first: an interruption in between loses nothing.
    if not undo:
        journal.add(plan)
    for step in plan.steps:
        step.change.apply()
    if undo:
        journal.clear()
    command = this_program.command("configure", "--undo")
    screen.line("undone" if undo else f"done; {command} undoes it")


def _show_machine(screen: Screen) -> None:
    found = [(client, programs.find(client, os.environ)) for client in _CLIENTS]
    clients = [f"{client} ({path})" for client, path in found if path]
    screen.labelled(dim("clients"), shown(", ".join(clients) or "none on PATH"), width=_WIDTH)
    providers = ((finding.subject, finding.notice.reason) for finding in identities())
    for label, text in (*_docker(), *_podman(), *providers):
        screen.labelled(dim(label), shown(text), width=_WIDTH)


def _docker() -> Iterator[tuple[str, str]]:
    path = dockerconfig.docker_config_path(os.environ)
    config = next(c for c in dockerconfig.named(os.environ) if c.name == path)
    try:
        if not config.load():
            yield "docker", f"{path} does not exist"
            return
        store, helpers = config.store_helper(), config.helper_keys()
    except Misconfigured as error:
        yield "docker", f"{path}: {error.reason}"
        return
    named = [f"{shown_name(store)} for every registry"] if store else []
    for name, keys in helpers.items():
        hosts = ", ".join(ServerURL.parse(key).redacted for key in keys)
        named.append(f"{shown_name(name)} for {hosts}")
    yield "docker", f"{path} names {', '.join(named) or 'no helper'}"


def _podman() -> Iterator[tuple[str, str]]:
    if registries_conf.clients(os.environ):
        asked = registries_conf.credential_helpers(os.environ)
        named = f"{asked.file} names {', '.join(asked.names)}"
        yield "podman", named if asked.file else "no registries.conf names a helper"
