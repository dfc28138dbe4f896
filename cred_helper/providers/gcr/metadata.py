"""The metadata service of a Google machine: whether there is one, and at which address.

Sends it no request: ``token`` does that.

Sources:
  https://cloud.google.com/compute/docs/metadata/querying-metadata
  https://cloud.google.com/compute/docs/instances/detect-compute-engine
"""

from __future__ import annotations

from cred_helper.errors import Misconfigured, NotFound
from cred_helper.hosts import GCR
from cred_helper.providers.common import cloud_detection
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Set by run-times that have a metadata service and hide the firmware. Other platforms set some of
# them too, so the service is probed.
_SERVERLESS = ("K_SERVICE", "CLOUD_RUN_JOB", "CLOUD_RUN_WORKER_POOL", "GAE_SERVICE")
_ADDRESS_VARIABLES = ("GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP")
# Characters of a host and port. A value with others could be a secret, and is not shown.
_ADDRESS_CHARACTERS = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:[]"
)
_MAX_ADDRESS = 256


class Service(Record):
    """A metadata service. ``certain`` is false where only a probe shows whether there is one.

    ``cache_parts`` are ``[None]`` where the service has to be asked whose tokens it gives.
    """

    detail: str
    certain: bool
    cache_parts: Sequence[str | None]


def find(environ: Mapping[str, str]) -> Service | NotFound:
    """The metadata service, by variables and the firmware, or why there is none.

    Raises:
        Misconfigured: a variable that should name its address does not.
    """
    if environ.get("NO_GCE_CHECK") == "true":
        return NotFound("gcr.metadata-switched-off")
    for variable in _ADDRESS_VARIABLES:
        if not _is_address(environ.get(variable, "")):
            raise Misconfigured("gcr.bad-metadata-address", variable=variable)
    if configured_address(environ):
        detail = f"the metadata service at {_shown(environ)}"
        return Service(detail, certain=True, cache_parts=[None])
    signs = cloud_detection.machine_signs(GCR)
    hints = [name for name in (*_SERVERLESS, "GCE_METADATA_IP") if environ.get(name)]
    if signs.is_cloud is False and not hints:
        return NotFound("gcr.not-a-google-machine", reason=signs.reason)
    parts = [environ.get("GCE_METADATA_IP", ""), cloud_detection.boot_id()]
    if signs.is_cloud:
        detail = f"the metadata service, since {signs.reason}"
    else:
        reason = f"{hints[0]} is set" if hints else signs.reason
        detail = f"the metadata service, if it answers: {reason}"
    return Service(detail, certain=signs.is_cloud is True, cache_parts=parts)


def configured_address(environ: Mapping[str, str]) -> str:
    """The host (and port) that a variable names for the service, as the SDK reads it."""
    return environ.get("GCE_METADATA_HOST") or environ.get("GCE_METADATA_ROOT") or ""


def _is_address(value: str) -> bool:
    """Whether a value is empty, or a host and perhaps a port."""
    return _ADDRESS_CHARACTERS.issuperset(without_login(value)) and len(value) < _MAX_ADDRESS


def _shown(environ: Mapping[str, str]) -> str:
    """The configured address as it may be shown: tokens have capital letters, hosts do not."""
    address = without_login(configured_address(environ))
    return address if address == address.lower() else "an address that a variable names"


def without_login(address: str) -> str:
    """An address without the user name before it, which could be a secret."""
    return address.rpartition("@")[2]
