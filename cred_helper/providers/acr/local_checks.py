"""What local files show to be wrong with an Azure identity, for ``doctor`` and ``explain``.

No network, no SDK, no child process. Pipes are not read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from cred_helper.errors import Misconfigured, ProviderError
from cred_helper.files.json_file import parse_value
from cred_helper.files.path_values import holds_content, shown
from cred_helper.providers.acr import sources
from cred_helper.providers.acr.identity import AcrIdentity
from cred_helper.providers.acr.ids import is_domain
from cred_helper.providers.acr.program_login import az_folder
from cred_helper.providers.acr.sources import AzureSettings
from cred_helper.providers.common import pipes
from cred_helper.providers.common.interface import ID_TOKEN, TokenRequest, is_guid
from cred_helper.providers.common.token_identity import MAX_TOKEN_BYTES, ends_at_s

_FILES = {
    sources.CLIENT_CERTIFICATE: "AZURE_CLIENT_CERTIFICATE_PATH",
    sources.WORKLOAD_IDENTITY: "AZURE_FEDERATED_TOKEN_FILE",
}
# The sources that use the ids of the options or variables.
_WITH_IDS = (
    *(sources.CLIENT_SECRET, sources.FEDERATED_TOKEN, *_FILES, sources.MANAGED_IDENTITY),
    ID_TOKEN,
)
_AZ_FILES = ("azureProfile.json", "msal_token_cache.json", "service_principal_entries.json")
_MAX_AZ_FILE_BYTES = 8 << 20


def problems(request: TokenRequest, identity: AcrIdentity) -> Iterator[ProviderError]:
    """Each problem of the identity in use."""
    if identity.source is None:
        return
    settings = AzureSettings(request)
    is_chosen = identity.source == sources.MANAGED_IDENTITY and settings.managed_identity_option
    if identity.source in _WITH_IDS and not is_chosen:
        yield from _ids(settings)
    if variable := _FILES.get(identity.source):
        yield from _file(settings, identity.source, variable)
    if identity.source == sources.AZURE_CLI:
        yield from _az_files(settings)
    if identity.source == sources.FEDERATED_TOKEN:
        variable = "AZURE_FEDERATED_TOKEN"
        yield from _token(variable, settings.variable(variable).encode())


def _az_files(settings: AzureSettings) -> Iterator[Misconfigured]:
    """Files of az that were cut short, or written by two at once."""
    for name in _AZ_FILES:
        path = os.path.join(az_folder(settings), name)
        if pipes.is_pipe(path):
            continue
        try:
            with open(path, "rb") as file:
                parse_value(file.read(_MAX_AZ_FILE_BYTES))
        except OSError:
            continue  # az keeps it encrypted, or elsewhere
        except ValueError:
            yield Misconfigured("acr.az-file-broken", path=path)


def content(variable: str, path: str) -> bytes:
    """The content of a file that a variable names, up to the size of the longest token.

    Raises:
        Misconfigured: it cannot be read, or the variable holds the content itself.
    """
    if holds_content(path):
        raise Misconfigured("acr.content-for-path", variable=variable)
    try:
        return pipes.read(path, shown(variable, path), MAX_TOKEN_BYTES)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "not a path").lower()
        raise Misconfigured("acr.unreadable", variable=variable, path=path, reason=reason) from None


def certificate_problem(path: str, data: bytes, password: str) -> Misconfigured | None:
    """What a certificate's file shows to be wrong, without reading its key.

    Source: https://www.rfc-editor.org/rfc/rfc7468 (the labels of PEM)
    """
    is_pem = b"-----BEGIN" in data
    code = ""
    # The first bytes of PKCS #12 (an ASN.1 sequence with a length of two bytes) in base64.
    if not is_pem and data.lstrip().startswith(b"MII"):
        code = "acr.certificate-encoded"
    elif is_pem and b"PRIVATE KEY-----" not in data:
        code = "acr.certificate-without-key"
    elif is_pem and b"-----BEGIN CERTIFICATE-----" not in data:
        code = "acr.certificate-without-certificate"
    elif is_pem and b"-----BEGIN EC PRIVATE KEY" in data:
        code = "acr.certificate-not-rsa"
    elif is_pem and not password and b"ENCRYPTED" in data:
        code = "acr.certificate-needs-password"
    return Misconfigured(code, path=path) if code else None


def _ids(settings: AzureSettings) -> Iterator[Misconfigured]:
    """Ids that have the form of something else, such as a secret."""
    tenant_id, client_id = settings.tenant_id, settings.client_id
    if tenant_id and not (is_guid(tenant_id) or is_domain(tenant_id)):
        yield Misconfigured("acr.not-a-guid", name=settings.shown_name("tenant_id"))
    if client_id and not is_guid(client_id):
        yield Misconfigured("acr.not-a-guid", name=settings.shown_name("client_id"))


def _file(settings: AzureSettings, source: str, variable: str) -> Iterator[ProviderError]:
    path = settings.variable(variable)
    if pipes.is_pipe(path):
        return
    try:
        data = content(variable, path)
    except Misconfigured as error:
        yield error
        return
    if source == sources.CLIENT_CERTIFICATE:
        password = settings.variable("AZURE_CLIENT_CERTIFICATE_PASSWORD")
        if problem := certificate_problem(path, data, password):
            yield problem
    elif data.strip():
        yield from _token(variable, data)
    else:
        yield Misconfigured("acr.empty-token-file", variable=variable, path=path)


def _token(variable: str, token: bytes) -> Iterator[Misconfigured]:
    """A token that has expired by its own ``exp``."""
    end_s, now_s = ends_at_s(token), time.time()
    if end_s is not None and end_s < now_s:
        minutes = f"{(now_s - end_s) / 60:.0f}"
        yield Misconfigured("acr.token-expired", variable=variable, minutes=minutes)
