"""A quick question to a metadata service: is it there, and is it the cloud's own?

Asked once, briefly, where local signs do not say. Never a credential, never a name look-up.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# A metadata service is one hop away and answers in a millisecond or two; a loaded one in tens.
PROBE_TIMEOUT_S = 0.4
_PROBE_REPLY_BYTES = 4096


def answers(
    address: tuple[str, int],
    request: bytes,
    is_the_service: Callable[[bytes], bool],
    *,
    timeout_s: float = PROBE_TIMEOUT_S,
) -> bool:
    """Send one plain HTTP request and say whether the reply is the metadata service's own.

    Units: ``timeout_s`` bounds the whole request, in seconds. Any failure means no.
    """
    import socket
    from time import monotonic

    ends_at_s = monotonic() + timeout_s
    reply = b""
    try:
        with socket.create_connection(address, timeout=timeout_s) as connection:
            connection.sendall(request)
            while not is_the_service(reply):
                left_s = ends_at_s - monotonic()
                if left_s <= 0 or len(reply) > _PROBE_REPLY_BYTES:
                    return False
                connection.settimeout(left_s)
                chunk = connection.recv(_PROBE_REPLY_BYTES)
                if not chunk:
                    return False
                reply += chunk
    except OSError:
        return False
    return True
