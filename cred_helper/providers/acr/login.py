"""Sign in with the login that ``acr`` chose, and have the registry exchange the token for its own.

Loads azure-identity, and is loaded only to ask. Constructs the one credential class that was
chosen. The exchange is a single POST to the host itself, with no challenge read, no redirect
followed, no Authorization header and no ``.netrc``: the Entra token goes nowhere else.

Source: https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

# Whatever is imported from azure.identity, its package imports all of it, msal and requests
# included: there is no lighter way in.
import requests
from azure import identity as entra

from cred_helper.credential import Credential, Secret
from cred_helper.errors import IN_BETWEEN, BadReply, CredentialError, Misconfigured
from cred_helper.providers.acr import sources
from cred_helper.providers.acr.claims import claims, expiry, json_object
from cred_helper.providers.acr.wire import Session, Transport
from cred_helper.providers.common.trust import CaFile

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from cred_helper.providers.acr.setup import Setup
    from cred_helper.providers.acr.sources import Login

# With a registry's refresh token for a password this user name is plain Basic authentication, which
# every client can do; "<token>" marks an identity token, which some cannot.
# Source: https://learn.microsoft.com/azure/container-registry/container-registry-authentication
NULL_GUID = "00000000-0000-0000-0000-000000000000"
IDENTITY_TOKEN_USERNAME = "<token>"  # noqa: S105 - a user name
# A refresh token is 1 to 3 KiB; the reply holds nothing else.
_MAX_REPLY_BYTES = 1 << 16

# More than this is no token, and Entra would not take it.
_MAX_TOKEN_CHARACTERS = 1 << 20

# How long a program that signs people in is waited for.
_PROGRAM_TIMEOUT_S = 15.0

# The SDK's own policy retries for minutes, and sleeps for as long as a server asks.
_RETRIES = {
    "retry_total": 2,
    "retry_connect": 1,
    "retry_read": 0,
    "retry_status": 2,
    "retry_backoff_factor": 0.3,
    "retry_backoff_max": 2,
}

# az's name for a cloud → the suffix of that cloud's registries.
_AZ_CLOUDS = {
    "AzureCloud": "azurecr.io",
    "AzureChinaCloud": "azurecr.cn",
    "AzureUSGovernment": "azurecr.us",
    "AzureGermanCloud": "azurecr.de",
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


def log_in(setup: Setup, login: Login) -> Credential:
    """Get a token of Entra's and have it exchanged.

    Raises:
        NotFound: a login that nobody configured is not there after all.
        ProviderError: the login, Entra or the registry did not work.
    """
    trusted = CaFile.of(setup.request.environ)
    bundle = trusted.path if trusted else True
    token = _entra_token(setup, login, bundle)
    _expect_same_cloud(setup, token)
    refresh_token = _exchange(setup, token, bundle)
    identity_token = setup.flag("identity_token", default=False)
    return Credential(
        IDENTITY_TOKEN_USERNAME if identity_token else NULL_GUID,
        Secret(refresh_token),
        expires_at=expiry(refresh_token, datetime.now(UTC)),
        source=login.source,
    )


# --- Signing in -----------------------------------------------------------------------------------


def _entra_token(setup: Setup, login: Login, bundle: str | bool) -> str:
    """Have azure-identity get a token for the registries' audience."""
    deadline = setup.request.deadline
    session = Session(deadline, direct=login.source == sources.MANAGED_IDENTITY)
    if login.source == sources.AZURE_CLI:
        _expect_az_in_same_cloud(setup)
    try:
        credential = _credential(setup, login, Transport(session, bundle, deadline))
        token = credential.get_token(f"{setup.audience}/.default").token
    except CredentialError:
        raise
    except Exception as error:  # noqa: BLE001 - the SDK raises what it likes, ValueError included
        from cred_helper.providers.acr.failures import sign_in_error

        # Its texts may quote what was sent or read, so they are not kept, not even as a cause.
        raise sign_in_error(setup, login, session, error) from None
    if not isinstance(token, str) or not token:
        raise BadReply(f"{login.source} gave no token")
    return token


def _credential(setup: Setup, login: Login, transport: Transport) -> TokenCredential:
    """Construct the credential class of the chosen login, and no other."""
    tenant_id, client_id = setup.tenant_id, setup.client_id
    talk: dict[str, Any] = {"transport": transport, **_RETRIES}
    signing_in = {
        **talk,
        "authority": setup.authority,
        "disable_instance_discovery": not setup.instance_discovery,
    }
    asked: dict[str, Any] = {
        "tenant_id": setup.option("tenant_id"),
        "process_timeout": max(1, int(setup.request.deadline.step_s(_PROGRAM_TIMEOUT_S))),
    }
    match login.source:
        case sources.CLIENT_SECRET:
            secret = setup.variable("AZURE_CLIENT_SECRET")
            return entra.ClientSecretCredential(tenant_id, client_id, secret, **signing_in)
        case sources.CLIENT_CERTIFICATE:
            return _certificate_credential(setup, signing_in)
        case sources.USERNAME_PASSWORD:
            return entra.UsernamePasswordCredential(
                client_id,
                setup.variable("AZURE_USERNAME"),
                setup.variable("AZURE_PASSWORD"),
                tenant_id=tenant_id or None,
                **signing_in,
            )
        case sources.FEDERATED_TOKEN | sources.WORKLOAD_IDENTITY:
            # The SDK's class for the file is this one with a reader of its own; but a file that is
            # no token is to be told as one, and a pipe can be read only once.
            token = _federated_token(setup, login)
            return entra.ClientAssertionCredential(
                tenant_id, client_id, lambda: token, authority=setup.authority, **talk
            )
        case sources.MANAGED_IDENTITY:
            return entra.ManagedIdentityCredential(
                identity_config=dict([login.named]) if login.named else None,
                # With a workload's variables set it would otherwise sign in as the workload,
                # although the managed identity was chosen; DefaultAzureCredential passes the same.
                _exclude_workload_identity_credential=True,
                **talk,
            )
        case sources.AZURE_CLI:
            return entra.AzureCliCredential(**asked)
        case sources.AZURE_POWERSHELL:
            return entra.AzurePowerShellCredential(**asked)
        case sources.AZURE_DEVELOPER_CLI:
            return entra.AzureDeveloperCliCredential(**asked)
    raise AssertionError(login.source)


