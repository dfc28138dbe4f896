"""This program's settings, its store of logins, its cache of tokens, and the home folder."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator

from cred_helper import programs
from cred_helper.cache import TokenCache, default_folder
from cred_helper.commands.doctor import cache_folder
from cred_helper.commands.doctor.finding import ERROR, Finding, error, note, ok, warning
from cred_helper.commands.doctor.unread_variables import unread
from cred_helper.commands.ui import shell, this_program
from cred_helper.commands.ui.shell import edit
from cred_helper.errors import CredentialError, Misconfigured
from cred_helper.fallback import store as own_store
from cred_helper.fallback.helper import PREFIX
from cred_helper.files import user_folders
from cred_helper.settings import settings as own_settings
from cred_helper.settings.settings import PREFIX as VARIABLE_PREFIX
from cred_helper.settings.settings import Settings
from cred_helper.wiring import Wiring


def settings() -> Iterator[Finding]:
    """Whether the settings can be read, and the helpers that they name are on PATH."""
    show = this_program.command("config", "show")
    try:
        loaded = Wiring.of_process().settings
    except Misconfigured as failure:
        for each in (failure, *failure.others):
            yield Finding(ERROR, "settings", each, repair(each))
        return
    if loaded.files:
        yield ok("settings", "doctor.settings-read", files=", ".join(loaded.files))
    else:
        yield ok("settings", "doctor.settings-default")
    for setting in ("fallback_helper", "cache_keychain"):
        if name := getattr(loaded, setting):
            origin = loaded.origin(setting) or setting
            yield from helper_missing("settings", name, origin, f"the setting {setting}")
    if loaded.log and loaded.log != own_settings.STDERR:
        yield note("settings", "doctor.log-on", show, path=loaded.log)


def variables() -> Iterator[Finding]:
    for name, meant in unread(os.environ):
        # A name of other characters could be a command to a shell.
        command = shell.unset_variable(name) if name.isascii() and name.isidentifier() else None
        code = "doctor.variable-misspelt" if meant else "doctor.variable-unread"
        yield warning("settings", code, command, name=name, meant=meant)


def repair(failure: CredentialError) -> str | None:
    """The command for a mistake in the settings, whose message names the variable or the file."""
    reason = failure.reason
    variable = reason.partition(" ")[0].partition(":")[0]
    if variable.startswith(VARIABLE_PREFIX):
        return shell.unset_variable(variable)
    return next((edit(path) for path in settings_files() if path in reason), None)


def settings_files() -> tuple[str, ...]:
    """Where a settings file may be: the one that is named, or the user's and the machine's."""
    named = own_settings.expanded(os.environ.get(own_settings.CONFIG, ""))
    if named:
        return (named,)
    return (*own_settings.user_files(os.environ), own_settings.machine_file(os.environ))


def helper_missing(subject: str, name: str, origin: str, where: str) -> Iterator[Finding]:
    """Whether a helper that the settings name is not on PATH."""
    program = f"{PREFIX}{name}"
    if programs.find(program, os.environ) is None:
        show = this_program.command("config", "show")
        values = {"path": origin, "name": name, "where": where, "program": program}
        yield error(subject, "doctor.helper-not-on-path", show, **values)


def store() -> Iterator[Finding]:
    """The logins in this program's own store, which serves where no keychain works."""
    path = own_store.path(os.environ)
    try:
        kept = own_store.FileStore(path, lambda *_: None).list()
    except CredentialError as failure:
        yield Finding(ERROR, "store", failure.within("file.at", place=path), edit(path))
        return
    if kept:
        yield note("store", "doctor.logins-kept", path=path, hosts=", ".join(kept))


def home() -> Iterator[Finding]:
    folder = user_folders.home(os.environ)
    if not folder or not os.path.isdir(folder):
        yield warning("home", "doctor.no-home", shell.set_variable("HOME", "/a/folder/of/yours"))
    elif not os.access(folder, os.W_OK | os.X_OK):
        is_disk = sys.platform != "win32" and os.statvfs(folder).f_flag & os.ST_RDONLY
        cause = os.strerror(errno.EROFS if is_disk else errno.EACCES).lower()
        yield warning("home", "doctor.home-read-only", path=folder, cause=cause)


def cache() -> Iterator[Finding]:
    try:
        loaded = Settings.load(os.environ)
    except Misconfigured:
        return  # a finding of the settings
    folder = loaded.cache_folder or default_folder(os.environ)
    if not loaded.cache:
        yield note("cache", "doctor.cache-off", this_program.command("config", "show"))
    elif folder is None:
        command = shell.set_variable("HOME", "/a/folder/of/yours")
        yield warning("cache", "doctor.cache-without-folder", command)
    elif refusal := TokenCache(folder).refusal():
        command = cache_folder.repair(folder)
        yield warning("cache", "doctor.cache-not-used", command, path=folder, cause=refusal)
    elif obstacle := cache_folder.obstacle(folder):
        command = cache_folder.elsewhere()
        yield warning("cache", "doctor.cache-not-kept", command, path=folder, cause=obstacle)
    else:
        kept = len(TokenCache(folder).entries(time.time()))
        tokens = f"{kept} {'token' if kept == 1 else 'tokens'}"
        how = ", encrypted" if loaded.cache_keychain else ""
        yield ok("cache", "doctor.cache-used", path=folder, tokens=tokens + how)
