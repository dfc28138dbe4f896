"""The services that give out a managed identity's tokens: which one is here, and does it answer.

Asks none of them for a credential. Whether a service answers at all is found out before the SDK is
loaded, which would wait for it.

Source: https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
"""

from __future__ import annotations

import os

from cred_helper.errors import NotFound, Unreachable
from cred_helper.providers.acr.azure_settings import host_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.acr.azure_settings import AzureSettings
    from cred_helper.providers.acr.identity import Candidate

# Where the metadata service of a virtual machine answers.
_IMDS = "http://169.254.169.254"
# The agent that answers for the managed identity of a machine elsewhere (Azure Arc). Where this
# file exists, MSAL asks the agent instead of the metadata service.
_ARC_AGENT = "/opt/azcmagent/bin/himds"
_ARC_ENDPOINT = "http://localhost:40342"
# A metadata service that is certain to be there gets more time than a guess.
_CONNECT_TIMEOUT_S = 1.0


class Platform:
    """A service that variables name: its secret, and whether AZURE_CLIENT_ID chooses there."""

    __slots__ = ("endpoint", "may_choose", "name", "secret")

    def __init__(self, name: str, endpoint: str, secret: str, *, may_choose: bool) -> None:
        self.name = name
        self.endpoint = endpoint
        self.secret = secret
        self.may_choose = may_choose


class Service:
    """The machine's own service, and whether it is certain to be there."""

    __slots__ = ("certain", "endpoint", "name")

    def __init__(self, name: str, endpoint: str, *, certain: bool) -> None:
        self.name = name
        self.endpoint = endpoint
        self.certain = certain


def platform(settings: AzureSettings) -> Platform | None:
    """The service whose variables are set."""
    endpoint, header = settings.variable("IDENTITY_ENDPOINT"), settings.variable("IDENTITY_HEADER")
    if endpoint and header:
        if settings.variable("IDENTITY_SERVER_THUMBPRINT"):
            # The cluster chooses the identity.
            return Platform("Service Fabric", endpoint, header, may_choose=False)
        return Platform("App Service", endpoint, header, may_choose=True)
    if endpoint and settings.variable("IMDS_ENDPOINT"):
        return Platform("Azure Arc", endpoint, "", may_choose=True)
    endpoint, secret = settings.variable("MSI_ENDPOINT"), settings.variable("MSI_SECRET")
    if endpoint and secret:
        return Platform("Azure Machine Learning", endpoint, secret, may_choose=True)
    # Cloud Shell has one identity.
    return Platform("Cloud Shell", endpoint, "", may_choose=False) if endpoint else None


def service(settings: AzureSettings, *, required: bool) -> Service | NotFound:
    """The machine's own service, or why there is none. ``required``: the user chose it."""
    if os.path.exists(_ARC_AGENT):
        return Service("the Azure Arc agent", _ARC_ENDPOINT, certain=True)
    configured = settings.variable("AZURE_POD_IDENTITY_AUTHORITY_HOST")
    certain = bool(configured or required)
    if not certain:
        from cred_helper.providers.common import cloud_detection

        sign = cloud_detection.machine_sign(cloud_detection.AZURE)
        if sign.is_cloud is False:
            return NotFound("acr.not-an-azure-machine", reason=sign.reason)
        certain = sign.is_cloud is True
    return Service("the instance metadata service", configured or _IMDS, certain=certain)


def machine() -> tuple[str, ...]:
    """Names this machine or pod, among others that share its home folder, and so its cache.

    Pods of one image have its machine id, but host names of their own.
    """
    name = os.uname().nodename if os.name == "posix" else os.environ.get("COMPUTERNAME", "")
    try:
        # As bytes: opening it as text would load a codec, for a cached answer too.
        with open("/etc/machine-id", "rb") as file:
            return file.readline().decode("ascii").strip(), name
    except (OSError, ValueError):
        return "", name


def expect_answer(candidate: Candidate, settings: AzureSettings) -> None:
    """Find out, before the SDK is loaded and waits, whether the metadata service is there.

    Raises:
        NotFound: it is not there, and the user did not choose it.
        Unreachable: it is not there, although the user chose a managed identity.
    """
    from cred_helper.providers.common import metadata_probe

    address = _address(candidate.endpoint)
    if candidate.certain:
        # It is enough that something listens there.
        within_s = settings.request.deadline.step_s(_CONNECT_TIMEOUT_S)
        present = metadata_probe.answers(address, b"", lambda _: True, timeout_s=within_s)
    else:
        request = (
            "GET /metadata/versions HTTP/1.1\r\nHost: 169.254.169.254\r\n"
            "Metadata: true\r\nConnection: close\r\n\r\n"
        )
        present = metadata_probe.answers(address, request.encode(), _is_imds)
    if not present:
        kind = Unreachable if candidate.settled else NotFound
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        raise kind("acr.no-metadata-service", address=f"{host}:{address[1]}")


def _is_imds(reply: bytes) -> bool:
    """Whether a reply is Azure's: other clouds have services at the same address."""
    return b"apiVersions" in reply or b"\r\nServer: IMDS" in reply


def _address(url: str) -> tuple[str, int]:
    """Host and port of a plain http URL."""
    port = url.rpartition("://")[2].partition("/")[0].rpartition(":")[2]
    return host_of(url).strip("[]"), int(port) if port.isdecimal() else 80
