"""Google's registries with the SDK: google-auth makes a token for the identity that was found.

Loaded when nothing cached will do; the package has what is found out without.

``google.auth.default()`` is not asked: it runs gcloud for a project that nobody needs, exchanges a
federated token twice and waits seconds for a metadata service that is not there. Its classes are,
each by its own name; their requests go through ``wire``. Never opens a browser or a prompt, and
never lets a registry of one universe see a token of another.

Source: https://cloud.google.com/artifact-registry/docs/docker/authentication#token
"""

from __future__ import annotations

import os
import warnings
from datetime import UTC, datetime, timedelta

from google.auth.exceptions import UserAccessTokenError

from cred_helper.credential import Credential, Secret
from cred_helper.errors import BadReply, CredentialError, Denied, Misconfigured, NotFound
from cred_helper.providers.gcr import (
    GCLOUD,
    METADATA,
    FileIdentity,
    credential_file,
    gcloud_login,
    impersonated_accounts,
    universe_domain_of,
)
from cred_helper.providers.gcr.failures import explain
from cred_helper.providers.gcr.wire import Wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from cred_helper.providers.common.interface import Deadline, Identity, TokenRequest

USERNAME = "oauth2accesstoken"

# We give up before whoever bounds us does, so that the cause is told and not the clock.
_SHARE = 0.7

# gcloud renews a token that has less than this left before it prints it.
# Source: _CREDENTIALS_EXPIRY_WINDOW in gcloud's googlecloudsdk/core/credentials/store.py
_GCLOUD_LIFETIME_S = 300
# What keeps gcloud from asking anything, and from telling what nobody asked.
_UNATTENDED = {
    "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
    "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
    "CLOUDSDK_SURVEY_DISABLE_PROMPTS": "1",
}


def log_in(request: TokenRequest, identity: Identity) -> Credential:
    """Have google-auth make a token.

    Raises:
        NotFound: the machine has no service account attached, and nobody is logged in to gcloud.
        ProviderError: the identity did not work, or is not one for this host.
    """
    deadline = request.deadline.sooner(request.deadline.remaining_s() * _SHARE)
    if isinstance(identity, FileIdentity):
        return _by_file(request, identity, deadline)
    if identity.source == GCLOUD:
        return _by_gcloud(request, deadline)
    try:
        return _by_metadata(request, deadline)
    except NotFound:
        if isinstance(gcloud_login(request.environ), str):
            raise
        return _by_gcloud(request, deadline)


def _by_file(request: TokenRequest, identity: FileIdentity, deadline: Deadline) -> Credential:
    path = identity.path
    info = credential_file.read(path)
    _require_universe(credential_file.universe_domain(info), request)
    credentials = credential_file.load(info, path, request.environ)
    wire = Wire(deadline, request.environ, addresses_from=path)
    return _refreshed(credentials, request, wire, identity.source or "", info["type"])


def _by_metadata(request: TokenRequest, deadline: Deadline) -> Credential:
    from google.auth import compute_engine
    from google.auth.compute_engine import _metadata

    wire = Wire(deadline, request.environ, addresses_from="GCE_METADATA_HOST")
    make: Any = compute_engine.Credentials
    # The credentials' own property would ask by a transport of its own.
    universe_domain: Any = _metadata.get_universe_domain
    found = _asked(lambda: universe_domain(wire.transport), wire, METADATA)
    _require_universe(str(found).strip(), request)
    credentials = make(scopes=[credential_file.SCOPE], universe_domain=universe_domain_of(request))
    return _refreshed(credentials, request, wire, METADATA, METADATA)


def _by_gcloud(request: TokenRequest, deadline: Deadline) -> Credential:
    """Have the SDK run gcloud. It sets no time limit; whoever bounds us does."""
    login = gcloud_login(request.environ)
    if isinstance(login, str):
        raise NotFound(login)
    _require_universe(login.universe_domain, request)
    expires_at = _after(_GCLOUD_LIFETIME_S) if login.lasting else None
    token = _printed_token(login.detail)
    if not impersonated_accounts(request):
        return _credential(token, expires_at, GCLOUD)
    from google.oauth2.credentials import Credentials

    make: Any = Credentials
    wire = Wire(deadline, request.environ, addresses_from="gcloud")
    return _refreshed(make(token), request, wire, GCLOUD, GCLOUD)


def _printed_token(whose: str) -> str:
    """What ``gcloud auth print-access-token`` prints."""
    from google.oauth2.credentials import UserAccessTokenCredentials

    make: Any = UserAccessTokenCredentials
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it recommends another login than the one there is
        credentials = make()
    os.environ.update(_UNATTENDED)
    try:
        credentials.refresh(None)
    except UserAccessTokenError as error:
        match error.args:
            case [_, object(returncode=status)]:
                raise Denied(
                    f"gcloud has no token ({whose}) and ends with status {status}",
                    hint="run gcloud auth login",
                ) from None
        raise Misconfigured("gcloud cannot be run", hint="see gcloud version") from None
    except ValueError:  # not even UTF-8
        raise BadReply("gcloud prints something that is not a token") from None
    # The SDK takes gcloud's warnings along with the token.
    words = [line.split() for line in str(credentials.token).splitlines()]
    tokens = [line[0] for line in words if len(line) == 1]
    if len(tokens) != 1:
        raise BadReply("gcloud prints something that is not a token")
    return tokens[0]


def _refreshed(
    credentials: Any, request: TokenRequest, wire: Wire, source: str, kind: str
) -> Credential:
    """Have the SDK ask for the token, over the wire, and make a credential of it."""
    accounts = impersonated_accounts(request)
    if accounts:
        credentials = credential_file.impersonated(credentials, accounts)
    _asked(lambda: credentials.refresh(wire.transport), wire, kind)
    return _credential(credentials.token, credentials.expiry, source)


def _asked(ask: Callable[[], Any], wire: Wire, kind: str) -> Any:
    """Let the SDK ask, and tell what it raises by what was seen on the wire."""
    try:
        return ask()
    except CredentialError:
        raise
    except Exception as error:  # noqa: BLE001 - it has many, and many texts quote what was sent
        raise explain(wire.last, error, kind) from None


def _credential(token: object, expiry: datetime | None, source: str) -> Credential:
    if not isinstance(token, str) or not token.isascii() or len(token.split()) != 1:
        raise BadReply("Google answers with something that is not a token")
    if expiry is not None and expiry.tzinfo is None:
        expiry = expiry.replace(tzinfo=UTC)  # the SDK's times are UTC and do not say so
    return Credential(USERNAME, Secret(token), expires_at=expiry, source=source)


def _after(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def _require_universe(universe_domain: str, request: TokenRequest) -> None:
    """Let no registry see a token of another universe than its own.

    Raises:
        Misconfigured: the credential is of another.
    """
    wanted = universe_domain_of(request)
    if universe_domain != wanted:
        raise Misconfigured(
            f"the credential is one of {universe_domain}, the registry is in {wanted}",
            hint=f"use a credential of the universe {wanted}",
        )
