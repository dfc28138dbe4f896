"""Whether podman and its relatives, which read no ``credsStore``, ask this program."""

from __future__ import annotations

import os
from collections.abc import Iterator

from cred_helper import programs
from cred_helper.commands.configure import registries_conf
from cred_helper.commands.configure.registries_conf import AUTH_FILES, CredentialHelpers
from cred_helper.commands.doctor.finding import ERROR, WARNING, Finding, error, ok, warning
from cred_helper.commands.doctor.path_variables import path_variable
from cred_helper.commands.ui import shell, this_program
from cred_helper.commands.ui.shell import edit
from cred_helper.errors import Misconfigured
from cred_helper.fallback import dockerconfig
from cred_helper.fallback.dockerconfig import DockerConfig
from cred_helper.fallback.helper import PREFIX
from cred_helper.hosts import route
from cred_helper.server_url import ServerURL

_SUBJECT = "podman"


def podman() -> Iterator[Finding]:
    found = registries_conf.clients(os.environ)
    named = os.environ.get(registries_conf.VARIABLE, "")
    if not found and not named:
        return
    if named and (broken := path_variable(registries_conf.VARIABLE, named, _SUBJECT)):
        yield broken
        return
    if named and not os.path.exists(named):
        command = shell.unset_variable(registries_conf.VARIABLE)
        yield error(_SUBJECT, "doctor.registries-conf-missing", command, path=named)
        return
    clients = ", ".join(found or registries_conf.CLIENTS)
    try:
        asked = registries_conf.credential_helpers(os.environ)
        old = registries_conf.first_format(os.environ)
    except registries_conf.BrokenFile as failure:
        notice = failure.within("doctor.podman-stops", clients=clients)
        yield Finding(ERROR, _SUBJECT, notice, edit(failure.path))
        return
    for path in old:
        yield warning(_SUBJECT, "doctor.registries-first-format", edit(str(path)), path=path)
    if registries_conf.is_remote(os.environ):
        yield _remote()
    elif found:
        yield _named(asked, clients)
        yield from _earlier_logins(asked)
    for name in asked.names:
        if name not in (this_program.HELPER, AUTH_FILES):
            yield from _missing_helper(name, asked.file)


def _named(asked: CredentialHelpers, clients: str) -> Finding:
    names = ", ".join(asked.names)
    if this_program.HELPER in asked.names:
        return ok(_SUBJECT, "doctor.podman-named", path=asked.file, names=names)
    code = "doctor.podman-other-helpers" if asked.file else "doctor.podman-not-named"
    command = this_program.command("configure")
    values = {"path": asked.file, "names": names, "clients": clients}
    return warning(_SUBJECT, code, command, **values)


def _remote() -> Finding:
    """Whether the file that podman's remote client reads names this program."""
    path = registries_conf.auth_file(os.environ)
    config = next((c for c in _auth_files() if c.name == str(path)), None)
    try:
        hosts = (
            config.helper_keys().get(this_program.HELPER, []) if config and config.load() else []
        )
    except Misconfigured as failure:
        return Finding(WARNING, _SUBJECT, failure.within("file.at", place=path), edit(str(path)))
    if hosts:
        return ok(_SUBJECT, "doctor.named-for-some", path=path, hosts=", ".join(hosts))
    command = this_program.command("configure", "--registry", "HOST")
    return warning(_SUBJECT, "doctor.podman-remote", command, path=path)


def _auth_files() -> Iterator[DockerConfig]:
    configs = (*dockerconfig.named(os.environ), *dockerconfig.relatives(os.environ))
    return (config for config in configs if config.name.endswith("auth.json"))


def _earlier_logins(asked: CredentialHelpers) -> Iterator[Finding]:
    """Logins to a cloud's registry in podman's own files, where these are asked before us."""
    relevant = [name for name in asked.names if name in (AUTH_FILES, this_program.HELPER)]
    if relevant[:1] != [AUTH_FILES] or this_program.HELPER not in relevant:
        return
    for config in _auth_files():
        try:
            keys = config.list() if config.load() else {}
        except Misconfigured:
            continue  # a finding of docker's files
        hosts = [key for key in keys if route(ServerURL.parse(key))]
        if hosts:
            values = {"path": config.name, "hosts": ", ".join(hosts)}
            command = "; ".join(shell.line("podman", "logout", host) for host in hosts)
            yield warning(_SUBJECT, "doctor.podman-earlier-login", command, **values)


def _missing_helper(name: str, file: str | None) -> Iterator[Finding]:
    program = f"{PREFIX}{name}"
    if programs.find(program, os.environ) is None:
        values = {"path": file, "name": name, "where": "every registry", "program": program}
        yield error(_SUBJECT, "doctor.helper-not-on-path", edit(str(file)), **values)
