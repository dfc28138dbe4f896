"""Whether kubelet asks this program for the images of a node, and would start at all.

Only where kubelet runs, or a known distribution of it is installed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cred_helper import cache, clouds
from cred_helper.commands.doctor.finding import ERROR, Finding, error, note, ok, warning
from cred_helper.commands.doctor.program import unstartable
from cred_helper.commands.node import layouts, match_images
from cred_helper.commands.node.layouts import Layout, below
from cred_helper.commands.node.provider_config import (
    ANNOTATIONS,
    PROGRAM,
    TOKENS,
    ConfigFile,
    Entry,
    is_ours,
    label,
)
from cred_helper.commands.ui import shell, this_program
from cred_helper.commands.ui.shell import edit
from cred_helper.errors import Misconfigured
from cred_helper.fallback.helper import PREFIX
from cred_helper.files.json_file import parse_value
from cred_helper.files.os_errors import os_reason
from cred_helper.programs import running
from cred_helper.protocols.kubelet import REQUEST
from cred_helper.server_url import ServerURL

_SUBJECT = "kubelet"
_ENDINGS = (".json", ".yaml", ".yml")
# kubelet ends a provider after a minute.
_TIMEOUT_S = 60.0
_MAX_OUTPUT_BYTES = 1 << 20
# What systemd gives a service, and with that a provider.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class _Node:
    """A node: its root folder, its kubelet if that runs here, and its configuration."""

    def __init__(self, root: Path, layout: Layout) -> None:
        self.root = root
        self.layout = layout
        self.kubelet = layouts.running(root)
        self.config = below(root, layout.config)
        self.folder = below(root, layout.folder)

    def files(self) -> list[Path]:
        """The files of the configuration in their order: kubelet takes a folder too."""
        if not self.config.is_dir():
            return [self.config] if self.config.exists() else []
        return sorted(path for path in self.config.iterdir() if path.suffix in _ENDINGS)

    def entries(self) -> list[Entry]:
        found: list[Entry] = []
        for path in self.files():
            try:
                file = ConfigFile(path)
            except Misconfigured:
                continue  # a finding
            if not list(file.problems()):
                found += file.entries
        return found

    def program(self, entry: Entry) -> Path:
        """The executable of a provider; a link is followed within the node."""
        path: Path = self.folder / entry["name"]
        for _ in range(8):
            if path.is_symlink():
                target = os.readlink(path)
                path = below(self.root, target) if os.path.isabs(target) else path.parent / target
        return path

    def environment(self, entry: Entry) -> dict[str, str]:
        of_kubelet = self.kubelet.environment() if self.kubelet else {}
        variables = {one["name"]: one.get("value") or "" for one in entry.get("env") or []}
        return {"PATH": _PATH, **of_kubelet, **variables}


def _find(root: Path) -> _Node | None:
    layout = layouts.detect(root)
    return _Node(root, layout) if layout else None


def node(root: Path) -> Iterator[Finding]:
    found = _find(root)
    install = this_program.command("kubelet-config", "--install", str(root))
    kubelet = layouts.running(root)
    layout = found.layout if found else layouts.LAYOUTS[-1]
    if kubelet and not (kubelet.config and kubelet.folder) and layout.needs_flags:
        values = {"process": kubelet.process, "flags": layout.flags}
        yield warning(_SUBJECT, "node.without-flags", **values)
    if not found:
        if not kubelet and root != Path("/"):
            yield note(_SUBJECT, "node.none-found", path=root)
        return
    if not found.files():
        if kubelet and kubelet.config:
            yield error(_SUBJECT, "node.config-missing", install, path=found.config)
        elif not found.layout.needs_flags:
            yield note(_SUBJECT, "node.not-asked", install, path=found.config)
        return
    yield from _configuration(found)
    entries = found.entries()
    for entry in entries:
        yield from _executable(found, entry)
        yield from _patterns(entry)
    ours = [entry for entry in entries if _is_ours(found, entry)]
    if entries and not ours:
        names = ", ".join(label(number, entry) for number, entry in enumerate(entries))
        yield note(_SUBJECT, "node.others-asked", install, path=found.config, names=names)
    for entry in ours:
        yield from _images(entry, entries, install)
        yield from _cache(found, entry)


def _configuration(found: _Node) -> Iterator[Finding]:
    """Everything for which kubelet does not start."""
    names: dict[str, Path] = {}
    for path in found.files():
        try:
            file = ConfigFile(path)
        except Misconfigured as failure:
            yield Finding(ERROR, _SUBJECT, failure, edit(str(path)))
            continue
        for problem in file.problems():
            yield Finding(ERROR, _SUBJECT, problem, edit(str(path)))
        for number, entry in enumerate(file.entries):
            name = label(number, entry)
            if names.setdefault(name, path) != path:
                values = {"path": path, "provider": name}
                yield error(_SUBJECT, "node.config-name-twice", edit(str(path)), **values)


def _executable(found: _Node, entry: Entry) -> Iterator[Finding]:
    path = found.folder / entry["name"]
    real = found.program(entry)
    if not real.exists():
        yield error(_SUBJECT, "node.provider-missing", path=path, provider=entry["name"])
    elif not layouts.allows_programs(real):
        yield error(_SUBJECT, "node.noexec", path=path.parent)
    elif not real.is_file() or not os.access(real, os.X_OK):
        command = shell.line("chmod", "755", str(real)) if real.is_file() else None
        yield error(_SUBJECT, "node.provider-not-executable", command, path=path)
    elif code := unstartable(str(real), str(found.root)):
        yield error(_SUBJECT, code, path=path)
    elif entry["name"].startswith(PREFIX) and "kubelet" not in (entry.get("args") or []):
        yield error(_SUBJECT, "node.docker-helper", provider=entry["name"], ours=PROGRAM)
    elif _is_ours(found, entry):
        count = len(entry["matchImages"])
        yield ok(_SUBJECT, "node.provider-found", path=path, count=count)


def _patterns(entry: Entry) -> Iterator[Finding]:
    """Patterns that kubelet takes and that match no image."""
    useless = [glob for glob in entry["matchImages"] if "*" in glob.partition("/")[2]]
    if useless:
        values = {"provider": entry["name"], "patterns": ", ".join(useless)}
        yield warning(_SUBJECT, "node.glob-in-path", **values)


def _is_ours(found: _Node, entry: Entry) -> bool:
    return is_ours(entry) or this_program.is_this(str(found.program(entry)))


def _images(entry: Entry, entries: list[Entry], install: str) -> Iterator[Finding]:
    """Whether every host of a cloud is there, and the pods' identities are kept apart."""
    name, globs = entry["name"], entry["matchImages"]
    tokens = entry.get(TOKENS) or {}
    for cloud in clouds.CLOUDS:
        wanted = match_images.of_cloud(cloud.name)
        lacking = [one for one in wanted if not any(match_images.covers(g, one) for g in globs)]
        if len(lacking) == len(wanted):
            continue
        if lacking:
            values = {"provider": name, "cloud": cloud.title, "hosts": ", ".join(lacking)}
            yield note(_SUBJECT, "node.hosts-missing", install, **values)
        needed = {one.name: None for one in cloud.annotations if one.needed or not one.option}
        for member in ANNOTATIONS:
            for sent in tokens.get(member) or []:
                needed.pop(sent, None)
        if tokens and needed:
            values = {"provider": name, "annotations": ", ".join(needed)}
            yield warning(_SUBJECT, "node.annotations-missing", install, **values)
    for other in entries:
        if tokens and other is not entry and not other.get(TOKENS):
            others = other["matchImages"]
            both = [glob for glob in globs if any(match_images.covers(o, glob) for o in others)]
            if both:
                values = {"provider": name, "other": other["name"], "hosts": ", ".join(both)}
                yield warning(_SUBJECT, "node.second-provider", **values)