def _certificate_credential(setup: Setup, signing_in: dict[str, Any]) -> TokenCredential:
    """Read the certificate, and say which file it is that cannot be used."""
    path = setup.variable("AZURE_CLIENT_CERTIFICATE_PATH")
    password = setup.variable("AZURE_CLIENT_CERTIFICATE_PASSWORD")
    # azure-identity's own reader of this variable takes "false" for yes.
    send_chain = setup.variable("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN").lower() in ("1", "true")
    try:
        return entra.CertificateCredential(
            setup.tenant_id,
            setup.client_id,
            path,
            password=password or None,
            send_certificate_chain=send_chain,
            **signing_in,
        )
    except OSError as error:
        raise Misconfigured(
            f"AZURE_CLIENT_CERTIFICATE_PATH: {path} cannot be read ({error.strerror})"
        ) from None
    except (ValueError, TypeError):
        raise Misconfigured(
            f"the certificate in {path} cannot be used with "
            f"{'the password given' if password else 'no password'}",
            hint="it has to be PEM or PKCS #12, certificate and RSA private key; "
            "AZURE_CLIENT_CERTIFICATE_PASSWORD takes the password",
        ) from None


def _federated_token(setup: Setup, login: Login) -> str:
    """The token of another issuer, from the variable or the file that it names."""
    if login.source == sources.FEDERATED_TOKEN:
        return setup.variable("AZURE_FEDERATED_TOKEN").strip()
    path = setup.variable("AZURE_FEDERATED_TOKEN_FILE")
    try:
        with open(path, encoding="utf-8") as file:
            token = file.read(_MAX_TOKEN_CHARACTERS).strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise Misconfigured(
            f"AZURE_FEDERATED_TOKEN_FILE: {path} cannot be read ({reason})"
        ) from None
    if not token:
        raise Misconfigured(f"AZURE_FEDERATED_TOKEN_FILE: {path} is empty")
    return token


def _expect_az_in_same_cloud(setup: Setup) -> None:
    """Refuse a login of az to another cloud than the host's: az asks its own cloud's authority."""
    from configparser import ConfigParser, Error

    name = setup.variable("AZURE_CLOUD_NAME")
    config = ConfigParser(interpolation=None)
    try:
        config.read(os.path.join(sources.az_folder(setup), "config"), encoding="utf-8")
    except (Error, UnicodeDecodeError):
        return  # az itself will say so
    name = name or config.get("cloud", "name", fallback="AzureCloud")
    if _AZ_CLOUDS.get(name, setup.cloud.suffix) != setup.cloud.suffix:
        right = next((n for n, suffix in _AZ_CLOUDS.items() if suffix == setup.cloud.suffix), None)
        raise Misconfigured(
            f"az is set to {name}, which is another cloud than {setup.cloud.suffix}'s",
            hint=f"az cloud set --name {right}, then az login" if right else "see az cloud list",
        )


def _expect_same_cloud(setup: Setup, token: str) -> None:
    """Refuse to show a token to a registry of another cloud than the one that issued it."""
    issuer = claims(token).get("iss")
    host = urlsplit(issuer).netloc if isinstance(issuer, str) else ""
    known = _ISSUERS.get(host)
    suffix = setup.cloud.suffix
    if known and suffix in _SUFFIXES_WITH_KNOWN_ISSUERS and suffix not in known:
        raise Misconfigured(
            f"the identity is one of {host}, which is another cloud than {suffix}'s"
        )


# --- The exchange ---------------------------------------------------------------------------------


def _exchange(setup: Setup, token: str, bundle: str | bool) -> str:
    """Give the Entra token to the registry, and only to it, for a refresh token of its own."""
    host = setup.route.host
    form = {"grant_type": "access_token", "service": host, "access_token": token}
    # The token's own word: a tenant from the environment need not be that of az's login.
    tenant_id = claims(token).get("tid")
    if isinstance(tenant_id, str):
        form["tenant"] = tenant_id
    with Session(setup.request.deadline) as session:
        try:
            answer = session.post(
                f"https://{host}/oauth2/exchange",
                data=form,
                headers={"Accept": "application/json"},
                verify=bundle,
                stream=True,
            )
            body = answer.raw.read(_MAX_REPLY_BYTES + 1, decode_content=True)
        except Exception as error:  # noqa: BLE001 - requests and urllib3 raise what they like
            from cred_helper.providers.acr.failures import unreachable_registry

            raise unreachable_registry(setup, error) from None
        if answer.status_code != requests.codes.ok:
            from cred_helper.providers.acr.failures import refused_exchange

            raise refused_exchange(setup, token, answer, body)
        return _refresh_token(body, host)


def _refresh_token(body: bytes, host: str) -> str:
    document = json_object(body) if len(body) <= _MAX_REPLY_BYTES else {}
    refresh_token = document.get("refresh_token")
    if not isinstance(refresh_token, str) or not refresh_token:
        raise BadReply(
            f"{host} answered the exchange with something that is no refresh token",
            hint=IN_BETWEEN,
        )
    return refresh_token
