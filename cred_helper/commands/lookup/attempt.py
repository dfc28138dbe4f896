"""One real question to the keychain, with the time that each source took. Never shows a secret."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from cred_helper import stdio
from cred_helper.commands.ui import this_program
from cred_helper.commands.ui.times import iso, left
from cred_helper.credential import Credential
from cred_helper.errors import NotFound
from cred_helper.keychain import in_context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cred_helper.commands.lookup.explanation import Explanation
    from cred_helper.errors import ProviderError
    from cred_helper.keychain import Answer, Consulted, Source
    from cred_helper.server_url import ServerURL


def required(server_url: ServerURL, answer: Answer) -> Credential:
    """The credential that a person wants to have; what went wrong although there is one is told.

    Raises:
        CredentialError: nobody has one; or the failure of who should have.
    """
    if answer.credential is None and answer.failures:
        raise in_context(server_url, *answer.failures[0])
    for source, failure in answer.failures:
        stdio.warning(f"{source}: {failure.reason}", failure.hint)
    if answer.credential is None:
        explain = this_program.command("explain", server_url.redacted)
        raise NotFound(
            f"no source has a credential for {server_url.redacted}",
            hint=f"{explain} says who is asked",
        )
    return answer.credential


class Asked:
    """One source that was asked: what it said, how long that took, and whether it was kept."""

    def __init__(self, consulted: Consulted, took_ms: float, *, cached: bool) -> None:
        self.source = consulted.source
        self.outcome: Credential | NotFound | ProviderError = consulted.outcome
        self.took_ms = took_ms
        self.cached = cached

    @property
    def outcome_word(self) -> str:
        """What came of it, in a word."""
        if isinstance(self.outcome, Credential):
            return "credential"
        return "nothing" if isinstance(self.outcome, NotFound) else "failure"

    @property
    def words(self) -> str:
        """What came of it, in a line."""
        if isinstance(self.outcome, Credential):
            expires_at = self.outcome.expires_at
            good = f", good for {left(expires_at)}" if expires_at else ""
            cached = ", from the cache" if self.cached else ""
            return f"a credential for {self.outcome.username}{good}{cached}"
        return self.outcome.reason

    @property
    def hint(self) -> str | None:
        """What to try, where it failed."""
        return None if isinstance(self.outcome, Credential) else self.outcome.hint

    def document(self) -> dict[str, Any]:
        """The same as a JSON object."""
        found = self.outcome if isinstance(self.outcome, Credential) else None
        return {
            "source": self.source,
            "outcome": self.outcome_word,
            "username": found.username if found else None,
            "expires_at": iso(found.expires_at) if found else None,
            "cached": self.cached,
            "reason": None if found else self.words,
            "hint": self.hint,
            "took_ms": round(self.took_ms),
        }


class Trial:
    """A ``get`` as a client does it, kept with what everybody said."""

    def __init__(self, explained: Explanation) -> None:
        """Ask what was looked at."""
        self._times_ms: list[float] = []
        self._is_kept = explained.kept() is not None

        def timed(_server_url: ServerURL) -> Iterator[Source]:
            for source in explained.sources:
                begun_s = monotonic()
                yield source
                # Whoever is asked next is so because this one has not answered.
                self._times_ms.append((monotonic() - begun_s) * 1000)

        begun_s = monotonic()
        self.answer = explained.wiring.keychain(timed).get(explained.server_url)
        self.took_ms = (monotonic() - begun_s) * 1000

    @property
    def asked(self) -> list[Asked]:
        """Everybody who was asked, in order."""
        # The last one answered, and so its time was never taken.
        times_ms = [*self._times_ms, self.took_ms - sum(self._times_ms)]
        return [
            Asked(consulted, took_ms, cached=self._is_kept and consulted is self.answer.trace[0])
            for consulted, took_ms in zip(self.answer.trace, times_ms, strict=False)
        ]
