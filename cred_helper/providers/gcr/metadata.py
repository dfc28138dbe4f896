"""The metadata service of a Google machine: whether there is one, and at which address.

Never asks it for a token: a probe asks whether it is Google's, and which account it has.

Sources:
  https://cloud.google.com/compute/docs/metadata/querying-metadata
  https://cloud.google.com/compute/docs/instances/detect-compute-engine
"""

from __future__ import annotations

import os

from cred_helper.errors import Misconfigured, NotFound
from cred_helper.providers.common import cloud_detection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cred_helper.providers.common.interface import Deadline

# The service's address; a name would have to be looked up.
_ADDRESS = "169.254.169.254"
# Set by run-times that have a metadata service and hide the firmware. Other platforms set some of
# them too, so the service is probed.
_SERVERLESS = ("K_SERVICE", "CLOUD_RUN_JOB", "CLOUD_RUN_WORKER_POOL", "GAE_SERVICE")
_ACCOUNT_PATH = "/computeMetadata/v1/instance/service-accounts/default/email"
_MAX_ACCOUNT_BYTES = 1 << 10
# A machine gets another account only while it is stopped.
_BOOT_ID_FILE = "/proc/sys/kernel/random/boot_id"
ADDRESS_VARIABLES = ("GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP")
# Characters of a host and port. A value with others could be a secret, and is not shown.
_ADDRESS_CHARACTERS = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:[]"
)
_MAX_ADDRESS = 256


class Service:
    """A metadata service. ``certain`` is false where only a probe shows whether there is one.

    ``cache_parts`` are ``[None]`` where the service has to be asked whose tokens it gives.
    """

    __slots__ = ("cache_parts", "certain", "detail")

    def __init__(self, detail: str, *, certain: bool, cache_parts: Sequence[str | None]) -> None:
        self.detail = detail
        self.certain = certain
        self.cache_parts = cache_parts


def find(environ: Mapping[str, str]) -> Service | NotFound:
    """The metadata service, by variables and the firmware, or why there is none.

    Raises:
        Misconfigured: a variable that should name its address does not.
    """
    if environ.get("NO_GCE_CHECK") == "true":
        return NotFound("gcr.metadata-switched-off")
    for variable in ADDRESS_VARIABLES:
        if not _is_address(environ.get(variable, "")):
            raise Misconfigured("gcr.bad-metadata-address", variable=variable)
    if configured_address(environ):
        detail = f"the metadata service at {_shown(environ)}"
        return Service(detail, certain=True, cache_parts=[None])
    sign = cloud_detection.machine_sign(cloud_detection.GOOGLE)
    hints = [name for name in (*_SERVERLESS, "GCE_METADATA_IP") if environ.get(name)]
    if sign.is_cloud is False and not hints:
        return NotFound("gcr.not-a-google-machine", reason=sign.reason)
    certain = sign.is_cloud is True
    reason = f"{hints[0]} is set" if hints and not certain else sign.reason
    detail = f"the metadata service, since {reason}"
    if not certain:
        detail = f"the metadata service, if it answers: {reason}"
    parts = [environ.get("GCE_METADATA_IP", ""), _boot_id()]
    return Service(detail, certain=certain, cache_parts=parts)


def probe(environ: Mapping[str, str]) -> None:
    """Ask whether the service is Google's, before the SDK is loaded to ask it for a token.

    Raises:
        NotFound: it does not answer, or is another's.
    """
    address = environ.get("GCE_METADATA_IP") or _ADDRESS
    host, _, port = address.partition(":")
    question = f"GET / HTTP/1.1\r\nHost: {address}\r\nMetadata-Flavor: Google\r\n\r\n"
    if not cloud_detection.answers(
        (host, int(port) if port.isdecimal() else 80),
        question.encode("ascii", "replace"),
        lambda reply: b"\r\nmetadata-flavor: google\r\n" in reply.lower(),
    ):
        raise NotFound("gcr.no-metadata-service", address=_without_login(address))


def use_address(environ: Mapping[str, str]) -> None:
    """Have the SDK, which reads this when it is imported, ask an address that needs no look-up."""
    if not configured_address(environ):
        os.environ["GCE_METADATA_HOST"] = environ.get("GCE_METADATA_IP") or _ADDRESS


def account(environ: Mapping[str, str], deadline: Deadline) -> str:
    """The account of a configured service, ``""`` if it does not say; asks that service alone."""
    import http.client

    timeout_s = deadline.step_s(cloud_detection.PROBE_TIMEOUT_S)
    try:
        connection = http.client.HTTPConnection(
            _without_login(configured_address(environ)), timeout=timeout_s
        )
        connection.request("GET", _ACCOUNT_PATH, headers={"Metadata-Flavor": "Google"})
        reply = connection.getresponse()
        body = reply.read(_MAX_ACCOUNT_BYTES).strip()
        connection.close()
    except (OSError, http.client.HTTPException, ValueError):
        return ""
    is_google = reply.headers.get("Metadata-Flavor", "").lower() == "google"
    return body.decode("utf-8", "replace") if is_google and reply.status == 200 else ""


def configured_address(environ: Mapping[str, str]) -> str:
    """The host (and port) that a variable names for the service, as the SDK reads it."""
    return environ.get("GCE_METADATA_HOST") or environ.get("GCE_METADATA_ROOT") or ""


def _is_address(value: str) -> bool:
    """Whether a variable is empty, or holds a host and perhaps a port."""
    return _ADDRESS_CHARACTERS.issuperset(_without_login(value)) and len(value) < _MAX_ADDRESS


def _shown(environ: Mapping[str, str]) -> str:
    """The configured address as it may be shown: tokens have capital letters, hosts do not."""
    address = _without_login(configured_address(environ))
    return address if address == address.lower() else "an address that a variable names"


def _without_login(address: str) -> str:
    return address.rpartition("@")[2]


def _boot_id() -> str:
    try:
        with open(_BOOT_ID_FILE, encoding="ascii") as file:
            return file.read(64).strip()
    except (OSError, ValueError):
        return ""
