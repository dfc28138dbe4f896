"""``configure``: have the clients on this machine ask ``multi``, and take that back.

Looks first, proposes, shows the difference, asks; what it displaced is remembered and put back by
``--undo``, except where somebody has changed it since.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from cred_helper.commands.changes import FileChange, JsonEdit, read, unedited
from cred_helper.errors import Misconfigured, ProtocolError
from cred_helper.hosts import route
from cred_helper.server_url import ServerURL

_MULTI = '"multi"'
# Helpers of a single cloud, which the built-in providers take the place of.
_CLOUD_HELPERS = ("ecr-login", "gcr", "gcloud", "acr-env", "acr")
_LINKS = ("ecr-login", "gcr", "gcloud", "acr-env", "acr", "env")
_CONTAINERS_CLIENTS = ("podman", "skopeo", "buildah")
_DROP_IN = (
    "# Written by docker-credential-multi configure; configure --undo takes it away.\n"
    'credential-helpers = ["containers-auth.json", "multi"]\n'
)


@click.command()
@click.option(
    "--global", "everywhere", is_flag=True, help="For every registry: credsStore (the default)."
)
@click.option(
    "--registry", "registries", metavar="HOST", multiple=True, help="For this registry only."
)
@click.option(
    "--links", metavar="FOLDER", type=click.Path(file_okay=False, path_type=Path),
    help="Also make links there by the names of the helpers this program takes the place of.",
)  # fmt: skip
@click.option("--undo", is_flag=True, help="Put back what configure displaced.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show the difference, write nothing.")
def configure(
    everywhere: bool,
    registries: tuple[str, ...],
    links: Path | None,
    undo: bool,
    yes: bool,
    dry_run: bool,
) -> None:
    """Set docker, podman and their relatives up to ask this program.

    Shows what would change and asks before anything is written.
    """
    if registries and everywhere:
        raise click.UsageError("--global and --registry exclude each other")
    journal = Journal.of_user()
    plan = journal.undoing() if undo else _plan(registries, links)
    for note in plan.notes:
        click.echo(note)
    if not plan.steps:
        click.echo("nothing to undo" if undo else "nothing to do: it is set up already")
        return
    for step in plan.steps:
        click.echo(step.show())
    if dry_run:
        click.echo("nothing is written (--dry-run)")
        return
    if not yes:
        if not sys.stdin.isatty():
            raise ProtocolError("nobody to ask: nothing is written", hint="add --yes to do it")
        click.confirm("Write this?", abort=True)
    # What will be displaced is on record before it is: an interruption in between loses nothing.
    if not undo:
        journal.add(plan)
    for step in plan.steps:
        step.apply()
    if undo:
        journal.clear()
    click.echo("undone" if undo else "done; configure --undo takes it back")


class Plan:
    """What would be done, and what is worth saying about it."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.notes: list[str] = []


