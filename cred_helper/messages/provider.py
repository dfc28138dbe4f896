"""Messages about what all built-in providers share."""

from __future__ import annotations

from cred_helper.messages import Message

MESSAGES: dict[str, Message] = {
    # Why an identity source is skipped.
    "provider.comes-first": Message("{source} comes first"),
    "provider.variable-not-set": Message("{variable} is not set"),
    "provider.program-not-on-path": Message("{program} is not on PATH"),
    "provider.program-by-relative-path": Message(
        "{program} is on PATH only by a relative folder, which is not used"
    ),
    "provider.sdk-failed": Message("the SDK failed with {error}"),
    "provider.no-answer": Message(
        "no answer{waiting} within {seconds} s",
        "DOCKER_CREDENTIAL_MULTI_DEADLINE_S is the time that a get may take",
    ),
    "provider.no-credential": Message("no credential for {host} from {source}: {reason}"),
}
