"""The catalogue: every message that a user can see, by its stable code.

A code is ``area.name``, as in ``ecr.sso-expired``. The messages of an area stand in one module:
those of a built-in provider in ``providers/NAME/messages.py``, the others here. An error carries
its code and the values for the placeholders; the text is looked up when the message is shown, so
that a ``get`` which succeeds loads none of this.

The errors page of the documentation is generated from this catalogue. Tests compare codes; the
wording stands here and in the transcripts, nowhere else.
"""

from __future__ import annotations

from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Message(Record):
    """One message.

    ``text`` and ``hint`` are templates for ``str.format``. ``text`` says what failed, in lower case
    and without a final stop; ``hint`` is one command or setting to try, if there is one. ``cause``
    and ``cure`` are sentences for the errors page: when this happens, and what to do about it. They
    are left out where text and hint say all there is to say.
    """

    text: str
    hint: str = ""
    cause: str = ""
    cure: str = ""


# The hint where another server than the one that was asked seems to have answered.
IN_BETWEEN = "is a proxy or a sign-in page in between?"
# The hint where the time is over. ``wiring.ANONYMOUS_DEADLINE_S`` has the five seconds.
DEADLINE = (
    "DOCKER_CREDENTIAL_MULTI_DEADLINE_S is the time that a get may take; a public registry has at"
    " most 5 s of it"
)

# The areas whose messages stand beside this module.
AREAS = (
    "bazel", "cache", "client", "compat", "configure", "doctor", "fallback", "file", "helper",
    "internal", "kubelet", "login", "network", "node", "oidc", "provider", "selfcheck", "settings",
    "store",
)  # fmt: skip


def find(code: str) -> Message:
    """Look up a message.

    Raises:
        KeyError: no message has this code. A test checks every code that the source mentions.
    """
    return catalogue(code.partition(".")[0])[code]


def catalogue(area: str) -> Mapping[str, Message]:
    """All messages of an area, by their codes."""
    name = f"{__name__}.{area}" if area in AREAS else f"cred_helper.providers.{area}.messages"
    module = __import__(name, fromlist=["MESSAGES"])
    messages: Mapping[str, Message] = module.MESSAGES
    return messages
