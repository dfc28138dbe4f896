"""Messages about requests of registry clients."""

from __future__ import annotations

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    "client.output-closed": Message("standard output is closed: nothing can be shown"),
}
