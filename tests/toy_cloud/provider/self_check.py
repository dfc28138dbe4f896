"""The toy cloud's side of a loopback exchange: a key, and one request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cred_helper.providers.common import loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cred_helper.providers.common.loopback import ReceivedRequest


class SelfCheck:
    """One exchange."""

    options: Mapping[str, str] = {"account": "checked"}

    def __init__(self) -> None:
        """Make up a key and a token."""
        self.secret = loopback.secret()
        self._key = loopback.secret()

    def environ(self, _keep: Callable[[str, bytes], str]) -> dict[str, str]:
        """The variable with the key."""
        return {"TOY_KEY": self._key}

    def answer(self, asked: ReceivedRequest) -> object | None:
        """The token, for the key and the account."""
        given = (asked.headers.get("authorization"), asked.form.get("account"))
        return loopback.bearer(self.secret) if given == (f"Bearer {self._key}", "checked") else None
