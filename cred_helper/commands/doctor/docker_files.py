"""Whether docker's config.json and its relatives name this program, and what else is in them.

Shows no value that could be a secret. What docker does with a file is stated for docker 28.

Source: https://github.com/docker/cli/blob/master/cli/config/configfile/file.go
"""

from __future__ import annotations

import os
import stat
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from cred_helper import docker_hub, programs, providers
from cred_helper.commands.doctor.finding import (
    ERROR,
    Finding,
    error,
    note,
    ok,
    warning,
)
from cred_helper.commands.lookup.near_miss import near_miss
from cred_helper.commands.ui import shell, this_program
from cred_helper.commands.ui.times import iso
from cred_helper.errors import Misconfigured, NotFound
from cred_helper.fallback import dockerconfig
from cred_helper.fallback.expiry import expired_at
from cred_helper.fallback.helper import PREFIX, is_name, shown_name
from cred_helper.files import json_file, path_values, user_folders
from cred_helper.hosts import route
from cred_helper.server_url import ServerURL
from cred_helper.settings import compat

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cred_helper.fallback.dockerconfig import DockerConfig

_OURS = "multi"
_SUBJECT = "docker"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_BOM = b"\xef\xbb\xbf"
# Variables that put another file in the place of the usual one, or something before it.
_PATH_VARIABLES = ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE")
_AUTH_CONFIG = "DOCKER_AUTH_CONFIG"

# What docker's other members have to be; docker warns at every command where one is not.
_TEXT, _TEXTS, _TEXT_LIST, _TABLES = (
    "a string",
    "an object of strings",
    "a list of strings",
    ("an object of objects of strings"),
)
_MEMBERS = {
    "HttpHeaders": _TEXTS,
    "aliases": _TEXTS,
    "cliPluginsExtraDirs": _TEXT_LIST,
    "configFormat": _TEXT,
    "currentContext": _TEXT,
    "detachKeys": _TEXT,
    "experimental": _TEXT,
    "features": _TEXTS,
    "imagesFormat": _TEXT,
    "networksFormat": _TEXT,
    "nodesFormat": _TEXT,
    "plugins": _TABLES,
    "pluginsFormat": _TEXT,
    "proxies": _TABLES,
    "pruneFilters": _TEXT_LIST,
    "psFormat": _TEXT,
    "secretFormat": _TEXT,
    "serviceInspectFormat": _TEXT,
    "servicesFormat": _TEXT,
    "statsFormat": _TEXT,
    "tasksFormat": _TEXT,
    "volumesFormat": _TEXT,
}


def docker() -> Iterator[Finding]:
    """Whether docker's config.json and its relatives name this program, and who else they name."""
    yield from _variables()
    yield from _snap()
    path = dockerconfig.docker_config_path(os.environ)
    for config in dockerconfig.named(os.environ):
        yield from _file(config, is_dockers=config.name == path)
    for config in dockerconfig.relatives(os.environ):
        yield from _relative(config)


# --- Variables ------------------------------------------------------------------------------------


def _snap() -> Iterator[Finding]:
    """Whether docker is a snap, which reads another config.json and starts no helper."""
    program = programs.find("docker", os.environ)
    if program and os.path.basename(os.path.realpath(program)) == "snap":
        yield warning(_SUBJECT, "doctor.docker-is-snap", path=program)


def _variables() -> Iterator[Finding]:
    for variable in _PATH_VARIABLES:
        if value := os.environ.get(variable):
            is_folder = variable == "DOCKER_CONFIG"
            broken = folder_problem() if is_folder else path_variable(variable, value)
            yield broken or _set_variable(variable, value)
    if text := os.environ.get(_AUTH_CONFIG):
        if text.lstrip().startswith("{"):
            yield note(_SUBJECT, "doctor.auth-config-set")
        else:
            is_path = path_values.quotable(text)
            code = "fallback.auth-config-is-path" if is_path else "doctor.auth-config-not-json"
            yield error(_SUBJECT, code, shell.unset_variable(_AUTH_CONFIG))


def path_variable(variable: str, value: str, subject: str = _SUBJECT) -> Finding | None:
    """Why the value of a variable cannot be a path, by its shape alone."""
    unset = shell.unset_variable(variable)
    if path_values.holds_content(value):
        return error(subject, "fallback.variable-holds-content", unset, variable=variable)
    if value.startswith("~"):
        command = shell.set_variable(variable, _expanded(value))
        return error(subject, "doctor.variable-with-tilde", command, variable=variable)
    if value[0] in "\"'" and value[-1] == value[0]:
        command = shell.set_variable(variable, value.strip("\"'"))
        return error(subject, "doctor.variable-in-quotes", command, variable=variable)
    return None


def _expanded(value: str) -> str:
    return os.path.join(user_folders.home(os.environ), value.lstrip("~").lstrip("/"))


def folder_problem() -> Finding | None:
    """Why the value of DOCKER_CONFIG is not a folder that docker can use."""
    variable = "DOCKER_CONFIG"
    value = os.environ.get(variable, "")
    if not value:
        return None
    if os.path.isfile(value):
        command = shell.set_variable(variable, os.path.dirname(os.path.abspath(value)))
        return error(_SUBJECT, "fallback.folder-is-file", command, variable=variable)
    return path_variable(variable, value)