def _cache(found: _Node, entry: Entry) -> Iterator[Finding]:
    """Whether tokens can be kept between the calls of kubelet."""
    is_kubelets_user = sys.platform != "win32" and os.geteuid() == 0
    if found.root != Path("/") or not is_kubelets_user:
        return  # another user's folders are not kubelet's
    environ = found.environment(entry)
    if "DOCKER_CREDENTIAL_MULTI_CACHE_FOLDER" not in environ and not cache.usable_folder(environ):
        yield warning(_SUBJECT, "node.cache-missing", provider=entry["name"])


def asked(root: Path, server_urls: list[str]) -> Iterator[Finding]:
    """Ask the providers of this program for these registries, as kubelet does."""
    found = _find(root)
    entries = [e for e in found.entries() if _is_ours(found, e)] if found else []
    for server_url in map(ServerURL.parse, server_urls):
        for entry in entries:
            hosts = [glob.partition("/")[0] for glob in entry["matchImages"]]
            if found and any(match_images.covers(host, server_url.address) for host in hosts):
                yield _asked(found, entry, server_url)


def _asked(found: _Node, entry: Entry, server_url: ServerURL) -> Finding:
    image = f"{server_url.address}/image"
    request = json.dumps({"apiVersion": entry["apiVersion"], "kind": REQUEST, "image": image})
    command = [str(found.folder / entry["name"]), *(entry.get("args") or [])]
    values: dict[str, Any] = {"host": server_url.redacted, "provider": entry["name"]}
    try:
        environ = found.environment(entry)
        done = running.run(command, environ, _TIMEOUT_S, _MAX_OUTPUT_BYTES, data=request.encode())
        response = parse_value(done.output) if not done.status else {}
    except OSError as failure:
        problem = os_reason(failure)
        return error(_SUBJECT, "node.provider-not-started", problem=problem, **values)
    except running.TimedOut:
        return error(_SUBJECT, "node.provider-timeout", seconds=f"{_TIMEOUT_S:.0f}", **values)
    except (running.TooMuchOutput, ValueError):
        return error(_SUBJECT, "node.provider-bad-answer", **values)
    if isinstance(response, dict) and response.get("auth"):
        return ok(_SUBJECT, "node.provider-answers", **values)
    explain = this_program.command("explain", "--try", server_url.redacted)
    said = done.errors.decode("utf-8", "replace").strip().rpartition("\n")[2]
    if done.status:
        return error(_SUBJECT, "node.provider-fails", explain, said=said, **values)
    return note(_SUBJECT, "node.provider-without-answer", explain, **values)
