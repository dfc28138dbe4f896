"""kubelet's ``matchImages``: the narrowest globs that cover the zones of a cloud.

kubelet compares label by label, with one glob for each label: a pattern cannot say "twelve digits"
or "any number of labels". A glob therefore covers more hosts than its zone does; the host tables
decide which of them get a token.

Source: kubernetes, pkg/credentialprovider/keyring.go, ``URLsMatch``
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from cred_helper.hosts import ZONES, Zone

# The deepest host under a zone of any depth is docker.REGION.rep.pkg.dev.
_MOST_LABELS = 3


def of_cloud(cloud: str) -> list[str]:
    """The globs for every host of a cloud, without those that another one covers."""
    globs = [glob for zone in ZONES if zone.cloud == cloud for glob in _of_zone(zone)]
    return narrowed(globs)


def narrowed(globs: Iterable[str]) -> list[str]:
    """The globs in their order, without those that another one covers."""
    kept = list(dict.fromkeys(globs))
    return [one for one in kept if not any(o != one and covers(o, one) for o in kept)]


def of_rule(match: str) -> str | None:
    """The glob for what a rule matches; ``None`` where kubelet has none for it."""
    glob = match.removeprefix("https://").lower()
    host, _, path = glob.partition("/")
    return None if "**" in host or "*" in path or host.endswith(":*") else glob


def _of_zone(zone: Zone) -> Iterator[str]:
    first, _, rest = zone.pattern.partition(".")
    labels = [_glob(label, zone.region_prefix) for label in zone.pattern.split(".")]
    if first != "**":
        yield ".".join(labels)
        return
    for depth in range(1, _MOST_LABELS + 1):
        yield ".".join(["*"] * depth + [rest])


def _glob(label: str, region_prefix: str) -> str:
    if label == "{region}":
        return f"{region_prefix}*"
    return "*" if label.startswith("{") else label


def covers(glob: str, other: str) -> bool:
    """Whether a glob matches a host, or every host that another glob matches."""
    host, port, path = _parts(glob)
    other_host, other_port, other_path = _parts(other)
    is_near = (port, len(host)) == (other_port, len(other_host)) and other_path.startswith(path)
    return is_near and all(map(fnmatchcase, other_host, host))


def _parts(glob: str) -> tuple[list[str], str, str]:
    authority, slash, path = glob.partition("/")
    host, colon, port = authority.rpartition(":")
    if not (colon and port.isdigit()):
        host, port = authority, ""
    return host.split("."), port, slash + path
