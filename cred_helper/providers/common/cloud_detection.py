"""Which cloud's machine this is, by local signs, and a quick question where they do not say.

The SDKs ask a metadata service to find out whether there is one, and wait seconds for nothing. The
firmware says so at once: only where it is silent (a container that hides it, another operating
system) is the service itself asked, once, briefly. Never a credential, never a name look-up.

Sources:
  https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html
  https://cloud.google.com/compute/docs/instances/detect-compute-engine
  https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service
  (the chassis asset tag is what cloud-init looks for: DataSourceAzure.py).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

AWS = "aws"
GOOGLE = "google"
AZURE = "azure"

# What the firmware of each cloud's machines says: file under the DMI folder → how it begins.
_DMI_FOLDER = "/sys/class/dmi/id"
_FIRMWARE = {
    AWS: (("sys_vendor", "Amazon EC2"), ("bios_vendor", "Amazon EC2"), ("bios_version", "amazon")),
    GOOGLE: (("product_name", "Google"), ("bios_vendor", "Google")),
    AZURE: (("chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77"),),
}
# Older EC2 instances run on Xen, whose firmware does not name Amazon.
_XEN_UUID_FILE = "/sys/hypervisor/uuid"
# A metadata service is one hop away and answers in a millisecond or two; a loaded one in tens.
PROBE_TIMEOUT_S = 0.4
_PROBE_REPLY_BYTES = 4096


class Sign:
    """What local signs say: ``is_cloud`` is true, false, or ``None`` where they are silent."""

    __slots__ = ("is_cloud", "reason")

    def __init__(self, is_cloud: bool | None, reason: str) -> None:
        self.is_cloud = is_cloud
        self.reason = reason


def machine_sign(cloud: str, *, dmi_folder: str = _DMI_FOLDER) -> Sign:
    """Read the firmware's word on whether this machine is one of the cloud's."""
    readable = False
    for name, beginning in _FIRMWARE[cloud]:
        text = _first_line(f"{dmi_folder}/{name}")
        readable = readable or bool(text)
        if text.startswith(beginning):
            return Sign(True, f"the firmware says {text!r}")
    if cloud == AWS and _first_line(_XEN_UUID_FILE).lower().startswith("ec2"):
        return Sign(True, "the hypervisor's uuid begins with ec2")
    if readable:
        return Sign(False, "the firmware names no such cloud")
    return Sign(None, "the firmware cannot be read here")


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readline(256).strip()
    except OSError:
        return ""


def answers(
    address: tuple[str, int],
    request: bytes,
    is_the_service: Callable[[bytes], bool],
    *,
    timeout_s: float = PROBE_TIMEOUT_S,
) -> bool:
    """Send one plain HTTP request and say whether the reply is the metadata service's own.

    Units: ``timeout_s`` bounds the whole exchange, in seconds. Any failure is a no.
    """
    import socket
    from time import monotonic

    ends_at_s = monotonic() + timeout_s
    reply = b""
    try:
        with socket.create_connection(address, timeout=timeout_s) as connection:
            connection.sendall(request)
            while not is_the_service(reply):
                left_s = ends_at_s - monotonic()
                if left_s <= 0 or len(reply) > _PROBE_REPLY_BYTES:
                    return False
                connection.settimeout(left_s)
                chunk = connection.recv(_PROBE_REPLY_BYTES)
                if not chunk:
                    return False
                reply += chunk
    except OSError:
        return False
    return True
