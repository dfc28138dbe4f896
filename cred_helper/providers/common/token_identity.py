"""The owner of a JSON web token: its lasting claims, read without verifying the token.

A renewed token of the same workload has the same claims. Any claim counts: a cloud's policies can
look at each of them. The server that receives a token verifies it. A pipe is not read: its content
can be read once, and the SDK needs it. Cached answers do without the JSON library.

Source: https://www.rfc-editor.org/rfc/rfc7519#section-4.1
"""

from __future__ import annotations

from cred_helper.files.fingerprints import digest
from cred_helper.providers.common.interface import FoundToken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Claims of one issue or one sign-in: its times and its numbers.
# Source: https://openid.net/specs/openid-connect-core-1_0.html#IDToken
# Source: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
_OF_ONE_ISSUE = (
    *(b'"exp"', b'"iat"', b'"nbf"', b'"jti"', b'"auth_time"', b'"updated_at"', b'"nonce"'),
    *(b'"at_hash"', b'"c_hash"', b'"s_hash"', b'"sid"', b'"session_state"'),
    *(b'"uti"', b'"rh"', b'"aio"', b'"xms_ftd"'),
)
# Kubernetes names the pod, its node and a time as well: other pods of a service account are the
# same identity. Source: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
_KUBERNETES = b'"kubernetes.io"'
_OF_KUBERNETES = (b'"namespace"', b'"serviceaccount"')
_URL_ALPHABET = bytes.maketrans(b"-_", b"+/")
# More than this is not a token.
MAX_TOKEN_BYTES = 1 << 20
_BLANKS = b" \t\r\n"


def found(
    place: str, token: str, audiences: tuple[str, ...], *, is_strict: bool = False
) -> FoundToken:
    """The token that a variable, a file or the caller has."""
    token = token.strip()
    return FoundToken(place, audiences, of_token(token), token, is_strict=is_strict)


def in_variable(
    name: str, token: str, audiences: tuple[str, ...], *, is_strict: bool = False
) -> FoundToken:
    return found(f"the identity token in {name}", token, audiences, is_strict=is_strict)


def of_token(token: str | bytes) -> str:
    """A digest of the token's lasting claims; of all of it where it names no subject."""
    data = _bytes(token)
    named = members(_payload(data))
    if not named.get(b'"sub"'):
        return digest([b"token", data.strip()])
    if workload := members(named.get(_KUBERNETES, b"")):
        named[_KUBERNETES] = b",".join(workload.get(name, b"") for name in _OF_KUBERNETES)
    lasting = sorted((name, named[name]) for name in named.keys() - {*_OF_ONE_ISSUE})
    return digest([b"claims", *(part for claim in lasting for part in claim)])


def claims(token: str | bytes) -> dict[str, Any]:
    """All claims of a token; none where it is not a JSON web token. Loads the JSON library."""
    from cred_helper.files.json_file import parse_object

    return parse_object(_payload(_bytes(token)))


def ends_at_s(token: str | bytes) -> float | None:
    """The end of a token by its claim ``exp``, in seconds since 1970; ``None`` without one."""
    return number(claims(token).get("exp"))


def number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def claim(token: str | bytes, name: bytes) -> bytes:
    """One claim as it is written, by its name in quotation marks; empty where it is absent."""
    return members(_payload(_bytes(token))).get(name, b"")


def _bytes(token: str | bytes) -> bytes:
    return token.encode("utf-8", "surrogatepass") if isinstance(token, str) else token


def text(literal: bytes | None) -> str | None:
    """The value of a JSON string; ``None`` if it is something else."""
    if not literal or not literal.startswith(b'"'):
        return None
    if b"\\" in literal:
        import json

        try:
            value = json.loads(literal)
        except ValueError:
            return None
        return value if isinstance(value, str) else None
    return literal[1:-1].decode("utf-8", "surrogateescape")


def texts(literal: bytes) -> tuple[str, ...]:
    """The value of a JSON string, or the strings of a list."""
    if not literal.startswith(b"["):
        return tuple(filter(None, [text(literal)]))
    found, position = [], literal.find(b'"')
    while position >= 0:
        end = _end_of_string(literal, position)
        found.append(text(literal[position:end]))
        position = literal.find(b'"', end)
    return tuple(filter(None, found))


def _payload(token: bytes) -> bytes:
    """The decoded middle part of a signed token; empty for any other text."""
    from binascii import Error as Base64Error
    from binascii import a2b_base64

    parts = token.strip().split(b".")
    if len(parts) != 3:
        return b""
    try:
        return a2b_base64(parts[1].translate(_URL_ALPHABET) + b"==")
    except Base64Error:
        return b""


def members(document: bytes) -> dict[bytes, bytes]:
    """The members of a JSON object with their values as written; nested objects stay whole.

    Of two members with one name the last counts, as for every JSON library in use.
    """
    found: dict[bytes, bytes] = {}
    depth, start, key = 0, 0, b""
    position, end = 0, len(document)
    while position < end:
        byte = document[position : position + 1]
        if byte == b'"':
            position = _end_of_string(document, position)
            continue
        if byte in b"{[":
            depth += 1
            if depth == 1:
                start = position + 1
        elif byte == b":" and depth == 1 and not key:
            key = document[start:position].strip(_BLANKS)
            start = position + 1
        elif (byte == b"," and depth == 1) or byte in b"}]":
            if depth == 1 and key:
                found[key] = document[start:position].strip(_BLANKS)
                key = b""
            if byte == b",":
                start = position + 1
            else:
                depth -= 1
        position += 1
    return found


def _end_of_string(document: bytes, start: int) -> int:
    position = start + 1
    while position < len(document):
        quote = document.find(b'"', position)
        if quote < 0:
            break
        backslashes = 0
        while document[quote - 1 - backslashes : quote - backslashes] == b"\\":
            backslashes += 1
        if backslashes % 2 == 0:
            return quote + 1
        position = quote + 1
    return len(document)
