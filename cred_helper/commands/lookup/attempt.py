"""One real ``get``, with the time that each source took. Never shows a secret."""

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
    """The credential of an answer; failures on the way to it are warnings.

    Raises:
        CredentialError: there is none; the first failure says why, where a source failed.
    """
    if answer.credential is None and answer.failures:
        raise in_context(server_url, *answer.failures[0])
    for source, failure in answer.failures:
        stdio.warning(failure.within("file.at", place=source))
    if answer.credential is None:
        command = this_program.command("explain", server_url.redacted)
        raise NotFound("login.no-credential", server_url=server_url.redacted, command=command)
    return answer.credential


class Asked:
    """One source that was asked: its outcome, the time it took, whether the token was cached."""

    def __init__(self, consulted: Consulted, took_ms: float, *, cached: bool) -> None:
        self.source = consulted.source
        self.outcome: Credential | NotFound | ProviderError = consulted.outcome
        self.took_ms = took_ms
        self.cached = cached

    @property
    def outcome_word(self) -> str:
        """The outcome in one word."""
        if isinstance(self.outcome, Credential):
            return "credential"
        return "nothing" if isinstance(self.outcome, NotFound) else "failure"

    @property
    def words(self) -> str:
        """The outcome in one line."""
        if isinstance(self.outcome, Credential):
            expires_at = self.outcome.expires_at
            good = f", good for {left(expires_at)}" if expires_at else ""
            cached = ", from the cache" if self.cached else ""
            return f"{self.outcome.words}{good}{cached}"
        return self.outcome.reason

    @property
    def code(self) -> str | None:
        """The code of the message, where there is no credential."""
        return None if isinstance(self.outcome, Credential) else self.outcome.code

    @property
    def hint(self) -> str | None:
        """What to try, where there is no credential."""
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
            "code": self.code,
            "reason": None if found else self.words,
            "hint": self.hint,
            "took_ms": round(self.took_ms),
        }


class Attempt:
    """A ``get`` as a client makes it, with what each source answered."""

    def __init__(self, explained: Explanation) -> None:
        """Ask the sources of an explanation."""
        self._times_ms: list[float] = []
        self._is_kept = explained.kept() is not None

        def timed() -> Iterator[Source]:
            for source in explained.sources:
                begun_s = monotonic()
                yield source
                # The next source is taken only when this one has not answered.
                self._times_ms.append((monotonic() - begun_s) * 1000)

        begun_s = monotonic()
        self.answer = explained.wiring.ask(explained.resolution, timed())
        self.took_ms = (monotonic() - begun_s) * 1000

    @property
    def asked(self) -> list[Asked]:
        """The sources that were asked, in order."""
        # The last one answered, so that its time was not taken.
        times_ms = [*self._times_ms, self.took_ms - sum(self._times_ms)]
        return [
            Asked(consulted, took_ms, cached=self._is_kept and consulted is self.answer.trace[0])
            for consulted, took_ms in zip(self.answer.trace, times_ms, strict=False)
        ]
