"""What ``doctor`` looks at, one function a subject; each yields what it found. No network here."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cred_helper import folders, providers
from cred_helper.fallback import dockerconfig
from cred_helper.cache import TokenCache, default_folder
from cred_helper.commands.explain import Explanation
from cred_helper.commands.providers import EXAMPLES
from cred_helper.errors import Misconfigured
from cred_helper.hosts import route
from cred_helper.server_url import ServerURL
from cred_helper.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OK = "ok"
NOTE = "note"
WARNING = "warning"
ERROR = "error"
SEVERITIES = (OK, NOTE, WARNING, ERROR)

_PROGRAM = "docker-credential-multi"
_PODMANS = ("podman", "skopeo", "buildah")
# Nobody ran this before it was written: an earlier clock fails every TLS handshake and signature.
_WRITTEN_AT_S = 1_790_000_000.0
_CA_VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
# How podman and its relatives name a helper in registries.conf.
_REGISTRIES_KEY = "credential-helpers"


class Finding:
    """One thing that was looked at: how bad it is, what is so, and what to run about it."""

    def __init__(self, severity: str, subject: str, message: str, command: str = "") -> None:
        self.severity = severity
        self.subject = subject
        self.message = message
        self.command = command


def program() -> Iterator[Finding]:
    """Whether clients find this program, and find this one."""
    found = shutil.which(_PROGRAM)
    ours = os.path.realpath(sys.argv[0])
    if found is None:
        folder = os.path.dirname(os.path.abspath(sys.argv[0]))
        message = f"{_PROGRAM} is not on PATH: no client finds it"
        yield Finding(ERROR, "program", message, f'export PATH="{folder}:$PATH"')
    elif os.path.realpath(found) != ours:
        message = f"clients find {found}, which is another copy than this one ({ours})"
        yield Finding(WARNING, "program", message, f"{found} version")
    else:
        yield Finding(OK, "program", f"clients find {found}")


def links() -> Iterator[Finding]:
    """Which other helpers there are, and which of them are this program by another name."""
    ours = os.path.realpath(sys.argv[0])
    seen: set[str] = set()
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if not os.path.isabs(folder):
            continue  # never used, by us or by Go clients
        for path in sorted(Path(folder).glob("docker-credential-*")):
            name = path.name
            if name in seen or name == _PROGRAM or not os.access(path, os.X_OK):
                continue
            seen.add(name)
            which = "is this program" if os.path.realpath(path) == ours else "is another helper"
            yield Finding(NOTE, "helpers", f"{path} {which}")


def docker_config() -> Iterator[Finding]:
    """Whether docker's config.json names us, and who else it names."""
    path = dockerconfig.docker_config_path(os.environ)
    configure = f"{_PROGRAM} configure"
    try:
        config = next(c for c in dockerconfig.named(os.environ) if c.name == path)
        if not config.load():
            message = f"{path} does not exist: docker asks nobody"
            yield Finding(WARNING, "docker", message, configure)
            return
        store = config.store_helper()
        helpers = config.helper_keys()
        logins = config.list()
    except Misconfigured as error:
        yield Finding(ERROR, "docker", f"{path}: {error.reason}", f"${{EDITOR:-vi}} {path}")
        return
    if store == "multi":
        yield Finding(OK, "docker", f"{path} names multi for every registry")
    elif "multi" in helpers:
        named = ", ".join(helpers["multi"])
        yield Finding(OK, "docker", f"{path} names multi for {named}")
    else:
        named = f"names {store!r}" if store else "names nobody"
        message = f"{path} {named} for every registry, and multi for none"
        yield Finding(WARNING, "docker", message, configure)
    for name, hosts in helpers.items():
        yield from _named_helper(name, hosts, path)
    if store and store != "multi":
        yield from _named_helper(store, [], path)
    if logins:
        message = f"{path} holds {len(logins)} passwords that anybody who reads it can read"
        command = " && ".join(f"docker logout {host}" for host in logins)
        yield Finding(WARNING, "docker", message, command)


def _named_helper(name: str, hosts: list[str], path: str) -> Iterator[Finding]:
    if name == "multi":
        return
    where = f"for {', '.join(hosts)}" if hosts else "for every registry"
    if shutil.which(f"docker-credential-{name}") is None:
        message = f"{path} names {name!r} {where}, and there is no docker-credential-{name}"
        yield Finding(ERROR, "docker", message, f"{_PROGRAM} configure")
        return
    shadowed = [host for host in hosts if route(ServerURL.parse(host))]
    for host in shadowed:
        message = f"{host} is answered by {name!r}, not by the built-in provider"
        yield Finding(NOTE, "docker", message, f"{_PROGRAM} configure")


