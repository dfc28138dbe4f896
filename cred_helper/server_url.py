"""The one parser of server URLs.

A server URL is what a registry client writes to a credential helper: ``gcr.io``,
``https://index.docker.io/v1/``, ``localhost:5000``, ``host/repository``. This module splits it and
says whether the built-in host tables may be asked. It never looks up, corrects or completes a name:
only a DNS host on the registry port is routable.

Source: https://github.com/docker/docker-credential-helpers/blob/master/registryurl/parse.go (what
clients send); RFC 1123 section 2.1 (what a host name is).
"""

from __future__ import annotations

from cred_helper.record import Record

_WHITESPACE = " \t\r\n\v\f"
_SCHEME = "https://"
_LETTERS_DIGITS_HYPHEN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
# RFC 1035 section 2.3.4; the whole name is counted without its root dot.
_MAX_LABEL_OCTETS = 63
_MAX_NAME_OCTETS = 253
_OTHER_PORT = "client.url-other-port"


class ServerURL(Record):
    """A server URL as a client sent it, and what can be read from it.

    ``raw`` is the text as sent (trimmed), which other helpers and stores get unchanged. ``host`` is
    lower-case. ``port`` and ``path`` are ``""`` where none was given. ``unroutable`` is the code of
    the message why no built-in provider may be asked, or ``None``.
    """

    host: str
    port: str
    path: str
    raw: str
    unroutable: str | None

    @classmethod
    def parse(cls, text: str) -> ServerURL:
        """Parse any text. One that is not plainly a host is unroutable."""
        raw = text.strip(_WHITESPACE)
        scheme, rest = _split_scheme(raw)
        authority, path = _split_authority(rest)
        host, port = _split_port(authority)
        refusal = _refusal(raw, scheme, authority, host)
        return cls(host.lower() if host.isascii() else host, port, path, raw, refusal)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the host, from the left; none where no built-in provider may be asked."""
        return () if self.unroutable else tuple(self.host.split("."))

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host

    @property
    def is_host(self) -> bool:
        """Whether this is a DNS host with https, on any port, without user information."""
        is_plain = self.unroutable in (None, _OTHER_PORT) and "@" not in self.path
        return is_plain and _name_refusal(self.host) is None

    @property
    def redacted(self) -> str:
        """The text for messages, without user information and query: they can hold a password.

        All before the last ``@`` may be user information, whose password can have slashes.
        """
        scheme, separator, rest = self.raw.partition("://")
        if not separator or set("@:/?#") & set(scheme):
            scheme, separator, rest = "", "", self.raw
        return f"{scheme}{separator}{_without_secrets(rest)}"

    @property
    def redacted_host(self) -> str:
        """The host for messages, without user information."""
        if "@" in self.path:
            return _split_authority(_without_secrets(self.path))[0].rpartition("@")[2]
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
    cut = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    return rest[:cut], rest[cut:]


def _without_secrets(rest: str) -> str:
    before, at_sign, after = rest.rpartition("@")
    if at_sign and set("?#") & set(before):
        return "…"  # a part of a query or of a password
    path, mark, _ = after.partition("?")
    return f"{'…@' if at_sign else ''}{path}{'?…' if mark else ''}"


def _split_port(authority: str) -> tuple[str, str]:
    """Split ``host:port``; the colons of an IPv6 address and of user information stay."""
    user, at_sign, address = authority.rpartition("@")
    before, colon, port = address.rpartition(":")
    if not colon or (address.startswith("[") and "]" in port):
        return authority, ""
    return f"{user}{at_sign}{before}", port


def _refusal(raw: str, scheme: str, authority: str, host: str) -> str | None:
    if not raw:
        return "client.url-empty"
    if not raw.isascii():
        return "client.url-not-ascii"
    if not raw.isprintable():
        return "client.url-control-character"
    if scheme not in ("", "https"):
        return "client.url-scheme"
    if "@" in authority:
        return "client.url-user-information"
    if authority not in (host, f"{host}:443"):
        return _OTHER_PORT
    return _name_refusal(host.lower())


def _name_refusal(name: str) -> str | None:
    if not name:
        return "client.url-no-host"
    if name.endswith("."):
        return "client.url-final-dot"
    if len(name) > _MAX_NAME_OCTETS:
        return "client.url-long-host"
    for label in name.split("."):
        if not label:
            return "client.url-empty-label"
        if len(label) > _MAX_LABEL_OCTETS or not is_label(label):
            return "client.url-not-dns"
    return None


def is_label(text: str) -> bool:
    """Whether the text is one lower-case label of letters, digits and inner hyphens."""
    return bool(text) and _LETTERS_DIGITS_HYPHEN.issuperset(text) and "-" not in (text[0], text[-1])
