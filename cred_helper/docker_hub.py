"""The names of Docker Hub, which count as one host.

Source: https://github.com/distribution/reference/blob/main/normalize.go and docker's
``registry.IndexServer``: clients ask for ``docker.io``, ``https://index.docker.io/v1/`` or the
host that serves, ``registry-1.docker.io``.
"""

from __future__ import annotations

from cred_helper.server_url import ServerURL

# The host that serves its images.
SERVES = "registry-1.docker.io"
HOSTS = ("docker.io", "index.docker.io", SERVES)
# The key of its login in docker's files.
KEY = "https://index.docker.io/v1/"
# The keys of the tokens of a login by browser. They are keys of a store, not registries: Hub's user
# name and password are never the answer for them.
_TOKEN_KEYS = ("v1/refresh-token", "v1/access-token")
KEYS = (KEY, *(f"https://index.docker.io/{path}" for path in _TOKEN_KEYS))


def is_hub(server_url: ServerURL) -> bool:
    """Whether this is Docker Hub, by any of its names."""
    return server_url.host in HOSTS and server_url.port in ("", "443")


def is_token_key(server_url: ServerURL) -> bool:
    """Whether this is a key of a token that docker login keeps for itself."""
    path = server_url.path.strip("/").replace("//", "/")  # Docker Desktop's have two
    return is_hub(server_url) and path in _TOKEN_KEYS
