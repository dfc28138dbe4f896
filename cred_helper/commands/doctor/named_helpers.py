"""The helpers that docker's config.json and its relatives name, and the hosts that they are for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from cred_helper import clouds, docker_hub, programs, providers
from cred_helper.commands.doctor.finding import Finding, error, note, warning
from cred_helper.commands.lookup.near_miss import near_miss
from cred_helper.commands.ui import shell, this_program
from cred_helper.commands.ui.shell import edit
from cred_helper.fallback import dockerconfig
from cred_helper.fallback.dockerconfig import DockerConfig
from cred_helper.fallback.helper import PREFIX, is_name
from cred_helper.hosts import route
from cred_helper.server_url import ServerURL

_SUBJECT = "docker"


def docker_key(key: str) -> str:
    """The key under which docker looks a registry up, for a key as people write it.

    docker compares keys literally, with a host or host:port; Docker Hub's is an address of its own.
    """
    server_url = ServerURL.parse(key.removeprefix("http://").removesuffix(":*"))
    return docker_hub.KEY if docker_hub.is_hub(server_url) else server_url.address


def is_matched(key: str) -> bool:
    return "*" not in key and docker_key(key) == key


def keys(config: DockerConfig, helpers: dict[str, list[str]]) -> Iterator[Finding]:
    """Keys of ``credHelpers`` that docker never looks up, and those that look like a cloud's."""
    for key in (key for keys in helpers.values() for key in keys):
        values = {"path": config.name, "key": ServerURL.parse(key).redacted}
        if not is_matched(key):
            right = docker_key(key)
            is_wild = not right or "*" in right
            code = "doctor.key-with-wildcard" if is_wild else "doctor.key-not-matched"
            yield warning(_SUBJECT, code, edit(config.name), **values, right=right)
        elif cause := near_miss(ServerURL.parse(key)):
            notice = cause.within("file.at", place=config.name)
            yield Finding("warning", _SUBJECT, notice, edit(config.name))


def listed(keys: Iterable[str]) -> str:
    """Keys of a file as text, without user information."""
    return ", ".join(ServerURL.parse(key).redacted for key in keys)


def problems(name: str, hosts: list[str], config: DockerConfig) -> Iterator[Finding]:
    if name == this_program.HELPER:
        return
    if not is_name(name):
        where = f"{dockerconfig.CRED_HELPERS} of {listed(hosts)}" if hosts else "credsStore"
        values = {"path": config.name, "where": where}
        yield error(_SUBJECT, "doctor.not-a-helper", edit(config.name), **values)
        return
    values = {
        "path": config.name,
        "name": name,
        "where": listed(hosts) if hosts else "every registry",
        "program": f"{PREFIX}{name}",
    }
    if name.startswith(PREFIX):
        values["short"] = name.removeprefix(PREFIX)
        yield error(_SUBJECT, "doctor.helper-full-name", edit(config.name), **values)
        return
    program = programs.find(values["program"], os.environ)
    if program is None and (found := _not_executable(values["program"])):
        chmod = shell.line("chmod", "+x", found)
        yield error(_SUBJECT, "doctor.helper-not-executable", chmod, **values, file=found)
    elif program is None:
        command = _repair(name, hosts, config)
        yield error(_SUBJECT, "doctor.helper-not-on-path", command, **values)
    for host in hosts if program and not this_program.is_this(program) else ():
        routed = route(ServerURL.parse(host))
        values = {"host": listed([host]), "name": name, "path": config.name}
        if routed is None or providers.load(routed.cloud) is None:
            yield note(_SUBJECT, "doctor.host-of-other-helper", **values)
        else:
            command = this_program.command("configure")
            yield note(_SUBJECT, "doctor.cloud-host-of-other-helper", command, **values)


def _not_executable(program: str) -> str | None:
    """The file of a program on PATH that this user may not execute."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    files = (os.path.join(folder, program) for folder in folders if os.path.isabs(folder))
    return next(filter(os.path.isfile, files), None)


def _repair(name: str, hosts: list[str], config: DockerConfig) -> str | None:
    """The command for a missing helper: configure, if the built-in provider replaces it."""
    is_ours = name in clouds.REPLACED and all(route(ServerURL.parse(host)) for host in hosts)
    if (is_ours or not hosts) and config.name == dockerconfig.docker_config_path(os.environ):
        return this_program.command("configure")
    return edit(config.name)
