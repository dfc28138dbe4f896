"""Whether docker's config.json and its relatives name this program, and what else is in them.

Shows no value that could be a secret. What docker does with a file is stated for docker 28.

Source: https://github.com/docker/cli/blob/master/cli/config/configfile/file.go
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

from cred_helper import programs
from cred_helper.commands.doctor import named_helpers, path_variables
from cred_helper.commands.doctor.finding import ERROR, Finding, error, ok, warning
from cred_helper.commands.doctor.path_variables import AUTH_CONFIG, PATH_VARIABLES
from cred_helper.commands.ui import shell, this_program
from cred_helper.commands.ui.shell import edit
from cred_helper.commands.ui.times import iso
from cred_helper.errors import Misconfigured, NotFound
from cred_helper.fallback import dockerconfig
from cred_helper.fallback.dockerconfig import DockerConfig
from cred_helper.fallback.expiry import expired_at
from cred_helper.fallback.helper import shown_name
from cred_helper.files import json_file
from cred_helper.hosts import route
from cred_helper.server_url import ServerURL

_SUBJECT = "docker"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_BOM = b"\xef\xbb\xbf"

# What docker's other members have to be; docker warns at every command where one is not.
_TEXT, _TEXTS = "a string", "an object of strings"
_TEXT_LIST, _TABLES = "a list of strings", "an object of objects of strings"
_MEMBERS = {
    **dict.fromkeys(("HttpHeaders", "aliases", "features"), _TEXTS),
    **dict.fromkeys(("cliPluginsExtraDirs", "pruneFilters"), _TEXT_LIST),
    **dict.fromkeys(("plugins", "proxies"), _TABLES),
    **dict.fromkeys(("currentContext", "detachKeys", "experimental"), _TEXT),
    **dict.fromkeys(("configFormat", "imagesFormat", "networksFormat", "nodesFormat"), _TEXT),
    **dict.fromkeys(("pluginsFormat", "psFormat", "secretFormat", "servicesFormat"), _TEXT),
    **dict.fromkeys(("serviceInspectFormat", "statsFormat", "tasksFormat"), _TEXT),
    "volumesFormat": _TEXT,
}


def docker() -> Iterator[Finding]:
    yield from path_variables.variables()
    yield from _snap()
    path = dockerconfig.docker_config_path(os.environ)
    for config in dockerconfig.named(os.environ):
        yield from _file(config, is_dockers=config.name == path)
    for config in dockerconfig.relatives(os.environ):
        yield from _relative(config)


def _snap() -> Iterator[Finding]:
    """Whether docker is a snap, which reads another config.json and starts no helper."""
    program = programs.find("docker", os.environ)
    if program and os.path.basename(os.path.realpath(program)) == "snap":
        yield warning(_SUBJECT, "doctor.docker-is-snap", path=program)


def _file(config: DockerConfig, *, is_dockers: bool) -> Iterator[Finding]:
    is_variable = config.name == AUTH_CONFIG
    if (
        config.name in PATH_VARIABLES
        or (is_variable and not os.environ[AUTH_CONFIG].lstrip().startswith("{"))
        or (is_dockers and path_variables.folder_problem())
    ):
        return  # a finding of the variable
    if not is_variable and (broken := _unreadable(config.name)):
        yield broken
        return
    try:
        if not config.load():
            if is_dockers:
                command = this_program.command("configure")
                yield warning(_SUBJECT, "doctor.docker-config-missing", command, path=config.name)
            return
        store = config.store_helper()
        helpers = config.helper_keys()
        logins = config.list()
        misfits = list(config.problems())
    except Misconfigured as failure:
        yield _broken(config, failure)
        return
    yield from _misfits(config, misfits, is_dockers=is_dockers)
    if is_dockers:
        yield from _dockers_own(config)
        yield from named_helpers.keys(config, helpers)
        yield _named(config, store, helpers)
    for name, hosts in helpers.items():
        yield from named_helpers.problems(name, hosts, config)
    if store:
        yield from named_helpers.problems(store, [], config)
    yield from _logins(config, logins)


def _relative(config: DockerConfig) -> Iterator[Finding]:
    if os.path.lexists(config.name) and (broken := _unreadable(config.name)):
        yield broken
        return
    try:
        if not config.load():
            if os.path.isfile(config.name) and not os.path.getsize(config.name):
                command = shell.line("rm", config.name)
                yield error(_SUBJECT, "doctor.auth-file-empty", command, path=config.name)
            return
        yield from _misfits(config, list(config.problems()))
        for name, hosts in config.helper_keys().items():
            yield from named_helpers.problems(name, hosts, config)
        yield from _expired(config, config.list())
    except Misconfigured as failure:
        yield _broken(config, failure)


def _unreadable(path: str) -> Finding | None:
    """The finding about a path that is not a file which this user can read."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return None
    if stat.S_ISDIR(mode):
        command = shell.line("rmdir", path) if not os.listdir(path) else None
        return error(_SUBJECT, "doctor.file-is-folder", command, path=path)
    if not stat.S_ISREG(mode):
        return error(_SUBJECT, "doctor.file-is-special", path=path)
    if not os.access(path, os.R_OK):
        return error(_SUBJECT, "doctor.file-closed", shell.line("ls", "-l", path), path=path)
    return None


