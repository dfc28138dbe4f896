"""Signs in to Entra with the chosen identity, and has the registry exchange the token for its own.

azure-identity signs in, by the one credential class that was chosen, or a program does. The
exchange is one POST to the registry itself, with no challenge read, no redirect followed, no
Authorization header and no ``.netrc``: the Entra token goes nowhere else. One sign-in serves all
registries of an identity.

Source: https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cred_helper import clouds
from cred_helper.credential import IDENTITY_TOKEN, Credential, Secret
from cred_helper.errors import BadReply, CredentialError, Denied, Misconfigured, NotFound
from cred_helper.files.fingerprints import digest
from cred_helper.files.json_file import parse_object
from cred_helper.hosts import ACR
from cred_helper.providers.acr import local_checks, sources
from cred_helper.providers.acr.managed_identity import SERVICE_FABRIC, platform
from cred_helper.providers.acr.metadata_service import expect_answer
from cred_helper.providers.acr.sources import AzureSettings
from cred_helper.providers.common import id_token_check, id_token_issuer, interface
from cred_helper.providers.common.token_identity import claims, ends_at_s, number
from cred_helper.providers.common.trust import CaFile
from cred_helper.providers.common.wire import Wire, host_of

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from cred_helper.providers.acr.identity import AcrIdentity
    from cred_helper.providers.acr.sources import Candidate
    from cred_helper.providers.common.interface import TokenRequest

# A registry's refresh token is valid for three hours; a later expiry in it is not believed.
LONGEST_LIFE = timedelta(hours=3)

# The SDK's own policy retries for minutes, and sleeps for as long as a server asks.
_RETRIES = {
    "retry_total": 2,
    "retry_connect": 1,
    "retry_read": 0,
    "retry_status": 2,
    "retry_backoff_factor": 0.3,
    "retry_backoff_max": 2,
}
# Issuer of a token → the suffixes it may be for: a government's tenants may have the public issuer.
_ISSUERS = {
    "sts.windows.net": ("azurecr.io", "azurecr.us"),
    "login.microsoftonline.com": ("azurecr.io",),
    "login.microsoftonline.us": ("azurecr.us",),
    "sts.chinacloudapi.cn": ("azurecr.cn",),
    "login.chinacloudapi.cn": ("azurecr.cn",),
    "login.partner.microsoftonline.cn": ("azurecr.cn",),
}
_SUFFIXES_WITH_KNOWN_ISSUERS = frozenset(suffix for known in _ISSUERS.values() for suffix in known)


def get(request: TokenRequest, identity: AcrIdentity) -> Credential:
    """Get an Entra token and have it exchanged, with the first candidate that exists.

    Raises:
        NotFound: an identity that the user did not configure does not exist after all.
        ProviderError: the identity, Entra or the registry did not work.
    """
    settings = AzureSettings(request)
    missing = NotFound("acr.no-identity")
    for candidate in identity.candidates:
        try:
            if candidate.endpoint:
                expect_answer(candidate, settings)
            return _credential(settings, identity, candidate)
        except NotFound as error:
            missing = error
    raise missing


def _credential(settings: AzureSettings, identity: AcrIdentity, candidate: Candidate) -> Credential:
    cached_part = settings.request.cached_part
    sign_in_key = identity.sign_in_key(candidate)
    scope = f"the sign-in to Entra for {settings.audience}"
    fresh: list[Credential] = []

    def sign_in() -> Credential:
        fresh.append(_sign_in(settings, candidate))
        return fresh[-1]

    def exchange() -> Credential:
        try:
            return _exchange(settings, candidate, entra)
        except Denied:
            if fresh or sign_in_key is None:
                raise
        # The cached token is older; a new one has the roles and groups that were added since.
        return _exchange(settings, candidate, cached_part(sign_in_key, scope, sign_in, renew=True))

    entra = sign_in() if sign_in_key is None else cached_part(sign_in_key, scope, sign_in)
    if identity.cache_key is not None:
        return exchange()  # the caller keeps the answer
    whose = sign_in_key or (digest([entra.secret.expose()]),)
    form = str(settings.flag("identity_token", default=False))
    return cached_part((*whose, form), settings.host, exchange)


def _wire(settings: AzureSettings, candidate: Candidate) -> Wire:
    """The requests of a sign-in. A metadata service hands out credentials: no proxy sees them."""
    is_managed = candidate.source == sources.MANAGED_IDENTITY
    server = candidate.place if is_managed else "Entra"
    return Wire(
        settings.request.deadline,
        ca_file=CaFile.of(settings.environ),
        name_of=lambda url: f"{server} at {host_of(url)}",
        direct=is_managed,
    )


# --- Signing in -----------------------------------------------------------------------------------


def _sign_in(settings: AzureSettings, candidate: Candidate) -> Credential:
    expires_at_s: float | None
    if candidate.program:
        from cred_helper.providers.acr import program_token

        token, expires_at_s = program_token.token(settings, candidate)
    else:
        token, expires_at_s = _by_sdk(settings, candidate)
    if not isinstance(token, str) or not token:
        raise BadReply("acr.no-token-given", source=candidate.source)
    _expect_same_cloud(settings, token)
    return Credential(
        "entra", Secret(token), expires_at=_time(number(expires_at_s)), source=candidate.source
    )


def _time(at_s: float | None) -> datetime | None:
    """The time of a number of seconds since 1970; ``None`` if it is none that Python knows."""
    try:
        return None if at_s is None else datetime.fromtimestamp(at_s, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _by_sdk(settings: AzureSettings, candidate: Candidate) -> tuple[str, float]:
    wire = _wire(settings, candidate)
    try:
        credential = _sdk_credential(settings, candidate, _transport(settings, candidate, wire))
        found = credential.get_token(f"{settings.audience}/.default")
    except CredentialError:
        raise
    except Exception as error:  # noqa: BLE001 - the SDK raises what it likes, ValueError included
        from cred_helper.providers.acr.errors import sign_in_error

        # Its texts may quote what was sent or read, so they are not kept, not even as a cause.
        failure = sign_in_error(settings, candidate, wire, error)
        if candidate.id_token is not None:
            failure = id_token_check.with_claims(failure, candidate.id_token)
        raise failure from None
    return found.token, found.expires_on


def _transport(settings: AzureSettings, candidate: Candidate, wire: Wire) -> Any:
    found = platform(settings) if candidate.source == sources.MANAGED_IDENTITY else None
    if found and found.name == SERVICE_FABRIC:
        from cred_helper.providers.acr import service_fabric

        return service_fabric.transport(wire)
    from cred_helper.providers.acr.transport import WireTransport

    return WireTransport(wire)


def _sdk_credential(
    settings: AzureSettings, candidate: Candidate, transport: Any
) -> TokenCredential:
    """The SDK's credential for a candidate."""
    from azure import identity as entra

    tenant_id, client_id = settings.tenant_id, settings.client_id
    talk: dict[str, Any] = {"transport": transport, **_RETRIES}
    signing_in = {
        **talk,
        "authority": settings.authority,
        "disable_instance_discovery": not settings.instance_discovery,
    }
    match candidate.source:
        case sources.CLIENT_SECRET:
            secret = settings.variable("AZURE_CLIENT_SECRET")
            return entra.ClientSecretCredential(tenant_id, client_id, secret, **signing_in)
        case sources.CLIENT_CERTIFICATE:
            return _certificate_credential(settings, signing_in)
        case sources.USERNAME_PASSWORD:
            login = (settings.variable("AZURE_USERNAME"), settings.variable("AZURE_PASSWORD"))
            return entra.UsernamePasswordCredential(
                client_id, *login, tenant_id=tenant_id or None, **signing_in
            )
        case sources.FEDERATED_TOKEN | sources.WORKLOAD_IDENTITY | interface.ID_TOKEN:
            # The SDK's class for the file is this one with a reader of its own; but a file without
            # a token needs an error of its own, and a pipe can be read only once.
            token = _federated_token(settings, candidate)
            return entra.ClientAssertionCredential(
                tenant_id, client_id, lambda: token, authority=settings.authority, **talk
            )
        case sources.MANAGED_IDENTITY:
            return entra.ManagedIdentityCredential(
                identity_config=dict([candidate.named]) if candidate.named else None,
                # With a workload's variables set it would sign in as the workload, although the
                # managed identity was chosen; DefaultAzureCredential passes the same.
                _exclude_workload_identity_credential=True,
                **talk,
            )
    raise AssertionError(candidate.source)


