"""Why there is no token: what the SDK, Entra, a metadata service or a registry means by refusing.

Loaded only when something failed. Texts of exceptions, programs and servers are never passed on,
for they may quote what was sent or read; the codes and addresses in them are.

Source: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from azure.identity import CredentialUnavailableError
from urllib3.exceptions import MaxRetryError, NameResolutionError
from urllib3.exceptions import TimeoutError as SilentError

from cred_helper.errors import (
    IN_BETWEEN,
    BadReply,
    CredentialError,
    Denied,
    Misconfigured,
    NotFound,
    ProviderError,
    Unreachable,
)
from cred_helper.providers.acr import sources
from cred_helper.providers.acr.claims import claims, json_object
from cred_helper.providers.common.trust import CaFile, unusable_proxy

if TYPE_CHECKING:
    from cred_helper.providers.acr.setup import Setup
    from cred_helper.providers.acr.sources import Login
    from cred_helper.providers.acr.wire import Session

# --- Any server -----------------------------------------------------------------------------------


def _network_error(setup: Setup, failure: Exception, host: str) -> ProviderError:
    """Say what kept a request from being answered."""
    text = str(failure)
    # requests says of a file that is not there that it is an OSError, and nothing more.
    if isinstance(failure, requests.exceptions.SSLError) or type(failure) is OSError:
        trusted = CaFile.of(setup.request.environ)
        problem = trusted.problem() if trusted else None
        if problem:
            return problem
    is_invalid = isinstance(
        failure, requests.exceptions.InvalidSchema | requests.exceptions.InvalidURL
    )
    if is_invalid and (unusable := unusable_proxy()):
        return unusable
    if isinstance(failure, requests.exceptions.ProxyError):
        refusal = re.search(r"Tunnel connection failed: (\d{3})", text)
        if refusal:
            told = f"the proxy does not connect to {host} ({refusal[1]})"
        elif "closed connection" in text:
            # urllib3 takes the other end's part of the tunnel for the proxy's.
            told = f"the connection to {host} through the proxy broke off"
        else:
            told = "the proxy cannot be reached"
        return Unreachable(told, hint="see HTTPS_PROXY and NO_PROXY")
    if isinstance(failure, requests.exceptions.SSLError):
        if "CERTIFICATE_VERIFY_FAILED" not in text:
            return Unreachable(f"{host} does not speak TLS as it should")
        return Unreachable(
            f"the certificate of {host} is not trusted",
            hint="where a proxy signs its own, name its bundle in REQUESTS_CA_BUNDLE",
        )
    if isinstance(failure, requests.exceptions.Timeout | SilentError):
        return Unreachable(f"{host} did not answer in time")
    cause = failure.args[0] if failure.args else None
    if isinstance(cause, MaxRetryError):
        nowhere = isinstance(cause.reason, NameResolutionError)
        return Unreachable(f"{host} {'has no address' if nowhere else 'cannot be reached'}")
    return Unreachable(f"{host} broke off the connection")


def _status_error(answer: requests.Response, host: str) -> ProviderError | None:
    """What a status says about the server rather than about the identity, or ``None``."""
    status = answer.status_code
    if 300 <= status < 400:
        target = urlsplit(answer.headers.get("Location", "")).hostname or ""
        where = f" to {target}" if target.isprintable() and target else ""
        return BadReply(f"{host} answered with a redirect{where} ({status}), which is not followed")
    if status == requests.codes.too_many_requests or status >= 500:
        wait = answer.headers.get("Retry-After", "")
        hint = f"it asks to wait {wait} s" if wait.isdecimal() else None
        busy = "is asked too often" if status < 500 else "has a fault"
        return Unreachable(f"{host} {busy} ({status})", hint=hint)
    return None


def _code(value: object) -> str:
    """A machine's word, such as ``invalid_client``; anything else could be anything."""
    return value if isinstance(value, str) and re.fullmatch(r"\w{1,40}", value, re.ASCII) else ""


# --- Signing in -----------------------------------------------------------------------------------

