"""The services that give out a managed identity's tokens: which one is here.

Asks none of them anything: that is what ``metadata_service`` does.

Source: https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
"""

from __future__ import annotations

import os

from cred_helper import files
from cred_helper.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.acr.azure_settings import AzureSettings

# Where the metadata service of a virtual machine answers.
_IMDS = "http://169.254.169.254"
# The agent that answers for the managed identity of a machine elsewhere (Azure Arc). Where this
# file exists, MSAL asks the agent instead of the metadata service.
_ARC_AGENT = "/opt/azcmagent/bin/himds"
# A machine id has 32 digits.
_MAX_FILE_BYTES = 4096
_ARC_ENDPOINT = "http://localhost:40342"

SERVICE_FABRIC = "Service Fabric"


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
            return Platform(SERVICE_FABRIC, endpoint, header, may_choose=False)
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
    if files.exists(_ARC_AGENT):
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
    name = files.machine_name(os.environ)
    try:
        line, _, _ = files.read("/etc/machine-id", _MAX_FILE_BYTES).partition(b"\n")
        return line.decode("ascii").strip(), name
    except (OSError, ValueError):
        return "", name
