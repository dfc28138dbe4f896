"""Which cloud's machine this is, by local signs.

The firmware names the cloud at once; the SDKs wait seconds for a metadata service. If it names none
(hidden in a container, another operating system), a get uses ``metadata_probe``.
"""

from __future__ import annotations

from cred_helper import clouds, files
from cred_helper.record import Record

_DMI_FOLDER = "/sys/class/dmi/id"
# A machine gets another account only while it is stopped.
_BOOT_ID_FILE = "/proc/sys/kernel/random/boot_id"
# The kernel's files of one line are no larger.
_MAX_FILE_BYTES = 4096


class CloudSigns(Record):
    """What local signs say: ``is_cloud`` is true, false, or ``None`` where they are silent."""

    is_cloud: bool | None
    reason: str


def machine_signs(cloud: str) -> CloudSigns:
    """Read in the firmware whether this machine is one of the cloud's."""
    readable = False
    for name, beginning in clouds.find(cloud).firmware:
        text = first_line(f"{_DMI_FOLDER}/{name}")
        readable = readable or bool(text)
        if text.startswith(beginning):
            return CloudSigns(True, f"the firmware says {text!r}")
    if readable:
        return CloudSigns(False, "the firmware names no such cloud")
    return CloudSigns(None, "the firmware cannot be read here")


def first_line(path: str) -> str:
    try:
        line = files.read(path, _MAX_FILE_BYTES).partition(b"\n")[0]
    except OSError:
        return ""
    return line.decode("utf-8", "replace")[:256].strip()


def boot_id() -> str:
    """What differs after each start of the machine, before which it can get another account."""
    return first_line(_BOOT_ID_FILE)
