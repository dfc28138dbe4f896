"""A loopback exchange: a made-up identity, and the cloud's side as its own provider declares it.

For ``self-check`` alone. ``providers/NAME/self_check.py`` of each cloud has a class ``SelfCheck``.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from json import dumps
from time import time
from typing import Protocol
from urllib.parse import parse_qsl

from cred_helper.record import Record

# Longer than any check takes.
LIFETIME_S = 3600


class ReceivedRequest(Record):
    """One request to a cloud, as it arrived; the names of ``headers`` are in lower case."""

    method: str
    host: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("ascii", "replace")))


class SelfCheck(Protocol):
    """A made-up identity of a cloud, and the cloud's answers to it.

    The provider is asked for the cloud's example host with ``options`` and ``environ``, over TLS to
    a loopback server that stands in for every host. It has to return ``secret`` and the
    user name of the row, or of ``options``.
    """

    options: Mapping[str, str]
    secret: str

    def environ(self, keep: Callable[[str, bytes], str]) -> dict[str, str]:
        """The variables of the identity; ``keep`` makes a file of a name and returns its path."""

    def answer(self, asked: ReceivedRequest) -> object | None:
        """The reply to a request, as JSON has it; ``None`` where the cloud would refuse it."""


def secret() -> str:
    """A made-up secret, another one in each process."""
    return os.urandom(24).hex()


def bearer(access_token: str) -> dict[str, object]:
    return {"access_token": access_token, "expires_in": LIFETIME_S, "token_type": "Bearer"}


def token(**claims: object) -> str:
    """A made-up token with these claims and an end, in the form of a JSON web token."""
    ends = {"iat": int(time()), "exp": int(time()) + LIFETIME_S}
    parts = [dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, {**ends, **claims})]
    encoded = (urlsafe_b64encode(part).rstrip(b"=") for part in (*parts, os.urandom(32)))
    return b".".join(encoded).decode("ascii")
