"""Options of a provider that are on or off."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.common.interface import TokenRequest


def flag(request: TokenRequest, name: str, *, default: bool) -> bool:
    """The value of an option that is on or off.

    Raises:
        Misconfigured: it is neither.
    """
    text = request.options.get(name, "").lower()
    if text in ("true", "on", "1"):
        return True
    if text in ("false", "off", "0"):
        return False
    if text:
        raise request.wrong(name, "provider.not-a-flag", name=name)
    return default
