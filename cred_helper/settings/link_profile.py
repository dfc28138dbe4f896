"""The settings that a link's name sets: this program then stands in for another helper."""

from __future__ import annotations

from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cred_helper.hosts import Route


class LinkProfile(Record):
    """The settings that a name sets.

    ``helper`` is the helper that the program stands in for, ``""`` under its own name. ``cloud`` is
    the only cloud that answers, and ``order`` replaces the setting of that name; ``None`` is no
    change. ``options`` are what the helper's own variables choose for a registry.
    ``ignores_logins`` is whether a login to any registry is to succeed without being kept.
    """

    helper: str = ""
    cloud: str | None = None
    order: tuple[str, ...] | None = None
    options: Callable[[Route], dict[str, str]] = lambda _route: {}
    ignores_logins: bool = False


OWN_NAME = LinkProfile()
