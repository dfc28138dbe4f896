"""The plan of ``configure``: the changes that make clients ask ``multi``, and notes on them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import click

from cred_helper import clouds, docker_hub, programs, providers
from cred_helper.commands.configure import registries_conf
from cred_helper.commands.configure.changes import FileChange, JsonEdit, LinkChange, read
from cred_helper.commands.configure.undo_record import Plan, Step
from cred_helper.commands.doctor.path_variables import path_variable
from cred_helper.commands.ui import this_program
from cred_helper.errors import Misconfigured
from cred_helper.fallback import dockerconfig
from cred_helper.fallback.dockerconfig import DockerConfig
from cred_helper.fallback.helper import PREFIX, is_name, shown_name
from cred_helper.files import json_file
from cred_helper.hosts import route
from cred_helper.messages import find
from cred_helper.server_url import ServerURL
from cred_helper.settings import settings
from cred_helper.settings.settings import Settings

_MULTI = json.dumps(this_program.HELPER)
_DROP_IN = (
    "# Written by docker-credential-multi configure; configure --undo undoes it.\n"
    "credential-helpers = {}\n"
)


def proposal(registries: tuple[str, ...], links: Path | None, *, docker_only: bool) -> Plan:
    """The changes that make clients ask ``multi`` for these registries, or for all."""
    plan = Plan()
    if this_program.on_path() is None:
        plan.note("doctor.program-not-on-path")
    for path in _config_files(everywhere=not registries or docker_only):
        config = JsonEdit(path, read(path))
        _check(plan, config)
        for registry in registries:
            _plan_registry(plan, config, registry, docker_only=docker_only)
        if not registries:
            _plan_everywhere(plan, config)
        _plan_logins(config)
        if config.wanted:
            plan.steps.append(Step(config.change(), config.record()))
    if not (registries or docker_only):
        _plan_podman(plan)
        _plan_remote_podman(plan)
    if links is not None:
        _plan_links(plan, links)
    return plan


def _config_files(*, everywhere: bool) -> Iterator[Path]:
    """The config.json of docker; for single registries also the file that podman reads."""
    yield Path(dockerconfig.docker_config_path(os.environ))
    named = os.environ.get("REGISTRY_AUTH_FILE", "")
    if named and path_variable("REGISTRY_AUTH_FILE", named):
        raise Misconfigured("fallback.variable-holds-content", variable="REGISTRY_AUTH_FILE")
    if not everywhere and (named or registries_conf.is_remote(os.environ)):
        yield registries_conf.auth_file(os.environ)


def _check(plan: Plan, edit: JsonEdit) -> None:
    """Raise ``Misconfigured`` for an invalid file; add a note on each entry that docker rejects."""
    data = (edit.text or "").encode()
    config = DockerConfig(str(edit.path), lambda: json_file.parse(data))
    try:
        if not config.load():
            return
        config.store_helper()
        config.helper_keys()
        refused = [problem for problem, is_refused in config.problems() if is_refused]
    except Misconfigured as error:
        raise error.within("file.at", place=edit.path) from None
    for problem in refused:
        placed = problem.within("file.at", place=edit.path)
        plan.notes.append(placed.within("configure.docker-refuses"))


def _plan_registry(plan: Plan, config: JsonEdit, registry: str, *, docker_only: bool) -> None:
    server_url = ServerURL.parse(registry)
    if not server_url.is_host:
        why = find(server_url.unroutable or "client.url-not-dns").text
        raise click.UsageError(f"--registry {server_url.redacted}: {why}")
    keys = [server_url.address]
    if docker_hub.is_hub(server_url):
        keys = [docker_hub.KEY]
        if registries_conf.clients(os.environ) and not docker_only:
            keys.append(docker_hub.HOSTS[0])  # podman, skopeo and buildah read only this key
    for key in keys:
        displaced = config.now("credHelpers", key)
        if displaced not in (None, _MULTI):
            helper = shown_name(str(json.loads(displaced)))
            plan.note("configure.helper-displaced", key=key, helper=helper)
        config.set(_MULTI, "credHelpers", key)


def _plan_everywhere(plan: Plan, config: JsonEdit) -> None:
    displaced = json.loads(config.now("credsStore") or '""')
    if displaced not in ("", this_program.HELPER):
        _plan_fallback(plan, str(displaced))
    config.set(_MULTI, "credsStore")
    for host, helper in json.loads(config.now("credHelpers") or "{}").items():
        found = route(ServerURL.parse(host))
        if found and helper in clouds.REPLACED and providers.load(found.cloud):
            key = ServerURL.parse(host).redacted
            plan.note("configure.helper-replaced", key=key, helper=helper)
            # Clients without support for credsStore still find the helper.
            config.set(_MULTI, "credHelpers", host)


def _plan_logins(config: JsonEdit) -> None:
    """Add an empty ``auths``, as ``docker login`` does: some clients fail without this member.

    Source: https://github.com/bazel-contrib/rules_oci/issues/171
    """
    if config.now("auths") is None:
        config.set("{}", "auths")


def _plan_fallback(plan: Plan, helper: str) -> None:
    """Name the helper that was docker's credsStore in this program's settings."""
    if helper in clouds.REPLACED:
        plan.note("configure.store-replaced", helper=helper)
    elif not is_name(helper):
        plan.note("configure.store-not-a-helper")
    elif programs.find(f"{PREFIX}{helper}", os.environ) is None:
        plan.note("configure.store-missing", helper=helper, program=f"{PREFIX}{helper}")
    elif origin := Settings.load(os.environ).origin("fallback_helper"):
        plan.note("configure.store-not-fallback", helper=helper, origin=origin)
    else:
        plan.note("configure.store-is-fallback", helper=helper)
        # The settings file that exists, or else the one to create.
        named = settings.expanded(os.environ.get(settings.CONFIG, ""))
        places = (named,) if named else settings.user_files(os.environ)
        path = Path(next(filter(os.path.exists, places), places[0]))
        before = read(path)
        # In TOML, a top-level key has to precede the first table.
        line = f"fallback_helper = {json.dumps(helper)}\n"
        record = {"kind": "line", "path": str(path), "line": line, "created": before is None}
        plan.steps.append(Step(FileChange(path, before, line + (before or "")), record))


def _plan_podman(plan: Plan) -> None:
    """Add a drop-in for podman and its relatives, which read no credsStore."""
    if not registries_conf.clients(os.environ):
        return
    path = registries_conf.drop_in(os.environ)
    asked = registries_conf.credential_helpers(os.environ, without=path)
    if this_program.HELPER in asked.names:
        return
    wanted = _DROP_IN.format(json.dumps([*asked.names, this_program.HELPER]))
    before = read(path)
    if before == wanted:
        return
    record = {"kind": "file", "path": str(path), "old": before, "new": wanted}
    plan.steps.append(Step(FileChange(path, before, wanted), record))


def _plan_remote_podman(plan: Plan) -> None:
    """Name ``multi`` for single hosts in the file that podman's remote client reads.

    That client ignores the helpers in registries.conf.
    """
    if not registries_conf.is_remote(os.environ):
        return
    path = registries_conf.auth_file(os.environ)
    config = JsonEdit(path, read(path))
    _check(plan, config)
    hosts = _literal_hosts()
    if not hosts:
        plan.note("configure.podman-remote")
    for host in hosts:
        if config.now("credHelpers", host) is None:
            config.set(_MULTI, "credHelpers", host)
    _plan_logins(config)
    if config.wanted:
        plan.steps.append(Step(config.change(), config.record()))


def _literal_hosts() -> list[str]:
    """The hosts that docker's credHelpers and the rules name."""
    config = next(iter(dockerconfig.named(os.environ)))
    keys = [key for keys in config.helper_keys().values() for key in keys] if config.load() else []
    rules = Settings.load(os.environ).rules
    hosts = [*keys, *(rule.match for rule in rules if not rule.answer)]
    urls = (ServerURL.parse(host) for host in hosts if "*" not in host)
    return list(dict.fromkeys(url.address for url in urls if url.is_host))


def _plan_links(plan: Plan, folder: Path) -> None:
    program = this_program.on_path() or this_program.file()
    if program is None:
        raise Misconfigured("configure.not-installed")
    if str(folder.absolute()) not in os.environ.get("PATH", "").split(os.pathsep):
        plan.note("configure.folder-not-on-path", path=folder.absolute())
    for name in clouds.REPLACED:
        path = folder.absolute() / f"{PREFIX}{name}"
        if os.path.lexists(path):
            if os.path.realpath(path) != os.path.realpath(program):
                plan.note("configure.link-exists", path=path)
            continue
        if before := shutil.which(path.name):
            plan.note("configure.link-shadowed", path=before)
        record = {"kind": "link", "path": str(path), "target": program}
        plan.steps.append(Step(LinkChange(path, program), record))
