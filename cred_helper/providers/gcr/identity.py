"""Chooses the Google identity, by environment variables and files.

The order is that of Application Default Credentials, then gcloud's login. A file that an option or
a variable names is used, or its failure is the result: no other source replaces it. Only if the
metadata service has no account is gcloud asked next. Runs before every cached answer: opens no
connection, loads no SDK and no JSON library, starts no program.

Source: https://cloud.google.com/docs/authentication/application-default-credentials
"""

from __future__ import annotations

import os

from cred_helper import files
from cred_helper.errors import Misconfigured, NotFound
from cred_helper.files import fingerprints, user_folders
from cred_helper.hosts import GcrRoute
from cred_helper.providers.common.interface import ID_TOKEN, Identity, Skipped, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cred_helper.providers.common.interface import TokenRequest

    Look = Callable[[TokenRequest], Identity | NotFound]
    # What identifies an identity. A part is ``None`` if only a get can read it.
    Parts = list[str | bytes | None]

# The identity sources, in the order in which they are looked at.
CREDENTIALS_FILE = "credentials-file"
ENVIRONMENT = "environment"
APPLICATION_DEFAULT = "application-default"
METADATA = "instance-metadata"
GCLOUD = "gcloud"

FILE_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
_FORMER_HELPER = "docker-credential-gcr"

# A credential file is kilobytes.
MAX_FILE_BYTES = 1 << 20
# The characters of an account's e-mail address, which becomes part of a URL.
_ACCOUNT_CHARACTERS = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._@"
)
_MAX_ACCOUNT_CHARACTERS = 254


def identify(request: TokenRequest) -> Identity:
    """Choose the identity.

    Raises:
        Misconfigured: a setting is wrong, or a file that is named cannot be read.
    """
    accounts = impersonated_accounts(request)  # a wrong setting is an error whatever the identity

    def bound(look: Look) -> Callable[[], Identity | NotFound]:
        return lambda: look(request)

    by_token = ((ID_TOKEN, _by_id_token),) if request.id_token else ()
    found, skipped = walk((source, bound(look)) for source, look in (*by_token, *_SOURCES))
    identity = found[0][1] if found else Identity(None)
    if not (found and identity.certain) and (login := _former_login(request.environ)):
        reason = NotFound("gcr.login-of-former-helper", path=login)
        skipped.append(Skipped(_FORMER_HELPER, reason))

    def problem() -> Misconfigured | None:
        if accounts:
            code = "gcr.nothing-to-impersonate-with"
            return request.wrong("impersonate", code, account=accounts[-1])
        # A machine of Google's can turn out to have no account, after the login was not looked for.
        login = _former_login(request.environ)
        if login and request.options.get("stands_for") == _FORMER_HELPER:
            return Misconfigured("gcr.login-of-former-helper", path=login)
        return None

    identity.skipped = tuple(skipped)
    identity.problem_if_absent = problem
    only = " to pull from" if is_pull_only(request) else ""
    identity.scope = f"the Google registries of {universe_domain_of(request)}{only}"
    return identity


def is_pull_only(request: TokenRequest) -> bool:
    """Whether the token is for pulls only: by the option, or on a registry with public images.

    The tokens of a user and of gcloud keep the scopes of their sign-in.
    """
    if request.route.anonymous or "pull_only" not in request.options:
        return request.route.anonymous
    return request.flag("pull_only", default=False)


def universe_domain_of(request: TokenRequest) -> str:
    """The universe of the registry."""
    assert isinstance(request.route, GcrRoute)
    return request.route.universe_domain


def _former_login(environ: Mapping[str, str]) -> str:
    """The file with a login of docker-credential-gcr, ``""`` if it has none.

    Only that helper can renew the login: the refresh token belongs to the helper's OAuth client.

    Source: https://github.com/GoogleCloudPlatform/docker-credential-gcr/blob/master/store/store.go
    """
    usual = os.path.join(_usual_gcloud_folder(environ), "docker_credentials.json")
    path = environ.get("DOCKER_CREDENTIAL_GCR_STORE") or usual
    if not os.path.isabs(path) or not files.is_file(path):
        return ""
    from cred_helper.files import json_file

    try:
        read = json_file.load(path)
    except Misconfigured:
        return path
    logins = read.value if read else None
    return path if isinstance(logins, dict) and logins.get("gcrCreds") else ""


# --- gcloud's folder ------------------------------------------------------------------------------


def gcloud_folder(environ: Mapping[str, str]) -> str:
    """The folder of gcloud's configuration, ``""`` without a home folder.

    Source: ``get_config_path`` in google-auth's google/auth/_cloud_sdk.py
    """
    return environ.get("CLOUDSDK_CONFIG") or _usual_gcloud_folder(environ)


def _usual_gcloud_folder(environ: Mapping[str, str]) -> str:
    if os.name == "nt" and environ.get("APPDATA"):
        return f"{environ['APPDATA']}\\gcloud"
    home = user_folders.home(environ)
    return os.path.join(home, ".config", "gcloud") if home and os.path.isabs(home) else ""


def shown_folder(folder: str) -> str:
    """The folder for messages. A relative path can be a secret: the variable stands for it."""
    return folder if not folder or os.path.isabs(folder) else "$CLOUDSDK_CONFIG"


# --- Impersonation --------------------------------------------------------------------------------


