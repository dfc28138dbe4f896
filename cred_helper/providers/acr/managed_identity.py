"""A managed identity: which service gives out its tokens, the platform's or the machine's.

Sends them no request: ``metadata_service`` does that.

Source: https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
"""

from __future__ import annotations

import os

from cred_helper import files
from cred_helper.errors import NotFound
from cred_helper.files import fingerprints
from cred_helper.hosts import ACR
from cred_helper.providers.acr.sources import MANAGED_IDENTITY, Candidate
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.acr.sources import AzureSettings, AzureSource

# Where the metadata service of a virtual machine answers.
_IMDS = "http://169.254.169.254"
# The agent that answers for the managed identity of a machine elsewhere (Azure Arc). Where this
# file exists, MSAL asks the agent instead of the metadata service.
_ARC_AGENT = "/opt/azcmagent/bin/himds"
_ARC_ENDPOINT = "http://localhost:40342"
# A machine id has 32 digits.
_MAX_FILE_BYTES = 4096

SERVICE_FABRIC = "Service Fabric"


class Platform(Record):
    """A service that variables name: its secret, and whether AZURE_CLIENT_ID chooses there."""

    name: str
    endpoint: str
    secret: str
    may_choose: bool


def look(settings: AzureSettings, source: AzureSource) -> Candidate | NotFound:
    """The managed identity of the platform, as azure-identity finds it, or of the machine."""
    wanted = ("IDENTITY_HEADER", "IMDS_ENDPOINT")
    if settings.variable("IDENTITY_ENDPOINT") and not any(map(settings.variable, wanted)):
        # azure-identity then asks no other service either.
        return NotFound("provider.variable-not-set", variable=wanted[0])
    found = platform(settings)
    if found is None:
        return _of_machine(settings, source)
    named = settings.managed_identity(by_variable=found.may_choose)
    # Every app has the same endpoint, and a secret header of its own.
    secret = fingerprints.digest([found.secret])
    return Candidate(
        MANAGED_IDENTITY,
        lambda: f"{_which(named)}, from {found.name}",
        (found.name, found.endpoint, secret, *_machine(), *(named or ())),
        named=named,
        place=found.name,
    )


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


def _of_machine(settings: AzureSettings, source: AzureSource) -> Candidate | NotFound:
    required = source.is_required(settings) or bool(settings.managed_identity_option)
    # Behind an address that a variable names, each pod can have an identity of its own.
    configured = settings.variable("AZURE_POD_IDENTITY_AUTHORITY_HOST")
    if files.exists(_ARC_AGENT):
        name, endpoint, certain = "the Azure Arc agent", _ARC_ENDPOINT, True
    else:
        name, endpoint = "the instance metadata service", configured or _IMDS
        certain = bool(configured or required)
        if not certain:
            from cred_helper.providers.common import cloud_detection

            signs = cloud_detection.machine_signs(ACR)
            if signs.is_cloud is False:
                return NotFound("acr.not-an-azure-machine", reason=signs.reason)
            certain = signs.is_cloud is True
    named = settings.managed_identity()
    owner: tuple[str | None, ...] = (None,) if configured else _machine()
    return Candidate(
        MANAGED_IDENTITY,
        lambda: f"{_which(named)}, from {name}",
        (endpoint, *(named or owner)),
        settled=required,
        certain=certain,
        named=named,
        endpoint=endpoint,
        place=name,
    )


def _machine() -> tuple[str, ...]:
    """The name of this machine or pod: others may share its home folder, and so its cache.

    Pods of one image have the image's machine id, and different host names.
    """
    name = files.machine_name(os.environ)
    try:
        line, _, _ = files.read("/etc/machine-id", _MAX_FILE_BYTES).partition(b"\n")
        return line.decode("ascii").strip(), name
    except (OSError, ValueError):
        return "", name


def _which(named: tuple[str, str] | None) -> str:
    if named is None:
        return "the machine's own"
    from cred_helper.providers.acr.ids import shown_id

    return f"the one with {named[0]} {shown_id(named[1])}"
