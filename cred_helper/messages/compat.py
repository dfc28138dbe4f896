"""Messages about links by which this program stands in for another helper."""

from __future__ import annotations

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {}
