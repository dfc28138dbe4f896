"""One real ``get``, with the time that each source took. Never shows a secret."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from cred_helper import stdio
from cred_helper.commands.lookup.explanation import (
    CREDENTIAL,
    FAILURE,
    NOTHING,
    Explanation,
    Outlook,
)
from cred_helper.commands.ui import this_program
from cred_helper.commands.ui.times import iso, left
from cred_helper.credential import Credential
from cred_helper.errors import NotFound, ProviderError
from cred_helper.keychain import Answer, in_context
from cred_helper.secret_shapes import shown
from cred_helper.server_url import ServerURL

if TYPE_CHECKING:
    from cred_helper.keychain import Source


def required(server_url: ServerURL, answer: Answer) -> Credential:
    """The credential of an answer; failures on the way to it are warnings."""
    if answer.credential is None and answer.failures:
        raise in_context(server_url, *answer.failures[0])
    for source, failure in answer.failures:
        stdio.warning(failure.within("file.at", place=source))
    if answer.credential is None:
        command = this_program.command("explain", server_url.redacted)
        raise NotFound("login.no-credential", server_url=server_url.redacted, command=command)
    return answer.credential


class AskedSource(NamedTuple):
    """One source that was asked: its outcome, the time it took, whether the token was cached."""

    source: str
    outcome: Credential | NotFound | ProviderError
    took_ms: float
    cached: bool

    @property
    def outlook(self) -> Outlook:
        """The outcome in one word and in one line, with what to try where there is none."""
        if not isinstance(self.outcome, Credential):
            is_nothing = isinstance(self.outcome, NotFound)
            return Outlook.of(NOTHING if is_nothing else FAILURE, self.outcome)
        expires_at = self.outcome.expires_at
        good = f", valid for {left(expires_at)}" if expires_at else ""
        cached = ", from the cache" if self.cached else ""
        return Outlook(CREDENTIAL, f"{self.outcome.words}{good}{cached}")

    def document(self) -> dict[str, Any]:
        found = self.outcome if isinstance(self.outcome, Credential) else None
        outlook = self.outlook
        return {
            "source": self.source,
            "outcome": outlook.would_say,
            "username": shown(found.username) if found else None,
            "expires_at": iso(found.expires_at) if found else None,
            "cached": self.cached,
            "code": outlook.code,
            "reason": None if found else outlook.words,
            "hint": outlook.hint,
            "took_ms": round(self.took_ms),
        }


class Attempt:
    """A ``get`` as a client makes it, with what each source answered."""

    def __init__(self, explained: Explanation) -> None:
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
    def asked(self) -> list[AskedSource]:
        # The last one answered, so that its time was not taken.
        times_ms = [*self._times_ms, self.took_ms - sum(self._times_ms)]
        cached = [self._is_kept, *[False] * len(times_ms)]
        return [
            AskedSource(consulted.source, consulted.outcome, took_ms, is_cached)
            for consulted, took_ms, is_cached in zip(
                self.answer.trace, times_ms, cached, strict=False
            )
        ]
