"""Messages about what all built-in providers share."""

from __future__ import annotations

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    "provider.no-credential": Message("no credential for {host} from {source}: {reason}"),
}
