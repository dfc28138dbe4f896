"""The credential helper protocol of Bazel and of the tools that share it.

Parses what a client wrote to standard input and renders what it reads from standard output. Never
asks a source, never prints. Standard output is empty where there is a failure: clients quote
standard error.

Source: https://github.com/EngFlow/credential-helper-spec/blob/main/spec.md
"""

from __future__ import annotations

from cred_helper.errors import ProtocolError
from cred_helper.protocols import decoded, json_object, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

try:
    # The C function behind the json package, which itself loads re.
    from _json import scanstring as _scan
except ImportError:  # another interpreter than CPython
    from json.decoder import scanstring as _scan  # type: ignore[attr-defined,no-redef]

_BLANK = " \t\r\n"
_URI = "uri"
# How long a client keeps an answer that does not say when it ends. Bazel 7.1 to 7.3 read the end of
# an answer the wrong way round, so that one which has an end is never kept: an answer that is good
# for longer than this goes without.
# Source: https://github.com/bazelbuild/bazel/issues/23429
_KEPT_FOR_S = 30 * 60.0


def parse_uri(standard_input: bytes) -> str:
    """Parse the request of a ``get``: the URI. Other keys have no meaning.

    Raises:
        ProtocolError: there is no URI. The input is not quoted: it can hold a password.
    """
    text = decoded(standard_input).strip(_BLANK)
    uri = _only_uri(text)
    if uri is None and text:
        uri = json_object(text).get(_URI, "")
        if not isinstance(uri, str):
            raise ProtocolError("client.not-text", field=_URI)
    if uri is None or not uri.strip():
        raise ProtocolError("bazel.no-uri")
    return uri


def _only_uri(text: str) -> str | None:
    """The URI of a request as Bazel writes it, with no other key; ``None`` for any other text."""
    parts: list[tuple[str, int]] = []
    at = 0
    try:
        for mark in ("{", ":"):
            at = text.index('"', at)
            before = text[parts[-1][1] if parts else 0 : at]
            if before.strip(_BLANK) != mark:
                return None
            parts.append(_scan(text, at + 1, True))
            at = parts[-1][1]
    except (ValueError, SystemError):
        # Before Python 3.13 the C function raises the latter where the json package is not loaded.
        return None
    (key, _), (uri, end) = parts
    return uri if key == _URI and text[end:].strip(_BLANK) == "}" else None


def render_headers(headers: Mapping[str, str], expires_at_s: float | None, now_s: float) -> bytes:
    """Render the answer to a ``get``: headers, and until when they are valid.

    ``{}`` where none is needed, as Bazel and the specification have it. The Rust client by the
    authors of the specification wants an empty ``headers`` there.

    Units: both times are in seconds since 1970.
    """
    if not headers:
        return b"{}\n"
    members = ",".join(f"{quote(name)}:[{quote(value)}]" for name, value in headers.items())
    end = ""
    if expires_at_s is not None and expires_at_s - now_s < _KEPT_FOR_S:
        from time import gmtime, strftime

        end = f',"expires":"{strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(expires_at_s))}"'
    return f'{{"headers":{{{members}}}{end}}}\n'.encode("ascii")