_CHECK_TENANT = "check AZURE_TENANT_ID"
_CHECK_PASSWORD = "check AZURE_USERNAME and AZURE_PASSWORD"  # noqa: S105 - advice
_LOG_IN_AGAIN = "az login"
_SECOND_FACTOR = (
    "the tenant asks for a second factor, which a credential helper cannot give",
    "use a service principal, a managed identity or az login",
)
_NO_SUCH_AUDIENCE = (
    "the tenant does not know the audience",
    "DOCKER_CREDENTIAL_MULTI_ACR_AUDIENCE names another, such as https://management.azure.com",
)
_NO_FEDERATION = (
    "no federated credential of the application fits the token's issuer, subject and audience",
    "compare them: az ad app federated-credential list --id {client}",
)
# AADSTS code → what it means and what to try; {client} is the client id that was used.
_AADSTS: dict[str, tuple[str, str | None]] = {
    "50020": ("the account is no user of the tenant", _CHECK_TENANT),
    "50034": ("the tenant has no such user", "check AZURE_USERNAME and AZURE_TENANT_ID"),
    "50049": (
        "Microsoft does not know the authority that AZURE_AUTHORITY_HOST names",
        "for a private cloud's, set DOCKER_CREDENTIAL_MULTI_ACR_INSTANCE_DISCOVERY=false",
    ),
    "50053": ("the account is locked", None),
    "50055": ("the password has expired", None),
    "50056": ("the user name or password is wrong", _CHECK_PASSWORD),
    "50057": ("the account is disabled", None),
    "50076": _SECOND_FACTOR,
    "50079": _SECOND_FACTOR,
    "50126": ("the user name or password is wrong", _CHECK_PASSWORD),
    "50173": ("the login was revoked", _LOG_IN_AGAIN),
    "53003": ("a conditional access policy of the tenant forbids it", None),
    "65001": ("nobody has consented to the application", None),
    "70011": _NO_SUCH_AUDIENCE,
    "70021": _NO_FEDERATION,
    "70043": ("the login has expired", _LOG_IN_AGAIN),
    "90002": ("there is no such tenant in this cloud", _CHECK_TENANT),
    "500011": _NO_SUCH_AUDIENCE,
    "700016": (
        "the tenant has no such application",
        "check AZURE_CLIENT_ID and AZURE_TENANT_ID: az ad app show --id {client}",
    ),
    "700024": (
        "the federated token is not valid now: it has expired, or a clock is wrong",
        "get a fresh token, compare the clocks",
    ),
    "700027": (
        "the certificate is none of the application's",
        "compare: az ad app credential list --cert --id {client}",
    ),
    "700082": ("the login has expired", _LOG_IN_AGAIN),
    "700211": _NO_FEDERATION,
    "700212": _NO_FEDERATION,
    "700213": _NO_FEDERATION,
    "900023": ("the tenant's id is neither a GUID nor a domain", _CHECK_TENANT),
    "7000112": ("the application is disabled", None),
    "7000215": (
        "the client secret is wrong",
        "AZURE_CLIENT_SECRET takes the secret's value, not its id",
    ),
    "7000222": (
        "the client secret has expired",
        "make a new one: az ad app credential reset --id {client}",
    ),
    "7000229": (
        "the application has no service principal in the tenant",
        "make one: az ad sp create --id {client}",
    ),
}


def sign_in_error(
    setup: Setup, login: Login, session: Session, error: Exception
) -> CredentialError:
    """Turn an SDK's exception into one of ours: by what went over the wire, if anything did."""
    host, answer = session.host, session.answer
    if not host:
        return _local_error(setup, login, error)
    if login.source == sources.MANAGED_IDENTITY:
        return _metadata_error(setup, login.named, session)
    # The SDK's text first: after a refusal MSAL may have asked something else.
    refusal = _entra_refusal(setup, str(error))
    if refusal is not None:
        return refusal
    if answer is None:
        return _network_error(setup, session.failure or error, host)
    told = _status_error(answer, host)
    if told is not None:
        return told
    document = json_object(answer.content)
    refusal = _entra_refusal(setup, str(document.get("error_description", "")))
    if refusal is not None:
        return refusal
    code = _code(document.get("error"))
    if code:
        return Denied(f"{host} refuses the identity ({code})")
    return BadReply(
        f"{host} answered with something that is no token ({answer.status_code})", hint=IN_BETWEEN
    )


def _entra_refusal(setup: Setup, text: str) -> Denied | None:
    """Say what Entra's code means. The rest of its text is ids for a log, and may name the user."""
    found = re.search(r"AADSTS(\d+)", text)
    if not found:
        return None
    code = found[1]
    explanation = f"see https://login.microsoftonline.com/error?code={code}"
    meaning, hint = _AADSTS.get(code, ("Entra refuses the identity", None))
    client_id = setup.client_id or "CLIENT_ID"
    return Denied(
        f"{meaning} (AADSTS{code})", hint=hint.format(client=client_id) if hint else explanation
    )


