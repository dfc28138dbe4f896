"""A step: one request of a ``get`` that can fail.

A step is reached by the identity that needs it, on a cloud that does everything else right. The
clouds' APIs have their real names behind a proxy; the machine's own services are on loopback.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.fuzz.target import SECRET
from tests.support.identity import Make

Ending = Callable[[str, datetime | None], str]
"""Gives the text of a reply another end of its token's life; ``None`` leaves it out."""


@dataclass(frozen=True)
class Step:
    """One request on the way to a token, and the identity that makes it.

    ``server`` is the host of the request; empty for a service of the machine, on loopback.
    ``at_most`` is the largest number of requests in one ``get``. ``headers`` are in every reply of
    the server. ``ending`` changes the expiry in the reply. A short run takes the ``main`` steps for
    the others of their kind. ``first`` is the first step through a proxy. The server refuses a
    ``signed`` request if the clocks differ. ``replies`` are what the fuzzer starts from, with its
    secret in them; a step without replies has no fuzzer.
    """

    name: str
    registry: str
    identity: Make
    path: str
    server: str = ""
    at_most: int = 3
    headers: Mapping[str, str] = field(default_factory=dict)
    ending: Ending | None = None
    main: bool = False
    first: bool = False
    signed: bool = False
    replies: tuple[bytes, ...] = ()


def reply(value: object, status: str = "200 OK", **headers: str) -> bytes:
    """A reply as it is sent: text as it is, anything else as JSON."""
    is_text = isinstance(value, str)
    sent = {"Content-Type": "text/xml" if is_text else "application/json", **headers}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {text}" for name, text in sent.items())]
    body = str(value) if is_text else json.dumps(value)
    return ("\r\n".join(lines) + f"\r\n\r\n{body}").encode()


# A bearer token as OAuth has it, and the beginning of a JSON web token with an end.
OAUTH = {"access_token": SECRET, "token_type": "Bearer", "expires_in": 3600}
WITH_END = "e30.eyJleHAiOjE5MDAwMDAwMDB9"


def json_ending(field: str, form: Callable[[datetime], object]) -> Ending:
    """The expiry of a token, in a field of a JSON object at any depth."""
    member = re.compile(rf',?\s*"{field}":\s*("[^"]*"|[0-9.]+)')

    def change(text: str, ends_at: datetime | None) -> str:
        assert member.search(text), text
        if ends_at is None:
            return member.sub("", text).replace("{,", "{")
        value = json.dumps(form(ends_at))
        return member.sub(lambda found: found[0].replace(found[1], value), text)

    return change


def iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def seconds_left(moment: datetime) -> int:
    return int((moment - datetime.now(UTC)).total_seconds())


EXPIRES_IN = json_ending("expires_in", seconds_left)
