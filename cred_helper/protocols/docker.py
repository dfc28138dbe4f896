"""The docker credential helper protocol.

Parses what a client wrote to standard input and renders what it reads from standard output. Never
asks a source, never prints.

Source: https://github.com/docker/docker-credential-helpers/blob/master/credentials/credentials.go
"""

from __future__ import annotations

from cred_helper.credential import Credential, Secret
from cred_helper.errors import (
    CREDENTIALS_NOT_FOUND,
    CredentialError,
    NotFound,
    ProtocolError,
    one_line,
)
from cred_helper.protocols import decoded, json_object, quote, text_of
from cred_helper.server_url import ServerURL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def parse_server_url(standard_input: bytes) -> ServerURL:
    """Parse the server URL of a ``get`` or ``erase``.

    Lines are joined without their ends and the whole is trimmed, as the reference server does.

    Raises:
        ProtocolError: there is no server URL, or the input is not UTF-8, or of another protocol.
    """
    text = decoded(standard_input).replace("\r\n", "").replace("\n", "")
    server_url = ServerURL.parse(text)
    if not server_url.raw:
        raise ProtocolError("client.no-server-url")
    if server_url.raw.startswith("{"):
        raise ProtocolError("client.other-protocol")
    return server_url


def parse_credential(standard_input: bytes) -> tuple[ServerURL, Credential]:
    """Parse the credential of a ``store``. Keys count in any case, as they do for Go clients.

    Raises:
        ProtocolError: the input is not such a document. It is not quoted: it is a secret.
    """
    document = json_object(decoded(standard_input))
    fields = {key.lower(): value for key, value in document.items()}
    names = ("ServerURL", "Username", "Secret")
    values = [text_of(fields.get(name.lower()), name) for name in names]
    server_url, username, secret = ServerURL.parse(values[0]), values[1], values[2]
    if not server_url.raw:
        raise ProtocolError("client.no-server-url")
    if not username:
        raise ProtocolError("client.no-username")
    return server_url, Credential(username, Secret(secret), source="standard input")


def render_credential(server_url: ServerURL, credential: Credential) -> bytes:
    """Render the answer to a ``get``: three keys in exact case, three strings, one line."""
    fields = {"ServerURL": server_url.raw, "Username": credential.username}
    return render_list(fields | {"Secret": credential.secret.expose()})


def render_list(usernames: Mapping[str, str]) -> bytes:
    """Render the answer to a ``list``: server URL to user name; ``{}`` where there are none."""
    # Everything outside ASCII is escaped, so that no code page of a client changes it.
    members = ",".join(f"{quote(key)}:{quote(value)}" for key, value in usernames.items())
    return f"{{{members}}}\n".encode("ascii")


def render_error(error: CredentialError) -> bytes:
    """Render a failure: the sentence that clients compare, or the reason in one line."""
    reason = CREDENTIALS_NOT_FOUND if isinstance(error, NotFound) else error.reason
    return f"{one_line(reason)}\n".encode("utf-8", "replace")
