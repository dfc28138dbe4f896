"""The one parser of server URLs.

A server URL is whatever a registry client wrote to a credential helper: ``gcr.io``,
``https://index.docker.io/v1/``, ``localhost:5000``, ``host/repository``. This module takes it apart
and says whether the built-in host tables may look at it at all. It never resolves, corrects or
completes a name: what is not plainly a DNS host on the registry port is not routable.

Source: https://github.com/docker/docker-credential-helpers/blob/master/registryurl/parse.go (what
clients send); RFC 1123 section 2.1 (what a host name is).
"""

from __future__ import annotations

_WHITESPACE = " \t\r\n\v\f"
_SCHEME = "https://"
_LETTERS_DIGITS_HYPHEN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
# RFC 1035 section 2.3.4; the whole name is counted without its root dot.
_MAX_LABEL_OCTETS = 63
_MAX_NAME_OCTETS = 253
_OTHER_PORT = "its port is not 443"


class ServerURL:
    """A server URL as a client sent it, and what can be read from it.

    ``raw`` is the text as sent (trimmed), which other helpers and stores get untouched. ``host``
    is lower-case; ``port`` and ``path`` are ``""`` where none was given. ``unroutable`` says in a
    few words why no built-in provider may be asked, or is ``None``.
    """

    __slots__ = ("host", "path", "port", "raw", "unroutable")

    def __init__(self, host: str, port: str, path: str, raw: str, unroutable: str | None) -> None:
        self.host = host
        self.port = port
        self.path = path
        self.raw = raw
        self.unroutable = unroutable

    @classmethod
    def parse(cls, text: str) -> ServerURL:
        """Take a server URL apart. Every text has an answer; the doubtful ones are unroutable."""
        raw = text.strip(_WHITESPACE)
        scheme, rest = _split_scheme(raw)
        authority, path = _split_authority(rest)
        host, port = _split_port(authority)
        refusal = _refusal(raw, scheme, authority, host)
        return cls(host.lower() if host.isascii() else host, port, path, raw, refusal)

    @property
    def labels(self) -> tuple[str, ...]:
        """The host's labels, left to right; empty where no built-in provider may be asked."""
        return () if self.unroutable else tuple(self.host.split("."))

    @property
    def address(self) -> str:
        """The host, with its port where one was given."""
        return f"{self.host}:{self.port}" if self.port else self.host

    @property
    def is_host(self) -> bool:
        """Whether this is a DNS host, asked for by https, on whichever port."""
        return self.unroutable in (None, _OTHER_PORT) and _name_refusal(self.host) is None

    @property
    def redacted(self) -> str:
        """The text as it may be told: user information and a query can hold a password."""
        at = self.raw.find("://") + 3 if "://" in self.raw else 0
        scheme, rest = self.raw[:at], self.raw[at:]
        authority, path = _split_authority(rest)
        _, at_sign, host = authority.rpartition("@")
        path, mark, _ = path.partition("?")
        return f"{scheme}{'…@' if at_sign else ''}{host}{path}{'?…' if mark else ''}"

    @property
    def redacted_host(self) -> str:
        """The host as it may be told."""
        return self.host.rpartition("@")[2]

    def __repr__(self) -> str:
        return f"ServerURL({self.redacted!r})"


def _split_scheme(raw: str) -> tuple[str, str]:
    if raw[: len(_SCHEME)].lower() == _SCHEME:
        return "https", raw[len(_SCHEME) :]
    before, separator, after = raw.partition("://")
    if separator and not set("/?#") & set(before):
        return f"{before}:", after
    return "", raw


def _split_authority(rest: str) -> tuple[str, str]:
    """Split what comes after the scheme into the authority and all that follows it."""
    cut = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    return rest[:cut], rest[cut:]


def _split_port(authority: str) -> tuple[str, str]:
    """Split ``host:port``; a bracketed IPv6 address keeps its colons, and user information its."""
    user, at_sign, address = authority.rpartition("@")
    before, colon, port = address.rpartition(":")
    if not colon or (address.startswith("[") and "]" in port):
        return authority, ""
    return f"{user}{at_sign}{before}", port


def _refusal(raw: str, scheme: str, authority: str, host: str) -> str | None:
    """Say why the built-in host tables may not be asked, or ``None``."""
    if not raw:
        return "it is empty"
    if not raw.isascii():
        return "it has a character outside ASCII"
    if not raw.isprintable():
        return "it has a control character"
    if scheme not in ("", "https"):
        return "its scheme is not https"
    if "@" in authority:
        return "it carries user information"
    if authority not in (host, f"{host}:443"):
        return _OTHER_PORT
    return _name_refusal(host.lower())


def _name_refusal(name: str) -> str | None:
    if not name:
        return "it has no host"
    if name.endswith("."):
        return "its host ends in a dot"
    if len(name) > _MAX_NAME_OCTETS:
        return "its host is longer than a DNS name can be"
    for label in name.split("."):
        if not label:
            return "its host has an empty label"
        if len(label) > _MAX_LABEL_OCTETS or not is_label(label):
            return "its host is not made of DNS labels"
    return None


def is_label(text: str) -> bool:
    """Whether the text is one label of letters, digits and inner hyphens, in lower case."""
    return bool(text) and _LETTERS_DIGITS_HYPHEN.issuperset(text) and "-" not in (text[0], text[-1])