def _broken(config: DockerConfig, failure: Misconfigured) -> Finding:
    return Finding(ERROR, _SUBJECT, failure.within("file.at", place=config.name), edit(config.name))


def _misfits(
    config: DockerConfig, misfits: list[tuple[Misconfigured, bool]], *, is_dockers: bool = False
) -> Iterator[Finding]:
    for failure, is_refused in misfits:
        finding = _broken(config, failure)
        if is_dockers and is_refused:
            finding = finding._replace(notice=finding.notice.within("doctor.docker-refuses"))
        yield finding


def _dockers_own(config: DockerConfig) -> Iterator[Finding]:
    """The parts of its config.json that docker ignores or rejects."""
    try:
        data = json_file.read(config.name)
        parsed = json_file.parse(data)
    except (OSError, Misconfigured):
        return
    if data.startswith(_BOM):
        command = f"sed -i '1s/^\\xEF\\xBB\\xBF//' {shell.quoted(config.name)}"
        yield error(_SUBJECT, "doctor.byte-order-mark", command, path=config.name)
    if parsed is None or not isinstance(parsed.value, dict):
        return
    helpers = parsed.value.get(dockerconfig.CRED_HELPERS)
    for key, name in helpers.items() if isinstance(helpers, dict) else ():
        if not name:
            values = {"path": config.name, "key": ServerURL.parse(key).redacted}
            yield warning(_SUBJECT, "doctor.key-without-helper", edit(config.name), **values)
    yield from _misspelt(config, parsed.value)
    for name, kind in sorted(_MEMBERS.items()):
        if not _is_of_kind(parsed.value.get(name), kind):
            place = f"{config.name}:{parsed.line_of(name)}"
            values = {"place": place, "member": name, "kind": kind}
            yield warning(_SUBJECT, "doctor.member-of-wrong-type", edit(config.name), **values)


def _misspelt(config: DockerConfig, members: Iterable[str]) -> Iterator[Finding]:
    meant = {name.lower(): name for name in (dockerconfig.CREDS_STORE, dockerconfig.CRED_HELPERS)}
    for member in members:
        close = get_close_matches(member.lower(), meant, n=1, cutoff=0.85)
        if close and member.lower() not in meant:
            values = {"path": config.name, "member": member, "meant": meant[close[0]]}
            yield warning(_SUBJECT, "doctor.member-misspelt", edit(config.name), **values)


def _is_of_kind(value: Any, kind: str) -> bool:
    if value is None or kind == _TEXT:
        return value is None or isinstance(value, str)
    if kind == _TEXT_LIST:
        return isinstance(value, list) and all(isinstance(v, str) for v in value)
    if not isinstance(value, dict):
        return False
    if kind == _TEXTS:
        return all(isinstance(v, str) for v in value.values())
    return all(_is_of_kind(v, _TEXTS) for v in value.values())


def _named(config: DockerConfig, store: str | None, helpers: dict[str, list[str]]) -> Finding:
    if store == this_program.HELPER:
        return ok(_SUBJECT, "doctor.named-for-all", path=config.name)
    if hosts := [
        key for key in helpers.get(this_program.HELPER, []) if named_helpers.is_matched(key)
    ]:
        return ok(_SUBJECT, "doctor.named-for-some", path=config.name, hosts=", ".join(hosts))
    code = "doctor.other-store-named" if store else "doctor.store-not-named"
    command = this_program.command("configure")
    return warning(_SUBJECT, code, command, path=config.name, store=shown_name(store or ""))


def _logins(config: DockerConfig, logins: dict[str, str]) -> Iterator[Finding]:
    if not logins:
        return
    yield from _expired(config, logins)
    if not os.path.isabs(config.name):
        return
    mode = stat.S_IMODE(os.stat(config.name).st_mode)
    if os.name == "posix" and mode & _OTHERS:
        command = shell.make_private(config.name)
        values = {"path": config.name, "mode": f"{mode:03o}"}
        yield error(_SUBJECT, "doctor.passwords-readable", command, **values)
    command = "; ".join(shell.line("docker", "login", host) for host in logins)
    values = {"path": config.name, "hosts": named_helpers.listed(logins)}
    yield warning(_SUBJECT, "doctor.passwords-in-clear", command, **values)


def _expired(config: DockerConfig, logins: dict[str, str]) -> Iterator[Finding]:
    """Logins that have ended by their own text, and passwords that every registry refuses."""
    for key in logins:
        try:
            credential = config.login(ServerURL.parse(key))
        except (NotFound, Misconfigured):
            continue
        secret = credential.secret.expose()
        values = {"path": config.name, "host": named_helpers.listed([key])}
        again = shell.line("docker", "login", key)
        if secret.endswith(("\n", "\r")):
            yield warning(_SUBJECT, "doctor.password-ends-in-line-end", again, **values)
        elif ended_at := expired_at(secret):
            is_clouds = route(ServerURL.parse(key)) is not None
            command = shell.line("docker", "logout", key) if is_clouds else again
            values["when"] = iso(ended_at) or ""
            yield warning(_SUBJECT, "doctor.login-expired", command, **values)
