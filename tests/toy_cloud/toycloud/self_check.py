"""The toy cloud's side of a loopback exchange: a key, and no request."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cred_helper.providers.common.loopback import ReceivedRequest


class SelfCheck:
    """One exchange."""

    options: Mapping[str, str] = {"account": "checked"}
    secret = "token-of-checked-for-team"

    def environ(self, _keep: Callable[[str, bytes], str]) -> dict[str, str]:
        """The variable with the key."""
        return {"TOY_KEY": "made-up"}

    def answer(self, _asked: ReceivedRequest) -> object | None:
        """No request is expected."""
        return None
