"""The walk over a provider's identity sources: the first that has an identity is used.

Every other source is reported with the reason why it is skipped. Runs before every cached answer:
the reasons are messages of the catalogue, and become text only when they are shown.
"""

from __future__ import annotations

from cred_helper.errors import NotFound
from cred_helper.providers.common.interface import Skipped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    Found = TypeVar("Found")


def walk(
    sources: Iterable[tuple[str, Callable[[], Found | NotFound]]],
    *,
    settles: Callable[[Found], bool] = lambda _found: True,
) -> tuple[list[tuple[str, Found]], list[Skipped]]:
    """Look at the sources in order; the identities found, by their source, and the skipped sources.

    A source is a name and a function that returns an identity, or why there is none. The walk goes
    on after an identity that does not settle it, because that one may turn out not to be there.

    Raises:
        Misconfigured: from a source that is configured and cannot be used; no later one is tried.
    """
    found: list[tuple[str, Found]] = []
    skipped: list[Skipped] = []
    settled = ""
    for source, look in sources:
        outcome = NotFound("provider.comes-first", source=settled) if settled else look()
        if isinstance(outcome, NotFound):
            skipped.append(Skipped(source, outcome))
            continue
        found.append((source, outcome))
        if settles(outcome):
            settled = source
    return found, skipped
