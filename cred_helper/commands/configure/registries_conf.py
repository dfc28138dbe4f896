"""podman's ``registries.conf``: which credential helpers podman, skopeo and buildah ask.

They read no ``credsStore``. Their one word for every registry is ``credential-helpers``, which the
last file that has it decides: the machine's own and its drop-ins, then the user's; where the user
has a ``registries.conf``, nothing of the machine's is read. Read here as they read it; never
written.

Source: containers-registries.conf(5); containers/image, pkg/sysregistriesv2/system_registries_v2.go
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from cred_helper.errors import Misconfigured
from cred_helper.fallback import child
from cred_helper.files import user_folders

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CLIENTS = ("podman", "skopeo", "buildah")
# How they name their own files of logins among the helpers.
AUTH_FILES = "containers-auth.json"
_KEY = "credential-helpers"
_MACHINE = "/etc/containers"
# The last of the drop-ins, unless somebody means to be later.
_DROP_IN = "99-docker-credential-multi.conf"


class CredentialHelpers:
    """Whom those clients ask, in order, and the file that says so (``None``: by default)."""

    def __init__(self, names: list[str], file: str | None) -> None:
        self.names = names
        self.file = file


def clients(environ: Mapping[str, str]) -> list[str]:
    """Which of those clients there are on this machine."""
    return [name for name in CLIENTS if child.find(name, environ)]


def user_folder(environ: Mapping[str, str]) -> Path:
    """Where the user's files are: below HOME, whatever XDG_CONFIG_HOME says."""
    return Path(user_folders.home(environ), ".config", "containers")


def compat(environ: Mapping[str, str]) -> Path:
    """The file of ours."""
    return user_folder(environ) / "registries.conf.d" / _DROP_IN


def files(environ: Mapping[str, str], machine: str = _MACHINE) -> Iterator[Path]:
    """The files that are read, in that order."""
    user = user_folder(environ)
    own = user / "registries.conf"
    places = [user] if own.exists() else [Path(machine), user]
    yield own if own.exists() else Path(machine, "registries.conf")
    for place in places:
        yield from sorted((place / "registries.conf.d").glob("*.conf"))


def credential_helpers(
    environ: Mapping[str, str], machine: str = _MACHINE, *, without: Path | None = None
) -> CredentialHelpers:
    """What the files come to; ``without`` is one that is not to count.

    Raises:
        Misconfigured: a file cannot be read, which stops those clients too.
    """
    found = CredentialHelpers([AUTH_FILES], None)
    for path in files(environ, machine):
        names = _read(path) if path != without else None
        if names is not None:
            found = CredentialHelpers(names or [AUTH_FILES], str(path))
    return found


def _read(path: Path) -> list[str] | None:
    """The helpers that a file names; ``None`` where it says nothing of them."""
    try:
        document = tomllib.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Misconfigured(
            f"{path} cannot be read: {os.strerror(error.errno or 0).lower()}"
        ) from None
    except ValueError:
        raise Misconfigured(f"{path} is not TOML") from None
    names = document.get(_KEY)
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Misconfigured(f"{path}: {_KEY} is not a list of names")
    return names
