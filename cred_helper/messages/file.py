"""Messages about files of any kind."""

from __future__ import annotations

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    "file.at": Message("{place}: {reason}"),
}
