"""Messages about ``configure`` and what it writes."""

from __future__ import annotations

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {}
