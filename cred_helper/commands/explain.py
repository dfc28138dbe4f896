"""``explain``: which sources answer for a server URL and why; with ``--try``, what they answer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

import click

from cred_helper.commands.lookup import explanation
from cred_helper.commands.lookup.attempt import Attempt
from cred_helper.commands.lookup.explanation import Explanation, identity_words
from cred_helper.commands.lookup.near_miss import near_miss
from cred_helper.commands.ui import this_program
from cred_helper.commands.ui.arguments import ServerURLCommand, as_json, server_url_argument
from cred_helper.commands.ui.screen import Screen, bold, dim, shown
from cred_helper.errors import CredentialError, ProviderError, printable
from cred_helper.headers import target_of
from cred_helper.providers.common.interface import FoundToken
from cred_helper.secret_shapes import without_tokens
from cred_helper.server_url import ServerURL

_WIDTH = 12
_COLOURS = {explanation.CREDENTIAL: "green", explanation.FAILURE: "red", explanation.OPEN: "cyan"}


@click.command(cls=ServerURLCommand)
@server_url_argument()
@click.option("--try", "tries", is_flag=True, help="Ask the sources, as a client does.")
@click.option("--check", "checks", is_flag=True, help="Exit with 1 if no source can answer.")
@as_json
def explain(server_url: str, tries: bool, checks: bool, json_wanted: bool) -> int:
    """Show which sources answer for a server URL, and why.

    SERVER_URL is what a client sends: a host, host:port, host/repository or an https URL. Without
    --try, only files and variables are read. No secret is shown.

    With --check, the exit status is 0 if a source can answer, as far as local files show, and 1
    otherwise. With --check and --try, it is 0 if a source answers.
    """
    screen = Screen.guarded()
    target = target_of(server_url)
    explained = Explanation(
        target.server_url if target else ServerURL.parse(server_url),
        artifacts=target is not None and target.repository is None,
    )
    attempt = Attempt(explained) if tries and not explained.error else None
    check = Check.of(explained, attempt) if checks else None
    if json_wanted:
        document = explained.document()
        if attempt:
            document["tried"] = [asked.document() for asked in attempt.asked]
            document["took_ms"] = round(attempt.took_ms)
            if document["identity"]:
                document["identity"]["id_token"] = explained.id_token_claims(asks=True) or None
        if check:
            document["check"] = check.document()
        screen.json(document)
    else:
        _Report(screen, explained, attempt, check).show()
    return 1 if check and not check.passed else 0


class Check(NamedTuple):
    """Whether a client gets a credential, as far as files (or an attempt) show.

    ``reasons`` are why, or why not; ``notices`` also have what the explanation shows.
    """

    passed: bool
    reasons: list[CredentialError]
    notices: list[CredentialError]

    @classmethod
    def of(cls, explained: Explanation, attempt: Attempt | None) -> Check:
        host = explained.server_url.redacted_host
        passed, reasons = _verdict(explained, attempt, host)
        rules = len(explained.wiring.settings.rules)
        if explained.rule is None and rules:
            count = "1 rule is" if rules == 1 else f"{rules} rules are"
            reasons.insert(0, CredentialError("doctor.no-rule-matches", host=host, rules=count))
        near = near_miss(explained.server_url) if explained.route is None else None
        return cls(passed, reasons, [near, *reasons] if near else reasons)

    def document(self) -> dict[str, Any]:
        notices = [explanation.notice(notice) for notice in self.notices]
        return {"passed": self.passed, "notices": notices}


def _verdict(
    explained: Explanation, attempt: Attempt | None, host: str
) -> tuple[bool, list[CredentialError]]:
    if attempt is not None:
        if attempt.answer.credential:
            source = attempt.asked[-1].source
            return True, [CredentialError("doctor.other-source-works", source=source, host=host)]
        failures = [a.outcome for a in attempt.asked if isinstance(a.outcome, ProviderError)]
        return False, [*failures] or [CredentialError("doctor.nothing-answers", host=host)]
    if problems := list(explained.problems()):
        return False, problems
    if explained.builtin and not explained.is_idle:
        return True, [CredentialError("doctor.identity-works")]
    names = {outlook.would_say: asked.name for asked, outlook in reversed(explained.outlooks())}
    if known := names.get(explanation.CREDENTIAL):
        return True, [CredentialError("doctor.other-source-works", source=known, host=host)]
    if asked := names.get(explanation.OPEN):
        command = this_program.command("explain", "--check", "--try", host)
        notice = CredentialError("doctor.source-open", source=asked, host=host, command=command)
        return True, [notice]
    return False, [CredentialError("doctor.nothing-answers", host=host)]


class _Report(NamedTuple):
    screen: Screen
    explained: Explanation
    attempt: Attempt | None
    check: Check | None

    def show(self) -> None:
        explained = self.explained
        self._line("server URL", bold(printable(explained.server_url.redacted)) or dim("(empty)"))
        if explained.server_url.redacted_host != explained.server_url.redacted:
            self._line("host", printable(explained.server_url.redacted_host))
        self._line("provider", f"{bold(self._provider())}: {explained.why_provider()}")
        if explained.route is None and (cause := near_miss(explained.server_url)):
            self._line("", shown(cause.reason))
            self._show_hint(cause.hint)
        if explained.rule is not None:
            self._line("rule", shown(explained.rule.place.of("match")))
        for label, text in (explained.route.facts() if explained.route else {}).items():
            self._line(label, text)
        self._show_identity()
        if explained.error is not None:
            self._show_failure("error", explained.error)
        else:
            self._show_sources()
        self._show_check()

    def _show_check(self) -> None:
        if self.check is None:
            return
        word, colour = ("passed", "green") if self.check.passed else ("failed", "red")
        self._line("check", click.style(word, fg=colour))
        for notice in self.check.reasons:
            self._line("", shown(notice.reason))
            self._show_hint(notice.hint)

    def _line(self, label: str, text: str) -> None:
        self.screen.labelled(dim(label), text, width=_WIDTH)

    def _provider(self) -> str:
        route = self.explained.route
        if route is None:
            return "none"
        missing = "" if self.explained.in_this_build() else ", which this build leaves out"
        return f"{route.cloud}{missing}"

    def _show_identity(self) -> None:
        if self.explained.identity_error:
            self._show_failure("identity", self.explained.identity_error)
        identity = self.explained.identity
        if identity is None:
            return
        self._line("identity", shown(identity_words(identity)))
        if identity.id_token is not None:
            self._show_token(identity.id_token)
        for reason, others in groupby(identity.skipped, lambda other: other.reason):
            sources = ", ".join(other.source for other in others)
            self._line("", dim(shown(f"not {sources}: {reason}")))
        for problem in self.explained.local_problems():
            self._show_failure("problem", problem)

    def _show_token(self, found: FoundToken) -> None:
        """The claims that the cloud's trust has to match; never the token."""
        claims = self.explained.id_token_claims(asks=self.attempt is not None)
        for number, (name, text) in enumerate(claims.items()):
            self._line("" if number else "token", shown(f"{name} {text}"))
        if not claims:
            audience = shown(without_tokens(found.audience))
            self._line("token", f"audience {audience}; --try shows all claims")

    def _show_sources(self) -> None:
        sources = list(self._sources())
        for number, (name, outlook) in enumerate(sources, 1):
            label = "" if number > 1 else "asked"
            words = click.style(shown(outlook.words), fg=_COLOURS.get(outlook.would_say))
            line = f"{number}. {shown(name)}: {words}"
            self._line(label, dim(line) if outlook.would_say == explanation.NOT_ASKED else line)
            self._show_hint(outlook.hint)
        if not sources:
            self._line("asked", "no source: the answer is that there are no credentials")

    def _sources(self) -> Iterator[tuple[str, explanation.Outlook]]:
        """Each source, with what it would answer or, where it was asked, has answered."""
        asked = self.attempt.asked if self.attempt else []
        for one in asked:
            words = f"{one.outlook.words}, in {one.took_ms:.0f} ms"
            yield one.source, one.outlook._replace(words=words)
        for left, outlook in self.explained.outlooks()[len(asked) :]:
            not_asked = explanation.Outlook(explanation.NOT_ASKED, "not asked")
            yield left.name, not_asked if self.attempt else outlook

    def _show_failure(self, label: str, failure: CredentialError) -> None:
        self._line(label, click.style(shown(failure.reason), fg="red"))
        self._show_hint(failure.hint)

    def _show_hint(self, hint: str | None) -> None:
        if hint:
            self._line("", dim(shown(f"hint: {hint}")))