def _certificate_credential(settings: AzureSettings, signing_in: dict[str, Any]) -> TokenCredential:
    """Read the certificate; where it cannot be used, the error names the file."""
    from azure import identity as entra

    path = settings.variable("AZURE_CLIENT_CERTIFICATE_PATH")
    password = settings.variable("AZURE_CLIENT_CERTIFICATE_PASSWORD")
    # azure-identity's own reader of this variable takes "false" for yes.
    send_chain = settings.variable("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN").lower() in ("1", "true")
    data = local_checks.content("AZURE_CLIENT_CERTIFICATE_PATH", path)
    # Without an encrypted key in PEM, a password is of no use, and the SDK refuses it.
    needless = b"-----BEGIN" in data and b"ENCRYPTED" not in data
    try:
        return entra.CertificateCredential(
            settings.tenant_id,
            settings.client_id,
            certificate_data=data,
            password=None if needless else password or None,
            send_certificate_chain=send_chain,
            **signing_in,
        )
    except (ValueError, TypeError) as error:
        if problem := local_checks.certificate_problem(path, data, password):
            raise problem from None
        if "RSA" in str(error):
            raise Misconfigured("acr.certificate-not-rsa", path=path) from None
        how = "the password given" if password else "no password"
        raise Misconfigured("acr.bad-certificate", path=path, how=how) from None


