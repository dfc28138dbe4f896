"""Messages about defects and limits of this program itself."""

from __future__ import annotations

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    "internal.fault": Message(
        "internal error: {error}{where}",
        "report it, with the output of docker-credential-multi version",
        cause="A defect of this program. The error's own text is not shown: it could be a secret.",
    ),
}