def _metadata_error(
    setup: Setup, named: tuple[str, str] | None, session: Session
) -> CredentialError:
    """What a metadata service's answer means, or its silence once it took the connection."""
    host, answer = session.host, session.answer
    if answer is None:
        return Unreachable(f"the metadata service at {host} does not answer")
    document = json_object(answer.content)
    description = str(document.get("error_description", ""))
    told = _status_error(answer, host) or _entra_refusal(setup, description)
    if told is not None:
        return told
    if answer.status_code == requests.codes.bad_request:
        if named:
            return Denied(
                f"this machine has no managed identity with the {named[0]} {named[1]}",
                hint="assign it to the machine, or correct the id",
            )
        if "Multiple user assigned identities" in description:
            return Denied(
                "this machine has several managed identities", hint="choose one by AZURE_CLIENT_ID"
            )
        return NotFound("this machine has no managed identity")
    code = _code(document.get("error"))
    said = f"{answer.status_code} {code}".strip()
    return BadReply(f"the metadata service at {host} gave no token ({said})")


def _local_error(setup: Setup, login: Login, error: Exception) -> CredentialError:
    """What a program that was run, or the SDK before it talked to anyone, did not like."""
    command = {
        sources.AZURE_CLI: "az login",
        sources.AZURE_POWERSHELL: "Connect-AzAccount",
        sources.AZURE_DEVELOPER_CLI: "azd auth login",
    }.get(login.source)
    if isinstance(error, requests.RequestException):
        # Service Fabric is talked to by MSAL itself, which checks its certificate in its own way.
        return _network_error(setup, error, login.source)
    if command is None:
        return Misconfigured(f"azure-identity does not accept what {login.source} is set to")
    text = str(error)
    refusal = _entra_refusal(setup, text)
    if refusal is not None:
        return Denied(refusal.reason, hint=command)
    if not login.settled:
        return NotFound(f"nobody is logged in to {login.source}")
    if "Failed to invoke" in text:
        return Unreachable(f"{login.source} did not answer in time")
    if isinstance(error, CredentialUnavailableError):
        return Denied(f"nobody is logged in to {login.source}", hint=command)
    return Denied(f"{login.source} gave no token", hint=command)


# --- The exchange ---------------------------------------------------------------------------------


def unreachable_registry(setup: Setup, failure: Exception) -> ProviderError:
    """Say why the registry did not answer; one without an address may not exist."""
    told = _network_error(setup, failure, setup.route.host)
    if told.reason.endswith("has no address"):
        return told.with_hint(f"is there such a registry? az acr show --name {_registry(setup)}")
    return told


def refused_exchange(
    setup: Setup, token: str, answer: requests.Response, body: bytes
) -> ProviderError:
    """What a registry means by not exchanging a token."""
    host, status, registry = setup.route.host, answer.status_code, _registry(setup)
    told = _status_error(answer, host)
    if told is not None:
        return told
    match status:
        case requests.codes.unauthorized:
            who = _who(token)
            return Denied(
                f"the registry does not let {who} in (401)",
                hint=f"give it the role AcrPull on {registry}, in the registry's own tenant: "
                f"az role assignment create --role AcrPull --assignee {who.split()[-1]} "
                f"--scope $(az acr show --name {registry} --query id --output tsv)",
            )
        case requests.codes.forbidden:
            found = re.search(rb"client with IP '([0-9a-fA-F.:]{2,45})'", body)
            whence = f"from {found[1].decode()}" if found else "from here"
            return Denied(
                f"the registry's network rules let nobody in {whence} (403)",
                hint=f"az acr network-rule list --name {registry}; behind a private endpoint, its "
                "DNS zone has to be used here",
            )
        case requests.codes.not_found:
            return Denied(
                f"there is no registry at {host} (404)", hint=f"az acr show --name {registry}"
            )
    return BadReply(f"{host} did not exchange the token of {_who(token)} ({status})")


def _registry(setup: Setup) -> str:
    """The registry's resource name: the host's first label without what a name label adds."""
    return setup.route.host.partition(".")[0].partition("-")[0]


def _who(token: str) -> str:
    """Name the identity in a token by an id that a person can look for."""
    said = claims(token)
    for kind, name in (("application", "appid"), ("application", "azp"), ("object", "oid")):
        if re.fullmatch(r"[0-9a-fA-F-]{36}", str(said.get(name))):
            return f"{kind} {said[name]}"
    return "this identity"