def _federated_token(settings: AzureSettings, candidate: Candidate) -> str:
    """The token of another issuer: the request's, or from a variable or the file that it names."""
    if candidate.id_token is not None:
        return id_token_issuer.token(settings.request, candidate.id_token)
    if candidate.source == sources.FEDERATED_TOKEN:
        return settings.variable("AZURE_FEDERATED_TOKEN").strip()
    variable = "AZURE_FEDERATED_TOKEN_FILE"
    path = settings.variable(variable)
    try:
        token = local_checks.content(variable, path).decode("utf-8").strip()
    except UnicodeDecodeError:
        reason = "it is not text"
        raise Misconfigured("acr.unreadable", variable=variable, path=path, reason=reason) from None
    if not token:
        raise Misconfigured("acr.empty-token-file", variable=variable, path=path)
    return token


def _expect_same_cloud(settings: AzureSettings, token: str) -> None:
    """Refuse to show a token to a registry of another cloud than the one that issued it."""
    issuer = claims(token).get("iss")
    host = urlsplit(issuer).netloc if isinstance(issuer, str) else ""
    known = _ISSUERS.get(host)
    suffix = settings.cloud.suffix
    if known and suffix in _SUFFIXES_WITH_KNOWN_ISSUERS and suffix not in known:
        raise Misconfigured("acr.token-of-another-cloud", issuer=host, suffix=suffix)


# --- The exchange ---------------------------------------------------------------------------------


def _exchange(settings: AzureSettings, candidate: Candidate, entra: Credential) -> Credential:
    """Give the Entra token to the registry, and only to it, for a refresh token of its own."""
    from cred_helper.providers.acr import errors
    from cred_helper.providers.common.http_client import HttpClient

    host, token = settings.host, entra.secret.expose()
    form = {"grant_type": "access_token", "service": host, "access_token": token}
    # As the token names it: az's login may be of another tenant than the environment names.
    tenant_id = claims(token).get("tid")
    if isinstance(tenant_id, str):
        form["tenant"] = tenant_id
    wire = Wire(settings.request.deadline, ca_file=CaFile.of(settings.environ))
    url, headers = f"https://{host}/oauth2/exchange", {"Accept": "application/json"}
    try:
        reply = HttpClient(wire).send("POST", url, headers, form)
    except CredentialError:
        raise
    except Exception as error:  # noqa: BLE001 - urllib3 raises what it likes
        raise errors.unreachable_registry(settings, wire, error) from None
    if reply.status != 200:
        raise errors.refused_exchange(settings, token, reply)
    refresh_token = parse_object(reply.body).get("refresh_token")
    if not isinstance(refresh_token, str) or not refresh_token:
        raise BadReply("acr.no-refresh-token", host=host)
    # The row's user name is plain Basic authentication, which every client can do; "<token>" marks
    # an identity token, which some cannot.
    # Source: https://learn.microsoft.com/azure/container-registry/container-registry-authentication
    is_identity_token = settings.flag("identity_token", default=False)
    username = IDENTITY_TOKEN if is_identity_token else clouds.find(ACR).username
    expires_at = expiry(refresh_token, datetime.now(UTC))
    secret = Secret(refresh_token)
    return Credential(username, secret, expires_at=expires_at, source=candidate.source)


def expiry(refresh_token: str, now: datetime) -> datetime | None:
    """When a registry's token ends, at most ``LONGEST_LIFE`` from now; ``None``: not known."""
    ends_at = _time(ends_at_s(refresh_token))
    return None if ends_at is None else min(ends_at, now + LONGEST_LIFE)
