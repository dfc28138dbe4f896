"""Which cloud's machine this is, by local signs.

The firmware names the cloud at once; the SDKs wait seconds for a metadata service. If it names none
(hidden in a container, another operating system), a get uses ``metadata_probe``.

Sources:
  https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html
  https://cloud.google.com/compute/docs/instances/detect-compute-engine
  https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service
  (the chassis asset tag is what cloud-init looks for: DataSourceAzure.py).
"""

from __future__ import annotations

from cred_helper import files
from cred_helper.record import Record

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
# A machine gets another account only while it is stopped.
_BOOT_ID_FILE = "/proc/sys/kernel/random/boot_id"
# The kernel's files of one line are no larger.
_MAX_FILE_BYTES = 4096


class CloudSigns(Record):
    """What local signs say: ``is_cloud`` is true, false, or ``None`` where they are silent."""

    is_cloud: bool | None
    reason: str


def machine_signs(cloud: str, *, dmi_folder: str = _DMI_FOLDER) -> CloudSigns:
    """Read in the firmware whether this machine is one of the cloud's."""
    readable = False
    for name, beginning in _FIRMWARE[cloud]:
        text = _first_line(f"{dmi_folder}/{name}")
        readable = readable or bool(text)
        if text.startswith(beginning):
            return CloudSigns(True, f"the firmware says {text!r}")
    if cloud == AWS and _first_line(_XEN_UUID_FILE).lower().startswith("ec2"):
        return CloudSigns(True, "the hypervisor's uuid begins with ec2")
    if readable:
        return CloudSigns(False, "the firmware names no such cloud")
    return CloudSigns(None, "the firmware cannot be read here")


def _first_line(path: str) -> str:
    try:
        line = files.read(path, _MAX_FILE_BYTES).partition(b"\n")[0]
    except OSError:
        return ""
    return line.decode("utf-8", "replace")[:256].strip()


def boot_id() -> str:
    """What differs after each start of the machine, before which it can get another account."""
    return _first_line(_BOOT_ID_FILE)
