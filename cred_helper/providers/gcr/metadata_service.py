"""What a get asks the metadata service of a Google machine before the SDK does.

Source: https://cloud.google.com/compute/docs/metadata/querying-metadata
"""

from __future__ import annotations

import os

from cred_helper.errors import NotFound
from cred_helper.providers.common import metadata_probe
from cred_helper.providers.gcr.metadata import configured_address, without_login

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cred_helper.providers.common.interface import Deadline

# The service's address; a name would have to be looked up.
_ADDRESS = "169.254.169.254"
_ACCOUNT_PATH = "/computeMetadata/v1/instance/service-accounts/default/email"
_MAX_ACCOUNT_BYTES = 1 << 10


def probe(environ: Mapping[str, str]) -> None:
    """Ask whether the service is Google's, before the SDK is loaded to ask it for a token.

    Raises:
        NotFound: it does not answer, or is another's.
    """
    address = environ.get("GCE_METADATA_IP") or _ADDRESS
    host, _, port = address.partition(":")
    question = f"GET / HTTP/1.1\r\nHost: {address}\r\nMetadata-Flavor: Google\r\n\r\n"
    if not metadata_probe.answers(
        (host, int(port) if port.isdecimal() else 80),
        question.encode("ascii", "replace"),
        lambda reply: b"\r\nmetadata-flavor: google\r\n" in reply.lower(),
    ):
        raise NotFound("gcr.no-metadata-service", address=without_login(address))


def use_address(environ: Mapping[str, str]) -> None:
    """Have the SDK, which reads this when it is imported, ask an address that needs no look-up."""
    if not configured_address(environ):
        os.environ["GCE_METADATA_HOST"] = environ.get("GCE_METADATA_IP") or _ADDRESS


def account(environ: Mapping[str, str], deadline: Deadline) -> str:
    """The account of a configured service, ``""`` if it does not say; asks that service alone."""
    import http.client

    timeout_s = deadline.step_s(metadata_probe.PROBE_TIMEOUT_S)
    try:
        connection = http.client.HTTPConnection(
            without_login(configured_address(environ)), timeout=timeout_s
        )
        connection.request("GET", _ACCOUNT_PATH, headers={"Metadata-Flavor": "Google"})
        reply = connection.getresponse()
        body = reply.read(_MAX_ACCOUNT_BYTES).strip()
        connection.close()
    except (OSError, http.client.HTTPException, ValueError):
        return ""
    is_google = reply.headers.get("Metadata-Flavor", "").lower() == "google"
    return body.decode("utf-8", "replace") if is_google and reply.status == 200 else ""
