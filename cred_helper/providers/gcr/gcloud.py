"""gcloud's own login, read from its configuration, and what may be shown of it. Runs nothing.

Sources:
  https://cloud.google.com/sdk/docs/configurations
  https://cloud.google.com/sdk/gcloud/reference/auth/print-access-token
  https://cloud.google.com/sdk/docs/properties (order: variable, configuration, installation)
"""

from __future__ import annotations

import os

from cred_helper import files, programs
from cred_helper.errors import NotFound
from cred_helper.files import fingerprints
from cred_helper.hosts import GOOGLE_UNIVERSE
from cred_helper.providers.common.ini_file import parse
from cred_helper.providers.gcr.identity import gcloud_folder, is_account, shown_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cred_helper.providers.gcr.identity import Parts

TOKEN_FILE_VARIABLE = "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"  # noqa: S105 - a name
_TOKEN_VARIABLE = "CLOUDSDK_AUTH_ACCESS_TOKEN"  # noqa: S105 - a name
_CREDENTIAL_FILE_VARIABLE = "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE"
_MAX_FILE_BYTES = 1 << 20
_MAX_CREDENTIAL_FILE_BYTES = 8 << 20
_PROGRAM = "gcloud.cmd" if os.name == "nt" else "gcloud"


class Login:
    """A login of gcloud.

    ``token_file`` and ``token`` are set where the user gives an access token instead of a login;
    ``impersonated`` is the account whose token gcloud gets with it. ``program`` is ``""`` where
    gcloud does not have to be run.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.folder = gcloud_folder(environ)
        active = _text(os.path.join(self.folder, "active_config")).strip() if self.folder else ""
        self.configuration = environ.get("CLOUDSDK_ACTIVE_CONFIG_NAME") or active or "default"
        self.program = programs.find(_PROGRAM, environ) or ""
        levels = [parse(_text(path))[0] for path in self.property_files if path]

        def chosen(section: str, name: str) -> str:
            value = environ.get(f"CLOUDSDK_{section}_{name}".upper(), "")
            return value or next(
                (found for level in levels if (found := level.get(section, {}).get(name))), ""
            )

        self.token = environ.get(_TOKEN_VARIABLE, "").strip()
        self.token_file = chosen("auth", "access_token_file")
        self.credential_file = chosen("auth", "credential_file_override")
        self.account = chosen("core", "account")
        self.impersonated = chosen("auth", "impersonate_service_account").rpartition(",")[2].strip()
        self.universe_domain = chosen("core", "universe_domain") or GOOGLE_UNIVERSE

    @property
    def property_files(self) -> tuple[str, str]:
        """The files of the active configuration and of the installation, ``""`` for neither."""
        name = f"config_{self.configuration}"
        active = os.path.join(self.folder, "configurations", name) if self.folder else ""
        if not self.program:
            return active, ""
        root = os.path.dirname(os.path.dirname(files.real_path(self.program)))
        return active, os.path.join(root, "properties")

    @property
    def is_token(self) -> bool:
        """Whether the user gives the access token itself: then gcloud is not run."""
        return bool(self.token or self.token_file) and not self.impersonated

    @property
    def detail(self) -> str:
        """Whose login it is, in words."""
        from cred_helper.files.path_values import shown

        where = f"gcloud's configuration {self.shown_configuration}"
        if self.token:
            whose = f"the access token in {_TOKEN_VARIABLE}"
        elif self.token_file:
            whose = f"the access token in {shown(TOKEN_FILE_VARIABLE, self.token_file)}"
        elif self.credential_file:
            whose = f"{shown(_CREDENTIAL_FILE_VARIABLE, self.credential_file)}, named in {where}"
        else:
            whose = f"account {_shown(self.account)} of {where}"
        by = f", impersonating {_shown(self.impersonated)}" if self.impersonated else ""
        return whose + by

    @property
    def shown_configuration(self) -> str:
        """The configuration's name as it may be shown: gcloud has no other names."""
        name = self.configuration
        is_name = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
        return name if is_name and name.islower() else "with an invalid name"

    @property
    def secrets(self) -> list[str]:
        """Values that could be secrets, and that gcloud may quote when it fails."""
        from cred_helper.files.path_values import quotable

        paths = [path for path in (self.token_file, self.credential_file) if not quotable(path)]
        accounts = [name for name in (self.account, self.impersonated) if _shown(name) != name]
        return [*paths, *accounts, self.token]


def _shown(account: str) -> str:
    """An account as it may be shown: anything else in its place could be a secret."""
    is_principal = account.startswith("principal://") and len(account.split()) == 1
    return account if is_account(account) or is_principal else "with an invalid name"


def find(environ: Mapping[str, str]) -> Login | NotFound:
    """Find the login, or why gcloud is not asked."""
    login = Login(environ)
    if login.is_token:
        return login
    if not (login.token or login.token_file or login.credential_file):
        database = os.path.join(login.folder, "credentials.db")
        if not login.folder or not files.is_file(database):
            shown = os.path.join(shown_folder(login.folder), "credentials.db")
            return NotFound("gcr.gcloud-no-login", path=shown)
        if not login.account:
            return NotFound("gcr.gcloud-no-account", configuration=login.shown_configuration)
    if not login.program:
        code = "provider.program-not-on-path"
        if programs.only_in_working_folder(_PROGRAM, environ):
            code = "provider.program-by-relative-path"
        return NotFound(code, program="gcloud")
    return login


def cache_parts(environ: Mapping[str, str]) -> Parts:
    """What identifies a login of gcloud; with a ``None`` where only a get knows."""
    login = find(environ)
    if isinstance(login, NotFound):
        return [""]
    if login.token:
        return [None]  # nothing says for how long it is good
    file = login.token_file or login.credential_file or f"{login.folder}/credentials.db"
    names = files.variables(environ, prefix="CLOUDSDK_")
    return [
        *("gcloud", login.program, login.folder, login.configuration),
        *(fingerprints.file_digest(path) if path else "" for path in login.property_files),
        _credential_digest(file),
        *(f"{name}={environ[name]}" for name in names),
    ]


def _credential_digest(file: str) -> str | None:
    """The digest of a file of gcloud's with credentials; ``None`` where it refers to others.

    The subject token of a federated login is in another file.
    """
    digest = fingerprints.file_digest(file)
    if digest in (None, "absent", "unreadable"):
        return digest
    try:
        is_federated = b'"external_account"' in files.read(file, _MAX_CREDENTIAL_FILE_BYTES)
    except OSError:
        return None
    return None if is_federated else digest


def _text(path: str) -> str:
    try:
        if fingerprints.is_pipe(path):
            return ""
        return files.read(path, _MAX_FILE_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
