"""Messages about Google's registries."""

from __future__ import annotations

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {}
