"""What ``configure`` proposes: which files would name ``multi``, and what that displaces."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cred_helper import docker_hub, providers
from cred_helper.commands.configure import registries_conf
from cred_helper.commands.configure.changes import FileChange, JsonEdit, LinkChange, read
from cred_helper.commands.configure.undo_record import Plan, Step
from cred_helper.commands.ui import this_program
from cred_helper.errors import Misconfigured
from cred_helper.fallback import child, dockerconfig
from cred_helper.fallback.dockerconfig import DockerConfig
from cred_helper.fallback.helper import PREFIX
from cred_helper.files import json_file
from cred_helper.hosts import route
from cred_helper.server_url import ServerURL
from cred_helper.settings import compat, settings
from cred_helper.settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

_OURS = "multi"
_MULTI = json.dumps(_OURS)
_DROP_IN = (
    "# Written by docker-credential-multi configure; configure --undo takes it away.\n"
    "credential-helpers = {}\n"
)


def proposal(registries: tuple[str, ...], links: Path | None) -> Plan:
    """Propose what has these registries, or all, answered by ``multi``; and links, if asked for.

    Raises:
        Misconfigured: a file that would be changed is not what it has to be.
    """
    plan = Plan()
    for path in _config_files(everywhere=not registries):
        config = JsonEdit(path, read(path))
        _check(plan, config)
        if registries:
            for registry in registries:
                _plan_registry(plan, config, registry)
        else:
            _plan_everywhere(plan, config)
        if config.wanted:
            plan.steps.append(Step(config.change(), config.record()))
    if not registries:
        _plan_podman(plan)
    if links is not None:
        _plan_links(plan, links)
    return plan


def _config_files(*, everywhere: bool) -> Iterator[Path]:
    """The config.json of docker; for single registries also what podman reads in its place."""
    yield Path(dockerconfig.docker_config_path(os.environ))
    named = os.environ.get("REGISTRY_AUTH_FILE")
    if named and not everywhere:
        yield Path(named)


def _check(plan: Plan, edit: JsonEdit) -> None:
    """Refuse a file that is not what it has to be; of what only docker refuses, make a note."""
    data = (edit.text or "").encode()
    config = DockerConfig(str(edit.path), lambda: json_file.parse(data))
    try:
        if not config.load():
            return
        config.store_helper()
        config.helper_keys()
        refused = [problem.reason for problem, is_refused in config.misfits() if is_refused]
    except Misconfigured as error:
        raise Misconfigured(f"{edit.path}: {error.reason}", hint=error.hint) from None
    plan.notes += [f"{edit.path}: {reason}: docker refuses the whole file" for reason in refused]


def _plan_registry(plan: Plan, config: JsonEdit, registry: str) -> None:
    server_url = ServerURL.parse(registry)
    if not server_url.is_host:
        raise click.UsageError(f"--registry {registry}: {server_url.unroutable or 'it is no host'}")
    key = docker_hub.KEY if docker_hub.is_hub(server_url) else server_url.address
    displaced = config.now("credHelpers", key)
    if displaced not in (None, _MULTI):
        plan.notes.append(f"{key} was answered by {displaced} alone: it is not asked any more")
    config.set(_MULTI, "credHelpers", key)


def _plan_everywhere(plan: Plan, config: JsonEdit) -> None:
    displaced = json.loads(config.now("credsStore") or '""')
    if displaced not in ("", _OURS):
        _plan_fallback(plan, str(displaced))
    config.set(_MULTI, "credsStore")
    for host, helper in json.loads(config.now("credHelpers") or "{}").items():
        found = route(ServerURL.parse(host))
        if found and helper in compat.NAMES and providers.load(found.provider):
            plan.notes.append(f"{host} was answered by {helper}: the built-in provider does now")
            config.set(None, "credHelpers", host)


def _plan_fallback(plan: Plan, helper: str) -> None:
    """Have our own settings name the helper that was docker's credsStore so far."""
    if helper in compat.NAMES:
        plan.notes.append(f"credsStore was {helper}: the built-in provider takes its place")
        return
    if child.find(f"{PREFIX}{helper}", os.environ) is None:
        plan.notes.append(
            f"credsStore was {helper}, and there is no {PREFIX}{helper}: it is left out"
        )
        return
    origin = Settings.load(os.environ).origin("fallback_helper")
    if origin is not None:
        plan.notes.append(f"credsStore was {helper}; the fallback_helper of {origin} stays instead")
        return
    plan.notes.append(f"credsStore was {helper}: it goes on answering for all other registries")
    path = _settings_file()
    before = read(path)
    # A key of the top level has to stand above the first table.
    line = f"fallback_helper = {json.dumps(helper)}\n"
    record = {"kind": "line", "path": str(path), "line": line, "created": before is None}
    plan.steps.append(Step(FileChange(path, before, line + (before or "")), record))


def _settings_file() -> Path:
    """Our own settings file: the one that is read, or the one that would be."""
    named = settings.expanded(os.environ.get(settings.CONFIG, ""))
    places = (named,) if named else settings.user_files(os.environ)
    return Path(next((place for place in places if os.path.exists(place)), places[0]))


def _plan_podman(plan: Plan) -> None:
    """Podman and its relatives read no credsStore: a drop-in of their own names us."""
    if not registries_conf.clients(os.environ):
        return
    path = registries_conf.drop_in(os.environ)
    asked = registries_conf.credential_helpers(os.environ, without=path)
    if _OURS in asked.names:
        return
    wanted = _DROP_IN.format(json.dumps([*asked.names, _OURS]))
    before = read(path)
    if before == wanted:
        return
    record = {"kind": "file", "path": str(path), "old": before, "new": wanted}
    plan.steps.append(Step(FileChange(path, before, wanted), record))


def _plan_links(plan: Plan, folder: Path) -> None:
    program = this_program.on_path() or this_program.file()
    if program is None:
        raise Misconfigured("docker-credential-multi is not installed: there is nothing to link to")
    if str(folder.absolute()) not in os.environ.get("PATH", "").split(os.pathsep):
        plan.notes.append(f"{folder.absolute()} is not on PATH: no client looks there")
    for name in compat.NAMES:
        path = folder.absolute() / f"{PREFIX}{name}"
        before = shutil.which(path.name)
        if os.path.lexists(path):
            if os.path.realpath(path) != os.path.realpath(program):
                plan.notes.append(f"{path} exists already: it is left as it is")
            continue
        if before:
            plan.notes.append(f"there is {before} as well: the first of the two on PATH is run")
        record = {"kind": "link", "path": str(path), "target": program}
        plan.steps.append(Step(LinkChange(path, program), record))
