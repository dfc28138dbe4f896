"""An access token for the identity that ``identity`` has chosen.

google-auth makes it, except where gcloud prints one. Its classes are used by name, because
``google.auth.default()`` runs gcloud to find a project, exchanges a federated token twice and waits
seconds for a metadata service that does not exist. Never opens a browser or asks for input, and
never shows a registry a token of another universe.

Source: https://cloud.google.com/artifact-registry/docs/docker/authentication#token
"""

from __future__ import annotations

import os

from cred_helper import clouds
from cred_helper.credential import Credential, Secret
from cred_helper.errors import BadReply, CredentialError, Misconfigured, NotFound
from cred_helper.hosts import GCR
from cred_helper.providers.common import metadata_probe
from cred_helper.providers.common.interface import ID_TOKEN
from cred_helper.providers.common.token_identity import of_token
from cred_helper.providers.gcr import gcloud, gcloud_token, metadata
from cred_helper.providers.gcr.identity import (
    GCLOUD,
    METADATA,
    FileIdentity,
    impersonated_accounts,
    universe_domain_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from typing import Any

    from cred_helper.providers.common.interface import Deadline, Identity, TokenRequest
    from cred_helper.providers.gcr.transport import GoogleWire

# The metadata service's address; a name would have to be looked up.
# Source: https://cloud.google.com/compute/docs/metadata/querying-metadata
_METADATA = "169.254.169.254"
_ACCOUNT_PATH = "/computeMetadata/v1/instance/service-accounts/default/email"
_MAX_ACCOUNT_BYTES = 1 << 10
# The part of the time that is left which the requests may take, so that a silent server is named
# before the deadline passes.
_SHARE = 0.7


def access_token(request: TokenRequest, identity: Identity) -> Credential:
    """Get an access token.

    Raises:
        NotFound: the machine has no service account, and gcloud no login.
        ProviderError: the identity did not work, or belongs to another universe than the registry.
    """
    deadline = request.deadline.sooner(request.deadline.remaining_s() * _SHARE)
    if isinstance(identity, FileIdentity):
        return _from_file(request, identity, deadline)
    if identity.source == ID_TOKEN:
        return _by_id_token(request, identity, deadline)
    if identity.source == GCLOUD:
        return _from_gcloud(request, deadline)
    try:
        if not identity.certain:
            _probe(request.environ)
        return _from_metadata(request, identity, deadline)
    except NotFound as error:
        return _from_gcloud(request, deadline, error)


def _from_file(request: TokenRequest, identity: FileIdentity, deadline: Deadline) -> Credential:
    from cred_helper.providers.gcr import credential_file

    path = identity.path
    info = credential_file.read(path)
    _require_universe(credential_file.universe_domain(info), request)
    federated = [part for part in credential_file.parts(info) if part["type"] == "external_account"]
    token = _subject_token(request, federated[0], path, deadline) if federated else None

    def make() -> Credential:
        from cred_helper.providers.gcr import sdk_credentials

        credentials = sdk_credentials.load(info, path, token, sdk_credentials.scope_of(request))
        wire = _wire(request, deadline, path)
        return _refreshed(credentials, request, wire, identity.source or "", info["type"])

    if identity.cache_key is not None or token is None or identity.content is None:
        return make()
    # Whose token the program gave is known only now.
    whose = of_token(token)
    key = ("program", identity.content, whose, *impersonated_accounts(request))
    return request.cached_part(key, identity.scope or "", make)


def _by_id_token(request: TokenRequest, identity: Identity, deadline: Deadline) -> Credential:
    from cred_helper.providers.common import id_token_check, id_token_issuer
    from cred_helper.providers.gcr import sdk_credentials
    from cred_helper.providers.gcr.workload_identity import WorkloadIdentity, credential_info

    assert isinstance(identity, WorkloadIdentity)
    assert identity.id_token is not None
    token = id_token_issuer.token(request, identity.id_token)
    info, place = credential_info(identity, request), "workload_identity_provider"
    credentials = sdk_credentials.load(info, place, token, sdk_credentials.scope_of(request))
    wire = _wire(request, deadline, place)
    try:
        return _refreshed(credentials, request, wire, ID_TOKEN, info["type"])
    except CredentialError as error:
        raise id_token_check.with_claims(error, identity.id_token) from None


def _subject_token(
    request: TokenRequest, info: dict[str, Any], path: str, deadline: Deadline
) -> str | None:
    """The subject token of a federated identity, or ``None`` where the SDK is to get it."""
    from cred_helper.providers.gcr import subject, subject_token

    source = info["credential_source"]
    if info["subject_token_type"] == subject.AWS_TOKEN_TYPE:
        return None
    if "executable" in source:
        return subject_token.TokenProgram(info, path).token(request.environ, deadline)
    is_file = isinstance(source.get("file"), str) and source["file"]
    if is_file and not any(source.get(other) for other in ("url", "certificate")):
        return subject_token.from_file(source, path)
    return None


def _from_metadata(request: TokenRequest, identity: Identity, deadline: Deadline) -> Credential:
    # The SDK reads this when it is imported. An address needs no look-up.
    address = metadata.configured_address(request.environ)
    if not address:
        os.environ["GCE_METADATA_HOST"] = request.environ.get("GCE_METADATA_IP") or _METADATA

    def make() -> Credential:
        from google.auth import compute_engine
        from google.auth.compute_engine import _metadata

        from cred_helper.providers.gcr.sdk_credentials import scope_of

        wire = _wire(request, deadline, "GCE_METADATA_HOST")
        # The credentials' own property would use a transport of its own.
        found = _asked(lambda: _metadata.get_universe_domain(wire.transport), wire, METADATA)
        universe_domain = str(found).strip()
        _require_universe(universe_domain, request)
        credentials = compute_engine.Credentials(
            scopes=[scope_of(request)], universe_domain=universe_domain
        )
        return _refreshed(credentials, request, wire, METADATA, METADATA)

    if identity.cache_key is not None or not address:
        return make()
    # Another account can be behind the same address.
    account = _account(metadata.without_login(address), deadline)
    if not account:
        return make()
    key = ("metadata", address, account, *impersonated_accounts(request))
    return request.cached_part(key, identity.scope or "", make)


def _probe(environ: Mapping[str, str]) -> None:
    """Ask whether the service is Google's, before the SDK is loaded to ask it for a token."""
    address = environ.get("GCE_METADATA_IP") or _METADATA
    host, _, port = address.partition(":")
    question = f"GET / HTTP/1.1\r\nHost: {address}\r\nMetadata-Flavor: Google\r\n\r\n"
    if not metadata_probe.answers(
        (host, int(port) if port.isdecimal() else 80),
        question.encode("ascii", "replace"),
        lambda reply: b"\r\nmetadata-flavor: google\r\n" in reply.lower(),
    ):
        raise NotFound("gcr.no-metadata-service", address=metadata.without_login(address))


def _account(address: str, deadline: Deadline) -> str:
    """The account of a configured service, ``""`` if it does not say; asks that service alone."""
    from http.client import HTTPConnection, HTTPException

    timeout_s = deadline.step_s(metadata_probe.PROBE_TIMEOUT_S)
    try:
        connection = HTTPConnection(address, timeout=timeout_s)
        connection.request("GET", _ACCOUNT_PATH, headers={"Metadata-Flavor": "Google"})
        reply = connection.getresponse()
        body = reply.read(_MAX_ACCOUNT_BYTES).strip()
        connection.close()
    except (OSError, HTTPException, ValueError):
        return ""
    is_google = reply.headers.get("Metadata-Flavor", "").lower() == "google"
    return body.decode("utf-8", "replace") if is_google and reply.status == 200 else ""


def _from_gcloud(
    request: TokenRequest, deadline: Deadline, missing: NotFound | None = None
) -> Credential:
    login = gcloud.find(request.environ)
    if isinstance(login, NotFound):
        raise missing or login
    _require_universe(login.universe_domain, request)
    token, expires_at = gcloud_token.access_token(login, request.environ, deadline)
    if not impersonated_accounts(request):
        return _credential(token, expires_at, GCLOUD)
    from google.oauth2.credentials import Credentials

    wire = _wire(request, deadline, "gcloud")
    return _refreshed(Credentials(token), request, wire, GCLOUD, GCLOUD)


def _wire(request: TokenRequest, deadline: Deadline, place: str) -> GoogleWire:
    from cred_helper.providers.gcr.transport import GoogleWire

    return GoogleWire(deadline, request.environ, place=place)


def _refreshed(
    credentials: Any, request: TokenRequest, wire: GoogleWire, source: str, kind: str
) -> Credential:
    from cred_helper.providers.gcr.sdk_credentials import impersonated, scope_of

    if accounts := impersonated_accounts(request):
        credentials = impersonated(credentials, accounts, scope_of(request))
    _asked(lambda: credentials.refresh(wire.transport), wire, kind)
    return _credential(credentials.token, credentials.expiry, source)


def _asked(ask: Callable[[], Any], wire: GoogleWire, kind: str) -> Any:
    """Let the SDK ask. The wire shows why it fails: the SDK's texts quote what was sent."""
    try:
        return ask()
    except CredentialError:
        raise
    except Exception as error:  # noqa: BLE001 - the SDK has many classes
        from cred_helper.providers.common.network_errors import no_reply_error
        from cred_helper.providers.gcr.errors import explain

        raise (no_reply_error(wire, error) or explain(wire.last, error, kind)) from None


def _credential(token: object, expires_at: datetime | None, source: str) -> Credential:
    if not isinstance(token, str) or not token.isascii() or len(token.split()) != 1:
        raise BadReply("gcr.not-a-token", upstream="Google")
    if expires_at is not None and expires_at.tzinfo is None:
        from datetime import UTC

        expires_at = expires_at.replace(tzinfo=UTC)  # the SDK's times are in UTC, without saying so
    return Credential(
        clouds.find(GCR).username, Secret(token), expires_at=expires_at, source=source
    )


def _require_universe(universe_domain: str, request: TokenRequest) -> None:
    wanted = universe_domain_of(request)
    if universe_domain != wanted:
        letters = universe_domain.replace("-", "").replace(".", "")
        is_domain = "." in universe_domain and letters.isalnum() and letters.islower()
        shown = universe_domain if is_domain else "of another name"
        raise Misconfigured("gcr.wrong-universe", universe=shown, wanted=wanted)
