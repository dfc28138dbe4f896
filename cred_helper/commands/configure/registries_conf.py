"""podman's ``registries.conf``: which credential helpers podman, skopeo and buildah ask.

They read no ``credsStore``. ``credential-helpers`` names the helpers for every registry; the last
file that has it decides: the machine's own and its drop-ins, then the user's. Where the user has a
``registries.conf``, the machine's files are not read. ``CONTAINERS_REGISTRIES_CONF`` takes the
place of ``registries.conf``. Read here as they read it; never written.

Source: containers-registries.conf(5); containers/image, pkg/sysregistriesv2/system_registries_v2.go
"""

from __future__ import annotations

import stat
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cred_helper import programs
from cred_helper.errors import CredentialError, Misconfigured
from cred_helper.files import json_file, toml_keys, user_folders
from cred_helper.files.os_errors import os_reason

CLIENTS = ("podman", "skopeo", "buildah")
VARIABLE = "CONTAINERS_REGISTRIES_CONF"
# The name that stands for the clients' own files of logins among the helpers.
AUTH_FILES = "containers-auth.json"
_KEY = "credential-helpers"
_MACHINE = "/etc/containers"
# The last of the drop-ins by name.
_DROP_IN = "99-docker-credential-multi.conf"
# Members of the second format; a file with one of them and a table of the first is refused.
_SECOND_FORMAT = (
    *("registry", "unqualified-search-registries", "short-name-mode", "aliases", _KEY),
    "additional-layer-store-auth-helper",
)


class CredentialHelpers(NamedTuple):
    """The helpers that those clients ask, in order, and the file that names them, if one does."""

    names: list[str]
    file: str | None


class BrokenFile(Misconfigured):
    """A ``registries.conf`` at which those clients stop."""

    def __init__(self, code: str, path: Path, **values: Any) -> None:
        super().__init__(code, path=path, **values)
        self.path = str(path)


def clients(environ: Mapping[str, str]) -> list[str]:
    return [name for name in CLIENTS if programs.find(name, environ)]


def is_remote(environ: Mapping[str, str]) -> bool:
    """Whether podman here is a client of a podman elsewhere, which asks only ``credHelpers``.

    Source: podman-remote(1), https://docs.podman.io/en/latest/markdown/podman-remote.1.html
    """
    if not programs.find("podman", environ):
        return False
    named = environ.get("CONTAINER_HOST") or environ.get("CONTAINER_CONNECTION")
    return bool(named) or sys.platform in ("darwin", "win32")


def user_folder(environ: Mapping[str, str]) -> Path:
    """Where the user's files are: below HOME, whatever XDG_CONFIG_HOME is."""
    return Path(user_folders.home(environ), ".config", "containers")


def auth_file(environ: Mapping[str, str]) -> Path:
    """The user's file of logins that outlives the session."""
    return Path(environ.get("REGISTRY_AUTH_FILE") or user_folder(environ) / "auth.json")


def drop_in(environ: Mapping[str, str]) -> Path:
    """The file that ``configure`` writes."""
    return user_folder(environ) / "registries.conf.d" / _DROP_IN


def files(environ: Mapping[str, str], machine: str = _MACHINE) -> Iterator[Path]:
    user = user_folder(environ)
    named = environ.get(VARIABLE, "")
    has_own = not named and (user / "registries.conf").exists()
    yield Path(named) if named else Path(user if has_own else machine, "registries.conf")
    for place in (user,) if has_own else (Path(machine), user):
        yield from sorted((place / "registries.conf.d").glob("*.conf"))


def credential_helpers(
    environ: Mapping[str, str], machine: str = _MACHINE, *, without: Path | None = None
) -> CredentialHelpers:
    """The helpers that the files name; ``without`` is a file that does not count.

    Raises:
        BrokenFile: a file cannot be used, which stops those clients too.
    """
    found = CredentialHelpers([AUTH_FILES], None)
    for path in files(environ, machine):
        names = _names(path) if path != without else None
        if names is not None:
            found = CredentialHelpers(names or [AUTH_FILES], str(path))
    return found


def first_format(environ: Mapping[str, str], machine: str = _MACHINE) -> list[Path]:
    """The files in the first format, with ``[registries.search]``: podman 6 stops at them."""
    return [path for path in files(environ, machine) if _is_first_format(_document(path))]


def _names(path: Path) -> list[str] | None:
    """The helpers that a file names; ``None`` where it has no such key."""
    document = _document(path)
    if _is_first_format(document) and any(key in document for key in _SECOND_FORMAT):
        raise BrokenFile("configure.registries-mixed", path)
    names = document.get(_KEY)
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BrokenFile("configure.registries-not-a-list", path, key=_KEY)
    return names


def _is_first_format(document: dict[str, Any]) -> bool:
    return isinstance(document.get("registries"), dict)


def _document(path: Path) -> dict[str, Any]:
    """A file as TOML has it; empty where it does not exist."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BrokenFile("configure.not-a-file", path)
        text = json_file.read(str(path)).decode("utf-8")
        if line := toml_keys.line_of_deep_key(text):
            limit = toml_keys.MOST_DOTS
            raise BrokenFile("configure.registries-deep-key", path, line=line, limit=limit)
        return tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except CredentialError:
        raise
    except OSError as error:
        raise BrokenFile("configure.unreadable", path, cause=os_reason(error)) from None
    except (ValueError, RecursionError):
        raise BrokenFile("configure.registries-not-toml", path) from None
