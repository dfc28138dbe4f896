"""Messages about files of any kind."""

from __future__ import annotations

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    "file.at": Message("{place}: {reason}"),
    "file.not-ini": Message("{path} cannot be parsed: line {line} is not valid"),
    "file.unreadable": Message("{path} cannot be read: {reason}"),
}
