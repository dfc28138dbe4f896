"""Google's registries: Container Registry and Artifact Registry, also of the partner clouds.

``identify`` chooses the identity from environment variables and files, before every cached answer:
it opens no connection, loads no SDK and no JSON library, and starts no program. ``token`` loads
google-auth and gets an access token for the identity.

Application Default Credentials come first, in their own order, then gcloud's login. A file that an
option or a variable names is used, or its failure is the result: no other source replaces it. Only
if the metadata service has no account is gcloud asked next.

Source: https://cloud.google.com/docs/authentication/application-default-credentials
"""

from __future__ import annotations

import os

from cred_helper import files
from cred_helper.errors import Misconfigured, NotFound
from cred_helper.files import fingerprints
from cred_helper.hosts import GCR
from cred_helper.providers.common.interface import ID_TOKEN, Identity, SkippedSource, walk
from cred_helper.providers.gcr.identity import (
    APPLICATION_DEFAULT,
    CREDENTIALS_FILE,
    ENVIRONMENT,
    FILE_VARIABLE,
    GCLOUD,
    MAX_FILE_BYTES,
    METADATA,
    FileIdentity,
    cache_key,
    gcloud_folder,
    impersonated_accounts,
    impersonating,
    is_pull_only,
    shown_folder,
    universe_domain_of,
    usual_gcloud_folder,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cred_helper.credential import Credential
    from cred_helper.errors import ProviderError
    from cred_helper.providers.common.interface import TokenRequest
    from cred_helper.providers.common.protocols import BuiltInProvider
    from cred_helper.providers.gcr.identity import Parts

    Look = Callable[[TokenRequest], Identity | NotFound]

_FORMER_HELPER = "docker-credential-gcr"


class GcrProvider:
    name = GCR

    def identify(self, request: TokenRequest) -> Identity:
        # A wrong setting is an error whatever the identity.
        accounts = impersonated_accounts(request)
        by_token = ((ID_TOKEN, _by_id_token),) if request.id_token else ()

        def bound(look: Look) -> Callable[[], Identity | NotFound]:
            return lambda: look(request)

        found, skipped = walk((source, bound(look)) for source, look in (*by_token, *_SOURCES))
        identity = found[0][1] if found else Identity(None)
        if not (found and identity.certain) and (login := _former_login(request.environ)):
            reason = NotFound("gcr.login-of-former-helper", path=login)
            skipped.append(SkippedSource(_FORMER_HELPER, reason))
        only = " to pull from" if is_pull_only(request) else ""
        return identity.but(
            skipped=tuple(skipped),
            problem_if_absent=lambda: _problem_if_absent(request, accounts),
            scope=f"the Google registries of {universe_domain_of(request)}{only}",
        )

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        if identity.source is None:
            raise NotFound("gcr.no-identity")
        from cred_helper.providers.common import deferred_imports
        from cred_helper.providers.gcr import sdk_imports

        deferred_imports.use(sdk_imports.TABLES)
        from cred_helper.providers.gcr.token import access_token

        return access_token(request, identity)

    def problems(self, request: TokenRequest, identity: Identity) -> Iterator[ProviderError]:
        from cred_helper.providers.gcr.problems import problems

        return problems(request, identity)

    def near_miss(self, _labels: list[str]) -> None:
        """The zones are enough."""


def _problem_if_absent(request: TokenRequest, accounts: list[str]) -> Misconfigured | None:
    if accounts:
        code = "gcr.nothing-to-impersonate-with"
        return request.wrong("impersonate", code, account=accounts[-1])
    # A machine of Google's can turn out to have no account, after the login was not looked for.
    login = _former_login(request.environ)
    if login and request.options.get("stands_for") == _FORMER_HELPER:
        return Misconfigured("gcr.login-of-former-helper", path=login)
    return None


def _former_login(environ: Mapping[str, str]) -> str:
    """The file with a login of docker-credential-gcr, ``""`` if it has none.

    Only that helper can renew the login: the refresh token belongs to the helper's OAuth client.

    Source: https://github.com/GoogleCloudPlatform/docker-credential-gcr/blob/master/store/store.go
    """
    usual = os.path.join(usual_gcloud_folder(environ), "docker_credentials.json")
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


# --- Credential files -----------------------------------------------------------------------------


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
        content = None if fingerprints.is_pipe(path) else files.read(path, MAX_FILE_BYTES)
    except (OSError, ValueError) as error:
        from cred_helper.providers.gcr.credential_file import unreadable

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

PROVIDER: BuiltInProvider = GcrProvider()
