"""Our own settings, our own store of logins, and the cache of tokens."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from cred_helper.cache import TokenCache, default_folder
from cred_helper.commands.doctor import cache_folder
from cred_helper.commands.doctor.finding import ERROR, NOTE, OK, WARNING, Finding
from cred_helper.commands.doctor.unread_variables import unread
from cred_helper.commands.ui import shell, this_program
from cred_helper.errors import CredentialError, Misconfigured
from cred_helper.fallback import child
from cred_helper.fallback import store as own_store
from cred_helper.fallback.helper import PREFIX
from cred_helper.settings.settings import PREFIX as VARIABLE_PREFIX
from cred_helper.settings.settings import Settings
from cred_helper.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Iterator


def settings() -> Iterator[Finding]:
    """Whether our own settings can be read, and the helpers that they name be found."""
    show = this_program.command("config", "show")
    try:
        loaded = Wiring.of_process().settings
    except Misconfigured as error:
        yield Finding(ERROR, "settings", error.reason, _mending(error.reason), error.hint)
        return
    origins = ", ".join(loaded.files) or "no file, the defaults"
    rules = f", {len(loaded.rules)} rules" if loaded.rules else ""
    yield Finding(OK, "settings", f"{origins}{rules}")
    for name, origin in _helpers_named(loaded):
        if child.find(f"{PREFIX}{name}", os.environ) is None:
            message = f"{origin} names {name!r}, and there is no {PREFIX}{name} on PATH"
            yield Finding(ERROR, "settings", message, show)
    if loaded.log and loaded.log != "stderr":
        yield Finding(NOTE, "settings", f"every step is told in {loaded.log}", show)


def variables() -> Iterator[Finding]:
    """Whether every variable of ours is one."""
    for name, hint in unread(os.environ):
        # Another name could be anything, to a shell.
        command = shell.unset_variable(name) if name.isascii() and name.isidentifier() else None
        message = f"{name} is set, and nothing reads it"
        yield Finding(WARNING, "settings", message, command, hint)


def _mending(reason: str) -> str | None:
    """What to run about settings that are none: a reason begins with the variable or the file."""
    variable = reason.partition(" ")[0].partition(":")[0]
    if variable.startswith(VARIABLE_PREFIX):
        return shell.unset_variable(variable)
    path = reason.partition(": ")[0].rpartition(":")[0]
    return shell.edit(path) if os.path.isfile(path) else None


def _helpers_named(loaded: Settings) -> Iterator[tuple[str, str]]:
    """Each helper that the settings name, and where."""
    for setting in ("fallback_helper", "cache_keychain"):
        if name := getattr(loaded, setting):
            yield name, loaded.origin(setting) or setting
    for rule in loaded.rules:
        if rule.helper:
            yield rule.helper, rule.place.of("helper")


def store() -> Iterator[Finding]:
    """What logins through us have left where there was no keychain."""
    path = own_store.path(os.environ)
    try:
        kept = own_store.FileStore(path, lambda _reason, _hint: None).list()
    except CredentialError as error:
        yield Finding(ERROR, "store", f"{path}: {error.reason}", shell.edit(path), error.hint)
        return
    if kept:
        logins = f"{len(kept)} logins" if len(kept) > 1 else "a login"
        message = f"{path} keeps {logins}, closed to others and not encrypted: {', '.join(kept)}"
        yield Finding(NOTE, "store", message)


def cache() -> Iterator[Finding]:
    """Whether tokens can be kept between calls."""
    try:
        loaded = Settings.load(os.environ)
    except Misconfigured:
        return  # told already
    folder = loaded.cache_folder or default_folder(os.environ)
    show = this_program.command("config", "show")
    if not loaded.cache:
        yield Finding(NOTE, "cache", "switched off: every get asks the cloud", show)
    elif folder is None:
        message = "there is no place to keep tokens: every get asks the cloud"
        yield Finding(WARNING, "cache", message, shell.set_variable("HOME", "/a/folder/of/yours"))
    elif refusal := TokenCache(folder).refusal():
        message = f"{folder} is not used: {refusal}"
        yield Finding(WARNING, "cache", message, cache_folder.mending(folder))
    else:
        kept = len(TokenCache(folder).entries(time.time()))
        how = "encrypted, " if loaded.cache_keychain else ""
        message = f"{folder}: {how}{kept} {'token' if kept == 1 else 'tokens'}"
        if hindrance := cache_folder.hindrance(folder):
            message = f"{message}, and none can be kept: {hindrance}"
            yield Finding(WARNING, "cache", message, cache_folder.elsewhere())
        else:
            yield Finding(OK, "cache", message)