def containers() -> Iterator[Finding]:
    """Whether podman and its relatives, which read no credsStore, name us."""
    clients = [client for client in _PODMANS if shutil.which(client)]
    if not clients:
        return
    for path in _registries_files():
        try:
            text = path.read_text("utf-8", "replace")
        except OSError:
            continue
        lines = [line for line in text.splitlines() if line.strip().startswith(_REGISTRIES_KEY)]
        if any('"multi"' in line for line in lines):
            yield Finding(OK, "podman", f"{path} names multi")
            return
    message = f"{', '.join(clients)}: no registries.conf names multi, so they never ask it"
    yield Finding(WARNING, "podman", message, f"{_PROGRAM} configure")


def _registries_files() -> Iterator[Path]:
    for folder in (Path(folders.config(os.environ)) / "containers", Path("/etc/containers")):
        yield folder / "registries.conf"
        yield from sorted((folder / "registries.conf.d").glob("*.conf"))


def settings() -> Iterator[Finding]:
    """Whether our own settings can be read, and where they are."""
    try:
        loaded = Settings.load(os.environ)
    except Misconfigured as error:
        yield Finding(ERROR, "settings", error.reason, error.hint or "")
        return
    origins = ", ".join(loaded.files) or "no file, the defaults"
    rules = f", {len(loaded.rules)} rules" if loaded.rules else ""
    yield Finding(OK, "settings", f"{origins}{rules}")


def cache() -> Iterator[Finding]:
    """Whether tokens can be kept between calls."""
    try:
        loaded = Settings.load(os.environ)
    except Misconfigured:
        return  # told already
    folder = loaded.cache_folder or default_folder(os.environ)
    if not loaded.cache:
        yield Finding(NOTE, "cache", "switched off: every get asks the cloud")
    elif folder is None:
        message = "there is no place to keep tokens: every get asks the cloud"
        yield Finding(WARNING, "cache", message, "export HOME=/some/folder")
    elif refusal := TokenCache(folder).refusal():
        message = f"{folder} is not used: {refusal}"
        yield Finding(WARNING, "cache", message, f"chmod 700 {folder}")
    else:
        kept = len(TokenCache(folder).entries(time.time()))
        yield Finding(OK, "cache", f"{folder}: {kept} tokens")


def clock() -> Iterator[Finding]:
    """Whether the clock can be right."""
    if time.time() < _WRITTEN_AT_S:
        message = f"the clock says {time.strftime('%Y-%m-%d', time.gmtime())}, which is over"
        yield Finding(ERROR, "clock", message, "timedatectl set-ntp true")
    else:
        shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        yield Finding(OK, "clock", shown)


def network_settings() -> Iterator[Finding]:
    """Whether the files that variables name for TLS are there; which proxy is in the way."""
    for variable in _CA_VARIABLES:
        path = os.environ.get(variable)
        if path and not os.path.exists(path):
            message = f"{variable} names {path}, which does not exist: every TLS connection fails"
            yield Finding(ERROR, "tls", message, f"unset {variable}")
        elif path:
            yield Finding(OK, "tls", f"{variable}: {path}")
    for variable in _PROXY_VARIABLES:
        if value := os.environ.get(variable):
            # What stands before an @ is a password more often than not.
            yield Finding(NOTE, "proxy", f"{variable}: {value.rpartition('@')[2]}")


def identities() -> Iterator[Finding]:
    """As whom each cloud would be asked."""
    for name in providers.BUILTIN:
        if providers.load(name) is None:
            yield Finding(NOTE, name, "this build has no such provider")
            continue
        identity = Explanation(ServerURL.parse(EXAMPLES[name])).identity()
        explain = f"{_PROGRAM} explain {EXAMPLES[name]}"
        if identity is None:
            yield Finding(NOTE, name, "switched off")
        elif identity.get("error"):
            yield Finding(ERROR, name, identity["error"], identity["hint"] or explain)
        elif identity["source"] is None:
            yield Finding(NOTE, name, "no identity", explain)
        else:
            doubt = "" if identity["certain"] else ", if it answers"
            detail = f": {identity['detail']}" if identity["detail"] else ""
            yield Finding(OK, name, f"{identity['source']}{detail}{doubt}")


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    program,
    links,
    docker_config,
    containers,
    settings,
    cache,
    clock,
    network_settings,
    identities,
)
