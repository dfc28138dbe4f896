"""Detects helpers that ask each other in a loop.

Each helper is started with a variable that lists the helpers being asked in this chain of
processes, and for which server URL. Server URLs are listed as digests: they may hold anything.
"""

from __future__ import annotations

from cred_helper.files.fingerprints import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# A message from one of our processes to another; not a setting.
VARIABLE = "DOCKER_CREDENTIAL_MULTI_VISITED"
# Helpers that change the server URL could go on for ever; no real chain has this many.
MAX_LINKS = 8


class LoopGuard:
    """The helpers being asked, the first one first: ``NAME=DIGEST`` each."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._links = environ.get(VARIABLE, "").split()

    @property
    def is_nested(self) -> bool:
        return bool(self._links)

    def asking(self, server_url: str) -> str | None:
        """The helper that is being asked for this server URL already, if there is one."""
        if len(self._links) >= MAX_LINKS:
            return _name(self._links[-1])
        mark = _mark(server_url)
        return next((_name(link) for link in self._links if link.endswith(mark)), None)

    def variable_for(self, name: str, server_url: str) -> dict[str, str]:
        return {VARIABLE: " ".join([*self._links, name + _mark(server_url)])}


def _mark(server_url: str) -> str:
    # A store request is JSON, which can hold half a surrogate pair.
    return f"={digest([server_url.encode('utf-8', 'surrogatepass')])}"


def _name(link: str) -> str:
    return link.rpartition("=")[0]
