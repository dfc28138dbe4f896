"""Messages about our own store of logins."""

from __future__ import annotations

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    "store.answered-otherwise": Message(
        "the login to {host} is not kept: {source} answers for it",
        "to have it kept, name a helper for {host} under credHelpers in docker's config.json",
        cause="A token of the cloud, or the answer of a rule, comes before a login here.",
    ),
}
