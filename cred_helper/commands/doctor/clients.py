"""Whether docker and podman ask this program, and whom they ask before it."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

from cred_helper import providers
from cred_helper.commands.configure import registries_conf
from cred_helper.commands.doctor.finding import ERROR, NOTE, OK, WARNING, Finding
from cred_helper.commands.ui import shell, this_program
from cred_helper.errors import Misconfigured
from cred_helper.fallback import child, dockerconfig
from cred_helper.fallback.helper import PREFIX
from cred_helper.hosts import route
from cred_helper.server_url import ServerURL
from cred_helper.settings import compat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cred_helper.fallback.dockerconfig import DockerConfig

_OURS = "multi"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# What puts another file in the place of the usual one, or something before it.
_VARIABLES = ("DOCKER_CONFIG", "DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE")


def docker() -> Iterator[Finding]:
    """Whether docker's config.json and its relatives name us, and who else they name."""
    for variable in _VARIABLES:
        if os.environ.get(variable):
            yield Finding(NOTE, "docker", f"{variable} is set, and heard by docker or podman")
    path = dockerconfig.docker_config_path(os.environ)
    for config in dockerconfig.named(os.environ):
        yield from _file(config, is_dockers=config.name == path)
    for config in dockerconfig.relatives(os.environ):
        try:
            if config.load():
                yield from _misfits(config, list(config.misfits()))
        except Misconfigured as error:
            yield _broken(config, error)


def _file(config: DockerConfig, *, is_dockers: bool) -> Iterator[Finding]:
    try:
        if not config.load():
            if is_dockers:
                message = f"{config.name} does not exist: docker asks nobody"
                yield Finding(WARNING, "docker", message, this_program.command("configure"))
            return
        store = config.store_helper()
        helpers = config.helper_keys()
        logins = config.list()
        misfits = list(config.misfits())
    except Misconfigured as error:
        yield _broken(config, error)
        return
    yield from _misfits(config, misfits, is_dockers=is_dockers)
    if is_dockers and not any(is_refused for _, is_refused in misfits):
        yield _named(config, store, helpers)
    for name, hosts in helpers.items():
        yield from _other_helper(name, hosts, config)
    if store:
        yield from _other_helper(store, [], config)
    yield from _passwords(config, logins)


def _broken(config: DockerConfig, error: Misconfigured) -> Finding:
    command = shell.edit(config.name) if os.path.isabs(config.name) else None
    return Finding(ERROR, "docker", f"{config.name}: {error.reason}", command, error.hint)


def _misfits(
    config: DockerConfig, misfits: list[tuple[Misconfigured, bool]], *, is_dockers: bool = False
) -> Iterator[Finding]:
    """The entries that are none. Whatever else the file says, docker does not heed it then."""
    for error, is_refused in misfits:
        finding = _broken(config, error)
        if is_dockers and is_refused:
            finding = replace(finding, message=f"{finding.message}: docker refuses the whole file")
        yield finding


def _named(config: DockerConfig, store: str | None, helpers: dict[str, list[str]]) -> Finding:
    if store == _OURS:
        return Finding(OK, "docker", f"{config.name} names multi for every registry")
    if _OURS in helpers:
        return Finding(OK, "docker", f"{config.name} names multi for {', '.join(helpers[_OURS])}")
    others = f"{store!r} for every registry" if store else "nobody for every registry"
    message = f"{config.name} names {others}, and multi for none"
    return Finding(WARNING, "docker", message, this_program.command("configure"))


def _other_helper(name: str, hosts: list[str], config: DockerConfig) -> Iterator[Finding]:
    """What there is to say of a helper that is named and is not us."""
    if name == _OURS:
        return
    where = f"for {', '.join(hosts)}" if hosts else "for every registry"
    path = child.find(f"{PREFIX}{name}", os.environ)
    if path is None:
        message = f"{config.name} names {name!r} {where}, and there is no {PREFIX}{name} on PATH"
        yield Finding(ERROR, "docker", message, _mending(name, hosts, config))
        return
    if this_program.is_this(path):
        return
    for host in hosts:
        found = route(ServerURL.parse(host))
        message = f"{host} is answered by {name!r}"
        if found is None or providers.load(found.provider) is None:
            yield Finding(NOTE, "docker", f"{message}, as {config.name} says")
        else:
            message = f"{message} and not by the built-in provider, as {config.name} says"
            yield Finding(NOTE, "docker", message, this_program.command("configure"))


def _mending(name: str, hosts: list[str], config: DockerConfig) -> str:
    """What to run about a helper that is not there: configure, where it would take its place."""
    if not hosts or (name in compat.NAMES and all(route(ServerURL.parse(h)) for h in hosts)):
        return this_program.command("configure")
    return shell.edit(config.name)


def _passwords(config: DockerConfig, logins: dict[str, str]) -> Iterator[Finding]:
    if not logins or not os.path.isabs(config.name):
        return
    mode = stat.S_IMODE(os.stat(config.name).st_mode)
    if os.name == "posix" and mode & _OTHERS:
        message = f"{config.name} holds passwords, and other users may read it ({mode:03o})"
        yield Finding(ERROR, "docker", message, shell.make_private(config.name))
    message = f"{config.name} holds passwords in the clear, for {', '.join(logins)}"
    command = "; ".join(shell.line("docker", "logout", host) for host in logins)
    hint = "log out and in again: the login is then kept where credsStore says"
    yield Finding(WARNING, "docker", message, command, hint)


def podman() -> Iterator[Finding]:
    """Whether podman and its relatives, which read no credsStore, ask us."""
    clients = registries_conf.clients(os.environ)
    if not clients:
        return
    who = ", ".join(clients)
    try:
        asked = registries_conf.credential_helpers(os.environ)
    except Misconfigured as error:
        message = f"{error.reason}: {who} stop at it"
        yield Finding(ERROR, "podman", message, shell.edit(error.reason.partition(" ")[0]))
        return
    named = f"{asked.file} names {', '.join(asked.names)}"
    if _OURS in asked.names:
        yield Finding(OK, "podman", named)
    else:
        message = f"{named}, and not multi" if asked.file else "no registries.conf names multi"
        message = f"{message}: {who} ask it for what credHelpers names it for, and nothing else"
        yield Finding(WARNING, "podman", message, this_program.command("configure"))
    for name in asked.names:
        if name not in (_OURS, registries_conf.AUTH_FILES):
            yield from _missing_podman_helper(name, asked.file)


def _missing_podman_helper(name: str, file: str | None) -> Iterator[Finding]:
    if child.find(f"{PREFIX}{name}", os.environ) is None:
        message = f"{file} names {name!r}, and there is no {PREFIX}{name} on PATH"
        yield Finding(ERROR, "podman", message, shell.edit(str(file)))
