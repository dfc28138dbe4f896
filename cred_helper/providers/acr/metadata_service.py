"""Whether a metadata service answers, asked before the SDK is loaded, which would wait longer.

Source: https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service
"""

from __future__ import annotations

from cred_helper.errors import NotFound, Unreachable
from cred_helper.providers.acr.authority import host_of
from cred_helper.providers.common import metadata_probe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.acr.sources import AzureSettings, Candidate

# A metadata service that is certain to be there gets more time than a guess.
_CONNECT_TIMEOUT_S = 1.0
_QUESTION = (
    b"GET /metadata/versions HTTP/1.1\r\nHost: 169.254.169.254\r\n"
    b"Metadata: true\r\nConnection: close\r\n\r\n"
)


def expect_answer(candidate: Candidate, settings: AzureSettings) -> None:
    """Ask whether the service of a managed identity is there.

    Raises:
        NotFound: it is not there, and the user did not choose it.
        Unreachable: it is not there, although the user chose a managed identity.
    """
    address = _address(candidate.endpoint)
    if candidate.certain:
        # It is enough that something listens there.
        within_s = settings.request.deadline.step_s(_CONNECT_TIMEOUT_S)
        present = metadata_probe.answers(address, b"", lambda _: True, timeout_s=within_s)
    else:
        present = metadata_probe.answers(address, _QUESTION, _is_imds)
    if not present:
        kind = Unreachable if candidate.settled else NotFound
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        raise kind("acr.no-metadata-service", address=f"{host}:{address[1]}")


def _is_imds(reply: bytes) -> bool:
    """Whether a reply is Azure's: other clouds have services at the same address."""
    return b"apiVersions" in reply or b"\r\nServer: IMDS" in reply


def _address(url: str) -> tuple[str, int]:
    port = url.rpartition("://")[2].partition("/")[0].rpartition(":")[2]
    return host_of(url).strip("[]"), int(port) if port.isdecimal() else 80
