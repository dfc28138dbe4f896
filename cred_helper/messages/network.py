"""Messages about connections, TLS and proxies."""

from __future__ import annotations

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {}
