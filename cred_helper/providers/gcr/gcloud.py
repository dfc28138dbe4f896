"""gcloud's own login, read from its configuration. Runs nothing.

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
from cred_helper.providers.gcr.identity import gcloud_folder, shown_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cred_helper.providers.gcr.identity import Parts

TOKEN_VARIABLE = "CLOUDSDK_AUTH_ACCESS_TOKEN"  # noqa: S105 - a name
TOKEN_FILE_VARIABLE = "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"  # noqa: S105 - a name
_MAX_FILE_BYTES = 1 << 20
_PROGRAM = "gcloud.cmd" if os.name == "nt" else "gcloud"


class Login:
    """A login of gcloud.

    ``token_file`` and ``token`` are set where the user gives an access token instead of a login;
    ``impersonated`` is the account whose token gcloud gets with it. ``program`` is ``""`` where
    gcloud does not have to be run.
    """

    __slots__ = (
        "account",
        "configuration",
        "credential_file",
        "folder",
        "impersonated",
        "program",
        "token",
        "token_file",
        "universe_domain",
    )

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.folder = gcloud_folder(environ)
        active = _text(os.path.join(self.folder, "active_config")).strip() if self.folder else ""
        self.configuration = environ.get("CLOUDSDK_ACTIVE_CONFIG_NAME") or active or "default"
        self.program = programs.find(_PROGRAM, environ) or ""
        paths = (self.configuration_file, self.installation_file)
        levels = [parse(_text(path))[0] for path in paths if path]

        def chosen(section: str, name: str) -> str:
            value = environ.get(f"CLOUDSDK_{section}_{name}".upper(), "")
            return value or next(
                (found for level in levels if (found := level.get(section, {}).get(name))), ""
            )

        self.token = environ.get(TOKEN_VARIABLE, "").strip()
        self.token_file = chosen("auth", "access_token_file")
        self.credential_file = chosen("auth", "credential_file_override")
        self.account = chosen("core", "account")
        self.impersonated = chosen("auth", "impersonate_service_account").rpartition(",")[2].strip()
        self.universe_domain = chosen("core", "universe_domain") or GOOGLE_UNIVERSE

    @property
    def configuration_file(self) -> str:
        """The file of the active configuration."""
        name = f"config_{self.configuration}"
        return os.path.join(self.folder, "configurations", name) if self.folder else ""

    @property
    def installation_file(self) -> str:
        """The file with the properties of gcloud's installation."""
        if not self.program:
            return ""
        root = os.path.dirname(os.path.dirname(files.real_path(self.program)))
        return os.path.join(root, "properties")

    @property
    def is_token(self) -> bool:
        """Whether the user gives an access token, which gcloud need not be run for."""
        return bool(self.token or self.token_file) and not self.impersonated


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
            from cred_helper.providers.gcr.gcloud_words import shown_configuration

            return NotFound("gcr.gcloud-no-account", configuration=shown_configuration(login))
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
    variables = (f"{name}={environ[name]}" for name in names)
    paths = (login.configuration_file, login.installation_file)
    return [
        *("gcloud", login.program, login.folder, login.configuration),
        *(fingerprints.file_digest(path) if path else "" for path in paths),
        *_credential_parts(file),
        *variables,
    ]


def _credential_parts(file: str) -> Parts:
    """The digest of a file of gcloud's with credentials; ``None`` where it refers to others.

    The subject token of a federated login is in another file.
    """
    digest = fingerprints.file_digest(file)
    if digest in (None, "absent", "unreadable"):
        return [digest]
    try:
        is_federated = b'"external_account"' in files.read(file, 8 << 20)
    except OSError:
        return [None]
    return [None] if is_federated else [digest]


def _text(path: str) -> str:
    try:
        if fingerprints.is_pipe(path):
            return ""
        return files.read(path, _MAX_FILE_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
