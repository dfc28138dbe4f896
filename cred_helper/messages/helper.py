"""Messages about other credential helpers."""

from __future__ import annotations

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    "helper.full-name": Message(
        "{named_by} names {name!r}, which is the full name of a helper",
        "write {short!r}: clients put docker-credential- before it",
    ),
}
