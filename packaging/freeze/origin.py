"""The system package that a file of the building machine belongs to."""

import platform
import subprocess
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote


class Origin(NamedTuple):
    version: str
    """The upstream version, without the distribution's suffix."""
    purl: str
    """Source: https://github.com/package-url/purl-spec"""


@cache
def origin(path: str) -> Origin | None:
    """The package; ``None`` if no package manager knows the file."""
    # The file or /lib may be a link; the package manager knows the path as it was packed.
    real = str(Path(path).resolve())
    for known_as in dict.fromkeys((path, real, real.removeprefix("/usr"), f"/usr{path}")):
        found = _of_dpkg(known_as) or _of_rpm(known_as)
        if found:
            return found
    return None


def _of_dpkg(path: str) -> Origin | None:
    owner = _output("dpkg-query", "--search", path).partition(": ")[0]
    if not owner or ", " in owner:
        return None
    shown = "${Package} ${Version} ${Architecture} ${source:Package}"
    name, version, architecture, source = _output(
        "dpkg-query", "--show", f"--showformat={shown}", owner
    ).split()
    upstream = version.partition(":")[2] or version
    # Debian's security tracker knows the name of the source.
    purl = _purl("deb", name, version, architecture)
    return Origin(upstream.rpartition("-")[0] or upstream, f"{purl}&upstream={quote(source)}")


def _of_rpm(path: str) -> Origin | None:
    shown = "%{NAME} %{VERSION} %{RELEASE} %{ARCH}"
    fields = _output("rpm", "-qf", "--qf", shown, path).split()
    if len(fields) != 4:
        return None
    name, version, release, architecture = fields
    return Origin(version, _purl("rpm", name, f"{version}-{release}", architecture))


def _purl(kind: str, name: str, version: str, architecture: str) -> str:
    system = platform.freedesktop_os_release()
    distribution = f"{system['ID']}-{system.get('VERSION_ID', '')}".rstrip("-")
    return (
        f"pkg:{kind}/{system['ID']}/{quote(name)}@{quote(version)}"
        f"?arch={architecture}&distro={distribution}"
    )


def _output(*command: str) -> str:
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""