def impersonated_accounts(request: TokenRequest) -> list[str]:
    """The service accounts of the option ``impersonate``: the delegates, then the target.

    Raises:
        Misconfigured: one of them is not an account's e-mail address.
    """
    text = request.options.get("impersonate", "")
    accounts = [account.strip() for account in text.split(",")] if text else []
    if not all(map(is_account, accounts)):
        raise request.wrong("impersonate", "gcr.not-a-service-account")
    return accounts


def is_account(text: str) -> bool:
    is_short = len(text) < _MAX_ACCOUNT_CHARACTERS
    return is_short and text.count("@") == 1 and _ACCOUNT_CHARACTERS.issuperset(text)


def impersonating(request: TokenRequest, detail: str) -> str:
    """The description of an identity, with the account that it impersonates."""
    accounts = impersonated_accounts(request)
    return f"{detail}, impersonating {accounts[-1]}" if accounts else detail


def cache_key(request: TokenRequest, parts: Parts) -> str | None:
    """A digest of the parts and of the option ``impersonate``; ``None`` if a part is."""
    known = [part for part in parts if part is not None]
    if len(known) != len(parts):
        return None
    return fingerprints.digest([*known, request.options.get("impersonate", "")])


# --- Credential files -----------------------------------------------------------------------------


class FileIdentity(Identity, kw_only=True):
    """The identity in a credential file; ``content`` is its digest, ``None`` for a pipe."""

    content: str | None
    path: str


def _by_option(request: TokenRequest) -> Identity | NotFound:
    path = request.options.get("credentials_file", "")
    if not path:
        return NotFound("gcr.no-credentials-file")
    return _file(request, CREDENTIALS_FILE, os.path.expanduser(path), "credentials_file")


def _by_variable(request: TokenRequest) -> Identity | NotFound:
    path = request.environ.get(FILE_VARIABLE, "")
    if not path:
        return NotFound("provider.variable-not-set", variable=FILE_VARIABLE)
    return _file(request, ENVIRONMENT, path, FILE_VARIABLE)


def _by_default_file(request: TokenRequest) -> Identity | NotFound:
    name = "application_default_credentials.json"
    folder = gcloud_folder(request.environ)
    path = os.path.join(folder, name)
    if not folder or not files.is_file(path):
        return NotFound("gcr.no-default-file", path=os.path.join(shown_folder(folder), name))
    return _file(request, APPLICATION_DEFAULT, path, "")


def _file(request: TokenRequest, source: str, path: str, named_by: str) -> Identity:
    """The identity in a file. A file that cannot be read is an error, as it is in the SDK."""
    try:
        content = None if fingerprints.is_pipe(path) else file_content(path)
    except (OSError, ValueError) as error:
        from cred_helper.providers.gcr.checks import unreadable

        raise unreadable(request, path, named_by, error) from None

    def describe() -> str:
        from cred_helper.providers.gcr.credential_file import description

        found = "a pipe, whose content only a get reads" if content is None else description(path)
        named = f"{path}, named by {named_by}" if named_by else path
        return impersonating(request, f"{found}, from {named}")

    return FileIdentity(
        source,
        describe,
        cache_key=None if content is None else _file_key(request, path, content),
        content=None if content is None else fingerprints.digest([content]),
        path=path,
    )


def _file_key(request: TokenRequest, path: str, content: bytes) -> str | None:
    """The cache key of the identity in a file: its content, and the files that it names."""
    parts: Parts = ["file", os.path.abspath(path), content]
    if b'"external_account"' in content:
        from cred_helper.providers.gcr.subject import cache_parts

        parts += [files.machine_name(request.environ), *cache_parts(content, request.environ)]
    return cache_key(request, parts)


def file_content(path: str) -> bytes:
    """The content of a file with a credential, or the first mebibyte of a larger one.

    Waits for the writer of a pipe.

    Raises:
        OSError: it cannot be read.
    """
    if fingerprints.is_pipe(path):
        from cred_helper.files.path_values import quotable
        from cred_helper.providers.common import pipes

        shown = path if quotable(path) else "of the credential"
        return pipes.read(path, shown, MAX_FILE_BYTES)
    return files.read(path, MAX_FILE_BYTES)


# --- Sources with modules of their own ------------------------------------------------------------


def _by_id_token(request: TokenRequest) -> Identity | NotFound:
    from cred_helper.providers.gcr.workload_identity import by_id_token

    return by_id_token(request)


def _machine(request: TokenRequest) -> Identity | NotFound:
    from cred_helper.providers.gcr import gcloud, metadata

    service = metadata.find(request.environ)
    if isinstance(service, NotFound):
        return service
    # gcloud is asked where the machine has no account.
    parts: Parts = [METADATA, files.machine_name(request.environ), *service.cache_parts]
    parts += gcloud.cache_parts(request.environ)
    detail = impersonating(request, service.detail)
    return Identity(METADATA, detail, cache_key=cache_key(request, parts), certain=service.certain)


def _gcloud(request: TokenRequest) -> Identity | NotFound:
    from cred_helper.providers.gcr import gcloud

    login = gcloud.find(request.environ)
    if isinstance(login, NotFound):
        return login
    key = cache_key(request, gcloud.cache_parts(request.environ))
    return Identity(GCLOUD, lambda: impersonating(request, login.detail), cache_key=key)


_SOURCES: tuple[tuple[str, Look], ...] = (
    (CREDENTIALS_FILE, _by_option),
    (ENVIRONMENT, _by_variable),
    (APPLICATION_DEFAULT, _by_default_file),
    (METADATA, _machine),
    (GCLOUD, _gcloud),
)