def _set_variable(variable: str, value: str) -> Finding:
    if not os.path.isabs(value):
        command = shell.set_variable(variable, os.path.abspath(value))
        return warning(_SUBJECT, "doctor.variable-relative", command, variable=variable)
    return note(_SUBJECT, "doctor.variable-set", variable=variable, path=value)


# --- Files ----------------------------------------------------------------------------------------


def _file(config: DockerConfig, *, is_dockers: bool) -> Iterator[Finding]:
    if config.name in _PATH_VARIABLES:
        return  # a finding of the variable
    if config.name == _AUTH_CONFIG and not os.environ[_AUTH_CONFIG].lstrip().startswith("{"):
        return
    if is_dockers and folder_problem():
        return
    if config.name != _AUTH_CONFIG and (broken := _unreadable(config.name)):
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
        yield from _keys(config, helpers)
        yield _named(config, store, helpers)
    for name, hosts in helpers.items():
        yield from other_helper(name, hosts, config)
    if store:
        yield from other_helper(store, [], config)
    yield from _logins(config, logins)


def _relative(config: DockerConfig) -> Iterator[Finding]:
    """A file that podman and its relatives read."""
    if os.path.lexists(config.name) and (broken := _unreadable(config.name)):
        yield broken
        return
    try:
        if not config.load():
            if _is_empty_file(config.name):
                command = shell.line("rm", config.name)
                yield error(_SUBJECT, "doctor.auth-file-empty", command, path=config.name)
            return
        yield from _misfits(config, list(config.problems()))
        for name, hosts in config.helper_keys().items():
            yield from other_helper(name, hosts, config)
        yield from _expired(config, config.list())
    except Misconfigured as failure:
        yield _broken(config, failure)


def _is_empty_file(path: str) -> bool:
    try:
        return os.path.isfile(path) and os.path.getsize(path) == 0
    except OSError:
        return False


def _unreadable(path: str) -> Finding | None:
    """What stands in a file's place and is not a file that this user can read."""
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


def edit(path: str) -> str | None:
    """The line that opens a file in an editor; ``None`` where this user cannot change it."""
    is_editable = os.path.isfile(path) and os.access(path, os.R_OK | os.W_OK)
    return shell.edit(path) if is_editable else None


def _broken(config: DockerConfig, failure: Misconfigured) -> Finding:
    return Finding(ERROR, _SUBJECT, failure.within("file.at", place=config.name), edit(config.name))


def _misfits(
    config: DockerConfig, misfits: list[tuple[Misconfigured, bool]], *, is_dockers: bool = False
) -> Iterator[Finding]:
    """The entries of ``auths`` that are not valid."""
    for failure, is_refused in misfits:
        finding = _broken(config, failure)
        if is_dockers and is_refused:
            notice = finding.notice.within("doctor.docker-refuses")
            finding = Finding(ERROR, _SUBJECT, notice, finding.command)
        yield finding


def _dockers_own(config: DockerConfig) -> Iterator[Finding]:
    """What docker does not read in its config.json, and we do or do not look at."""
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
    for name, kind in _MEMBERS.items():
        if not _is_of_kind(parsed.value.get(name), kind):
            place = f"{config.name}:{parsed.line_of(name)}"
            values = {"place": place, "member": name, "kind": kind}
            yield warning(_SUBJECT, "doctor.member-of-wrong-type", edit(config.name), **values)


def _misspelt(config: DockerConfig, members: Iterable[str]) -> Iterator[Finding]:
    """Members that were probably meant to name a helper."""
    meant = {name.lower(): name for name in (dockerconfig.CREDS_STORE, dockerconfig.CRED_HELPERS)}
    for member in members:
        close = get_close_matches(member.lower(), meant, n=1, cutoff=0.85)
        if close and member.lower() not in meant:
            values = {"path": config.name, "member": member, "meant": meant[close[0]]}
            yield warning(_SUBJECT, "doctor.member-misspelt", edit(config.name), **values)


def _is_of_kind(value: Any, kind: str) -> bool:
    match kind:
        case _ if value is None:
            return True
        case "a string":
            return isinstance(value, str)
        case "a list of strings":
            return isinstance(value, list) and all(isinstance(v, str) for v in value)
        case "an object of strings":
            return isinstance(value, dict) and all(isinstance(v, str) for v in value.values())
    return isinstance(value, dict) and all(_is_of_kind(v, _TEXTS) for v in value.values())


# --- Keys of credHelpers --------------------------------------------------------------------------


def docker_key(key: str) -> str:
    """The key under which docker looks a registry up, for a key as people write it.

    docker compares keys literally, with a host or host:port; Docker Hub's is an address of its own.
    """
    server_url = ServerURL.parse(key.removeprefix("http://").removesuffix(":*"))
    if docker_hub.is_hub(server_url):
        return docker_hub.KEY
    return server_url.address


def _is_matched(key: str) -> bool:
    return "*" not in key and docker_key(key) == key