class Step:
    """One file change or link, with what undoing it needs to know."""

    def __init__(self, change: FileChange | None, record: dict[str, Any]) -> None:
        self.change = change
        self.record = record

    def show(self) -> str:
        """The step for a person."""
        if self.change is not None:
            return self.change.diff()
        return f"+++ {self.record['path']} -> {self.record['target']}"

    def apply(self) -> None:
        """Do it."""
        if self.change is not None:
            self.change.apply()
            return
        path = Path(self.record["path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.record.get("remove"):
            path.unlink(missing_ok=True)
        else:
            path.symlink_to(self.record["target"])


def _plan(registries: tuple[str, ...], links: Path | None) -> Plan:
    plan = Plan()
    path = docker_config_path()
    config = JsonEdit(path, read(path))
    if registries:
        for registry in registries:
            config.set(_MULTI, "credHelpers", _helper_key(registry))
    else:
        _plan_everywhere(plan, config)
    if config.wanted:
        plan.steps.append(Step(config.change(), config.record()))
    if not registries:
        _plan_containers(plan)
    if links is not None:
        _plan_links(plan, links)
    return plan


def _plan_everywhere(plan: Plan, config: JsonEdit) -> None:
    displaced = config.now("credsStore")
    if displaced not in (None, _MULTI, '""'):
        helper = json.loads(displaced or "null")
        plan.notes.append(
            f"credsStore was {helper!r}: it stays the fallback for every other registry"
        )
        _plan_fallback(plan, str(helper))
    config.set(_MULTI, "credsStore")
    helpers = json.loads(config.now("credHelpers") or "{}")
    for host, helper in helpers.items():
        found = route(ServerURL.parse(host))
        if found is not None and helper in _CLOUD_HELPERS:
            plan.notes.append(f"{host} was answered by {helper!r}: the built-in provider does now")
            config.set(None, "credHelpers", host)


def _plan_fallback(plan: Plan, helper: str) -> None:
    """Have our own settings name the helper that was docker's credsStore so far."""
    path = settings_path()
    before = read(path)
    line = f"fallback_helper = {json.dumps(helper)}\n"
    if before is not None and "fallback_helper" in before:
        plan.notes.append(f"{path} has a fallback_helper already: it is left as it is")
        return
    # A key of the top level has to stand above the first table.
    after = line + (before or "")
    record = {"kind": "file", "path": str(path), "old": before, "new": after}
    plan.steps.append(Step(FileChange(path, before, after), record))


def _plan_containers(plan: Plan) -> None:
    """Podman and its relatives read no credsStore: a drop-in of their own names us."""
    if not any(map(shutil.which, _CONTAINERS_CLIENTS)):
        return
    path = _config_home() / "containers" / "registries.conf.d" / "50-docker-credential-multi.conf"
    before = read(path)
    if before == _DROP_IN:
        return
    record = {"kind": "file", "path": str(path), "old": before, "new": _DROP_IN}
    plan.steps.append(Step(FileChange(path, before, _DROP_IN), record))


def _plan_links(plan: Plan, folder: Path) -> None:
    program = shutil.which("docker-credential-multi") or os.path.realpath(sys.argv[0])
    for name in _LINKS:
        path = folder.absolute() / f"docker-credential-{name}"
        if os.path.lexists(path):
            if os.path.realpath(path) != os.path.realpath(program):
                plan.notes.append(f"{path} exists already: it is left as it is")
            continue
        plan.steps.append(Step(None, {"kind": "link", "path": str(path), "target": program}))


def _helper_key(registry: str) -> str:
    """The key docker looks a registry up by."""
    server_url = ServerURL.parse(registry)
    if server_url.host in ("docker.io", "index.docker.io", "registry-1.docker.io"):
        return "https://index.docker.io/v1/"
    return f"{server_url.host}:{server_url.port}" if server_url.port else server_url.host


class Journal:
    """What configure displaced, newest last, kept until it is undone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        text = read(path)
        try:
            self.records: list[dict[str, Any]] = json.loads(text)["records"] if text else []
        except (ValueError, KeyError, TypeError):
            raise Misconfigured(f"{path} is not a record of configure", hint="remove it") from None

    @classmethod
    def of_user(cls) -> Journal:
        """The journal of whoever runs this."""
        state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
        return cls(Path(state) / "docker-credential-multi" / "configured.json")

    def add(self, plan: Plan) -> None:
        """Put a plan on record, before it is carried out."""
        self._write([*self.records, *(step.record for step in plan.steps)])

    def clear(self) -> None:
        """Forget all of it."""
        self._write([])

    def _write(self, records: list[dict[str, Any]]) -> None:
        text = json.dumps({"records": records}, indent=1) + "\n" if records else None
        FileChange(self.path, read(self.path), text).apply()

    def undoing(self) -> Plan:
        """The plan that puts everything back, newest first; what others changed since stays."""
        plan = Plan()
        before: dict[str, str | None] = {}
        after: dict[str, str | None] = {}
        for record in reversed(self.records):
            name = record["path"]
            path = Path(name)
            if record["kind"] == "link":
                if path.is_symlink() and os.readlink(path) == record["target"]:
                    plan.steps.append(Step(None, {**record, "remove": True}))
                continue
            if name not in before:
                before[name] = after[name] = read(path)
            if record["kind"] == "json":
                after[name] = unedited(record, after[name])
            elif after[name] == record["new"]:
                after[name] = record["old"]
            else:
                plan.notes.append(f"{path} was changed since: it is left as it is")
        changes = (FileChange(Path(name), text, after[name]) for name, text in before.items())
        plan.steps += [Step(change, {}) for change in changes if change.is_change]
        return plan


def _config_home() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"))


def settings_path() -> Path:
    """Our own settings file."""
    return _config_home() / "docker-credential-multi" / "config.toml"


def docker_config_path() -> Path:
    """Docker's config.json: ``DOCKER_CONFIG`` names its folder."""
    folder = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
    return Path(folder) / "config.json"
