"""Host patterns of rules: which server URLs a rule is for.

A pattern is a host, ``host:port`` or ``host/path``. Without a port it is for port 443; ``:*`` is
any port. ``*`` stands for any text within one label or path segment. ``**`` as the first label
stands for one label or more. The names of Docker Hub count as one host.
"""

from __future__ import annotations

from cred_helper.docker_hub import HOSTS, is_hub
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cred_helper.server_url import ServerURL

_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_*")
_ADDRESS_CHARACTERS = frozenset("0123456789abcdef:.")
_ANY_DEPTH = "**"
# Docker's own form of a host is https://host/v1/.
_API_VERSIONS = (["v1"], ["v2"])


class HostPattern(Record):
    """One pattern: a glob for each label, a port, and globs for path segments."""

    text: str
    labels: tuple[str, ...]
    any_depth: bool
    port: str
    segments: list[str]

    @classmethod
    def parse(cls, text: str) -> HostPattern:
        """Parse a pattern.

        Raises:
            ValueError: the text is not a pattern. Its argument is the code of a message.
        """
        authority, _, path = text.removeprefix("https://").partition("/")
        host, port = _split_port(authority.lower())
        labels = _labels(host)
        any_depth = labels[0] == _ANY_DEPTH
        labels = labels[any_depth:]
        for label in labels:
            if _ANY_DEPTH in label:
                raise ValueError("settings.pattern-stars")
            if not label or not (_HOST_CHARACTERS.issuperset(label) or _is_address(label)):
                raise ValueError("settings.pattern-host")
        if not (port == "*" or port.isdigit()):
            raise ValueError("settings.pattern-port")
        segments = _segments(path)
        return cls(text, labels, any_depth, port, [] if segments in _API_VERSIONS else segments)

    @property
    def address(self) -> str | None:
        """The one host, with its port, that the pattern is for; ``None`` where it is for more."""
        host = ".".join(self.labels)
        if self.any_depth or self.segments or "*" in host + self.port:
            return None
        return host if self.port == "443" else f"{host}:{self.port}"

    @property
    def depth(self) -> int:
        return len(self.segments)

    def matches_address(self, server_url: ServerURL) -> bool:
        """Whether the pattern is for the host and port of a server URL, and some path there."""
        if self.port not in ("*", server_url.port or "443"):
            return False
        names = HOSTS if is_hub(server_url) else (server_url.host,)
        return any(self._matches_host(_labels(name)) for name in names)

    def matches(self, server_url: ServerURL) -> bool:
        if not self.matches_address(server_url):
            return False
        path = server_url.path.partition("?")[0].partition("#")[0]
        segments = _segments(path)[: len(self.segments)]
        return _all_match(segments, self.segments)

    def _matches_host(self, labels: tuple[str, ...]) -> bool:
        if self.any_depth:
            beyond = len(labels) - len(self.labels)
            return beyond > 0 and _all_match(labels, ("*",) * beyond + self.labels)
        return _all_match(labels, self.labels)


def _split_port(authority: str) -> tuple[str, str]:
    before, colon, port = authority.rpartition(":")
    return (before, port) if colon and "]" not in port else (authority, "443")


def _is_address(label: str) -> bool:
    """Whether a label is an IPv6 address in brackets."""
    return label[:1] + label[-1:] == "[]" and _ADDRESS_CHARACTERS.issuperset(label[1:-1])


def _labels(host: str) -> tuple[str, ...]:
    """The labels of a host; an IPv6 address is one label."""
    return (host,) if host.startswith("[") else tuple(host.split("."))


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _all_match(texts: Sequence[str], globs: Sequence[str]) -> bool:
    return len(texts) == len(globs) and all(map(_matches, texts, globs))


def _matches(text: str, glob: str) -> bool:
    """Whether a label or segment matches a glob, in which ``*`` is any text."""
    begin, *rest = glob.split("*")
    if not rest:
        return text == glob
    *inner, end = rest
    # User information stands before an @; it never matches, and neither does an empty label.
    if not text or "@" in text or len(text) < len(begin) + len(end):
        return False
    if not text.startswith(begin) or not text.endswith(end):
        return False
    at, stop = len(begin), len(text) - len(end)
    for part in inner:
        found = text.find(part, at, stop)
        if found < 0:
            return False
        at = found + len(part)
    return True
