"""Messages about this program's settings and rules."""

from __future__ import annotations

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {}