def _keys(config: DockerConfig, helpers: dict[str, list[str]]) -> Iterator[Finding]:
    """Keys of ``credHelpers`` that docker never looks up, and those that look like a cloud's."""
    for key in (key for keys in helpers.values() for key in keys):
        values = {"path": config.name, "key": ServerURL.parse(key).redacted}
        if not _is_matched(key):
            right = docker_key(key)
            is_one = "*" not in right and bool(right)
            code = "doctor.key-not-matched" if is_one else "doctor.key-with-wildcard"
            yield warning(_SUBJECT, code, edit(config.name), **values, right=right)
        elif cause := near_miss(ServerURL.parse(key)):
            notice = cause.within("file.at", place=config.name)
            yield Finding("warning", _SUBJECT, notice, edit(config.name))


def _listed(keys: Iterable[str]) -> str:
    """Keys of a file as text, without user information."""
    return ", ".join(ServerURL.parse(key).redacted for key in keys)


def _named(config: DockerConfig, store: str | None, helpers: dict[str, list[str]]) -> Finding:
    if store == _OURS:
        return ok(_SUBJECT, "doctor.named-for-all", path=config.name)
    if hosts := [key for key in helpers.get(_OURS, []) if _is_matched(key)]:
        return ok(_SUBJECT, "doctor.named-for-some", path=config.name, hosts=", ".join(hosts))
    code = "doctor.other-store-named" if store else "doctor.store-not-named"
    command = this_program.command("configure")
    return warning(_SUBJECT, code, command, path=config.name, store=shown_name(store or ""))


# --- Other helpers --------------------------------------------------------------------------------


def other_helper(name: str, hosts: list[str], config: DockerConfig) -> Iterator[Finding]:
    """What there is to say of a helper that a file names, other than this program."""
    if name == _OURS:
        return
    if not is_name(name):
        where = f"{dockerconfig.CRED_HELPERS} of {_listed(hosts)}" if hosts else "credsStore"
        yield error(
            _SUBJECT, "doctor.not-a-helper", edit(config.name), path=config.name, where=where
        )
        return
    values = {
        "path": config.name,
        "name": name,
        "where": _listed(hosts) if hosts else "every registry",
        "program": f"{PREFIX}{name}",
    }
    if name.startswith(PREFIX):
        values["short"] = name.removeprefix(PREFIX)
        yield error(_SUBJECT, "doctor.helper-full-name", edit(config.name), **values)
        return
    program = programs.find(f"{PREFIX}{name}", os.environ)
    if program is None and (found := _not_executable(values["program"])):
        values["file"] = found
        chmod = shell.line("chmod", "+x", found)
        yield error(_SUBJECT, "doctor.helper-not-executable", chmod, **values)
        return
    if program is None:
        command = _mending(name, hosts, config)
        yield error(_SUBJECT, "doctor.helper-not-on-path", command, **values)
        return
    if this_program.is_this(program):
        return
    for host in hosts:
        routed = route(ServerURL.parse(host))
        values = {"host": _listed([host]), "name": name, "path": config.name}
        if routed is None or providers.load(routed.provider) is None:
            yield note(_SUBJECT, "doctor.host-of-other-helper", **values)
        else:
            command = this_program.command("configure")
            yield note(_SUBJECT, "doctor.cloud-host-of-other-helper", command, **values)


def _not_executable(program: str) -> str | None:
    """The file of a program on PATH that this user may not execute."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    files = (os.path.join(folder, program) for folder in folders if os.path.isabs(folder))
    return next(filter(os.path.isfile, files), None)


def _mending(name: str, hosts: list[str], config: DockerConfig) -> str | None:
    """What to run about a helper that is not there: configure, where it would take its place."""
    is_dockers = config.name == dockerconfig.docker_config_path(os.environ)
    is_replaced = not hosts or (
        name in compat.NAMES and all(route(ServerURL.parse(h)) for h in hosts)
    )
    if is_dockers and is_replaced:
        return this_program.command("configure")
    return edit(config.name)


# --- Logins ---------------------------------------------------------------------------------------


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
    values = {"path": config.name, "hosts": _listed(logins)}
    yield warning(_SUBJECT, "doctor.passwords-in-clear", command, **values)


def _expired(config: DockerConfig, logins: dict[str, str]) -> Iterator[Finding]:
    """Logins that say themselves when they ended, and passwords that no registry can take."""
    for key in logins:
        try:
            credential = config.login(ServerURL.parse(key))
        except (NotFound, Misconfigured):
            continue
        secret = credential.secret.expose()
        values = {"path": config.name, "host": _listed([key])}
        again = shell.line("docker", "login", key)
        if secret.endswith(("\n", "\r")):
            yield warning(_SUBJECT, "doctor.password-ends-in-line-end", again, **values)
        elif ended_at := expired_at(secret):
            is_clouds = route(ServerURL.parse(key)) is not None
            command = shell.line("docker", "logout", key) if is_clouds else again
            values["when"] = iso(ended_at) or ""
            yield warning(_SUBJECT, "doctor.login-expired", command, **values)
