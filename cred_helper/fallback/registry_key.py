"""Finds the key, among those that credentials are kept under, that answers for a server URL.

Clients spell one registry in several ways, and keep more than registries: docker's web login keeps
its two tokens beside Docker Hub's password. A key is therefore compared

* exactly, first of all;
* as a namespace, if it has a path: ``host/team`` answers for ``host/team/image`` and nothing else;
* as a registry, if neither has a path: ``https://host/v1/``, ``http://host`` and ``host`` are one.

Where no namespace answers for a path, the registry does: see ``whole_registry``.

Pure: no file, no environment.

Sources:
  docker: https://github.com/docker/cli/blob/master/cli/config/credentials/file_store.go
  podman: containers-auth.json(5), https://github.com/containers/image/blob/main/docs/
  Docker Hub's tokens: https://github.com/docker/cli/blob/master/cli/internal/oauth/manager
"""

from __future__ import annotations

from cred_helper.docker_hub import KEY, is_hub, is_token_key
from cred_helper.server_url import ServerURL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_HUB = "docker.io"
# The paths of the registry APIs stand for the host.
_API_PATHS = frozenset({"/v1", "/v2"})
# The tokens under these keys are not for the registry. Docker Desktop writes some of these keys
# with two slashes.
_TOKEN_PATHS = ("/refresh-token", "/access-token")


class RegistryKey:
    """A server URL as a key: the registry in one spelling, and the rest of the path."""

    def __init__(self, server_url: ServerURL) -> None:
        self.registry = _HUB if is_hub(server_url) else server_url.address
        path = server_url.path.rstrip("/")
        self.path = "" if path in _API_PATHS else path
        self.has_scheme = "://" in server_url.raw


def candidates(
    keys: Iterable[str], server_url: ServerURL, *, whole_host: bool = False
) -> list[str]:
    """The keys that may answer for a server URL, the best one first.

    With ``whole_host`` the key of a registry also answers for the paths below it: for finding the
    helper of a registry rather than a credential.
    """
    asked = RegistryKey(server_url)
    ranked: list[tuple[tuple[int, int], str]] = []
    for key in keys:
        if key == server_url.raw:
            ranked.append(((0, 0), key))
        elif rank := _rank(RegistryKey(ServerURL.parse(key)), asked, whole_host):
            ranked.append((rank, key))
    return [key for _, key in sorted(ranked, key=lambda pair: pair[0])]


def erasable(keys: Iterable[str], server_url: ServerURL) -> list[str]:
    path = RegistryKey(server_url).path
    found = candidates(keys, server_url)
    return [k for k in found if not path or RegistryKey(ServerURL.parse(k)).path == path]


def whole_registry(server_url: ServerURL) -> ServerURL | None:
    """The registry of a server URL that is for a path below it; ``None`` for every other."""
    asked = RegistryKey(server_url)
    if not asked.path or is_token_key(server_url) or not server_url.is_host:
        return None
    return ServerURL.parse(KEY if asked.registry == _HUB else asked.registry)


def _rank(key: RegistryKey, asked: RegistryKey, whole_host: bool) -> tuple[int, int] | None:
    if key.registry != asked.registry:
        return None
    if key.path:
        if asked.path == key.path or asked.path.startswith(f"{key.path}/"):
            return 1, -len(key.path)
        # docker and podman ignore the path of a key that has a scheme.
        ignored = key.has_scheme and not key.path.endswith(_TOKEN_PATHS)
        return (3, 0) if ignored and not asked.path else None
    return (2, 0) if whole_host or not asked.path else None
