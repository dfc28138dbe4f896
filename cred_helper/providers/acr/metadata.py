"""The services that give out a managed identity's tokens: which one is here, and does it answer.

Loaded only where nothing that is set comes first. Asks nothing for a credential: whether somebody
is there at all is found out before the SDK is loaded and waits.

Source: https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
"""

from __future__ import annotations

import os

from cred_helper.errors import NotFound, Unreachable
from cred_helper.providers.acr.setup import host_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.acr.setup import Setup

# Where the metadata service of a virtual machine answers.
_IMDS = "http://169.254.169.254"
# The agent that answers for the managed identity of a machine elsewhere (Azure Arc). MSAL looks for
# this file, too, and where it is asks the agent in the metadata service's stead.
_ARC_AGENT = "/opt/azcmagent/bin/himds"
_ARC_ENDPOINT = "http://localhost:40342"
# A metadata service that somebody named is given longer than one that is guessed at.
_CONNECT_TIMEOUT_S = 1.0


def platform(setup: Setup) -> tuple[str, str, bool] | None:
    """The service whose variables say that it has a managed identity: its name and its endpoint.

    And whether AZURE_CLIENT_ID chooses one there, as it cannot where the service itself decides.
    """
    endpoint = setup.variable("IDENTITY_ENDPOINT")
    if endpoint and setup.variable("IDENTITY_HEADER"):
        if setup.variable("IDENTITY_SERVER_THUMBPRINT"):
            return "Service Fabric", endpoint, False
        return "App Service", endpoint, True
    if endpoint and setup.variable("IMDS_ENDPOINT"):
        return "Azure Arc", endpoint, True
    endpoint = setup.variable("MSI_ENDPOINT")
    if endpoint:
        if setup.variable("MSI_SECRET"):
            return "Azure Machine Learning", endpoint, True
        return "Cloud Shell", endpoint, False
    return None


def service(setup: Setup, *, insisted: bool) -> tuple[str, str, bool] | str:
    """The machine's own service: its name, its endpoint, and whether it is certainly there.

    Or why it is not. ``insisted`` says that the user counts on it.
    """
    if os.path.exists(_ARC_AGENT):
        return "the Azure Arc agent", _ARC_ENDPOINT, True
    configured = setup.variable("AZURE_POD_IDENTITY_AUTHORITY_HOST")
    certain = bool(configured or insisted)
    if not certain:
        from cred_helper.providers.common import cloud_detection

        sign = cloud_detection.machine_sign(cloud_detection.AZURE)
        if sign.is_cloud is False:
            return f"this is no Azure machine: {sign.reason}"
        certain = sign.is_cloud is True
    return "the instance metadata service", configured or _IMDS, certain


def machine() -> str:
    """What tells machines apart that share a home folder, and so a cache."""
    try:
        # As bytes: opening it as text would load a codec, for a cached answer too.
        with open("/etc/machine-id", "rb") as file:
            return file.readline().decode("ascii").strip()
    except (OSError, ValueError):
        return os.uname().nodename if os.name == "posix" else ""


def expect_answer(endpoint: str, setup: Setup, *, certain: bool, settled: bool) -> None:
    """Find out, before the SDK is loaded and waits, whether the metadata service is there.

    ``certain`` and ``settled`` are those of the login that needs it.

    Raises:
        NotFound: it is not; nobody insisted that it should be.
        Unreachable: it is not, although the user named the identity that it has.
    """
    from cred_helper.providers.common import cloud_detection

    if certain:
        # Whoever listens there is meant. Only that nobody does is worth knowing early.
        within_s = setup.request.deadline.step_s(_CONNECT_TIMEOUT_S)
        present = cloud_detection.answers(
            _address(endpoint), b"", lambda _: True, timeout_s=within_s
        )
    else:
        request = (
            "GET /metadata/versions HTTP/1.1\r\nHost: 169.254.169.254\r\n"
            "Metadata: true\r\nConnection: close\r\n\r\n"
        )
        present = cloud_detection.answers(_address(endpoint), request.encode(), _is_imds)
    if present:
        return
    reason = "no metadata service answers here, so there is no managed identity"
    raise Unreachable(reason) if settled else NotFound(reason)


def _is_imds(reply: bytes) -> bool:
    """Whether a reply is Azure's: other clouds have services at the same address."""
    return b"apiVersions" in reply or b"\r\nServer: IMDS" in reply


def _address(url: str) -> tuple[str, int]:
    """Host and port of a plain http URL."""
    port = url.rpartition("://")[2].partition("/")[0].rpartition(":")[2]
    return host_of(url).strip("[]"), int(port) if port.isdecimal() else 80
