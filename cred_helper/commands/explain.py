"""``explain``: which way a server URL would go, and why; with ``--try``, how that went."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from cred_helper.commands.lookup import explanation
from cred_helper.commands.lookup.attempt import Trial
from cred_helper.commands.lookup.explanation import Explanation, identity_words
from cred_helper.commands.ui.arguments import ServerURLCommand, as_json, server_url_argument
from cred_helper.commands.ui.screen import Screen, bold, dim, shown
from cred_helper.errors import Misconfigured, printable
from cred_helper.hosts import AcrRoute, EcrRoute, GcrRoute, Route
from cred_helper.server_url import ServerURL

if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDTH = 12
_COLOURS = {
    explanation.CREDENTIAL: "green",
    explanation.FAILURE: "red",
    explanation.OPEN: "cyan",
}


@click.command(cls=ServerURLCommand)
@server_url_argument()
@click.option("--try", "tries", is_flag=True, help="Really ask, as a client would.")
@as_json
def explain(server_url: str, tries: bool, json_wanted: bool) -> None:
    """Say which way a server URL would go, and why.

    SERVER_URL is what a client sends: a host, host:port, host/repository or a https URL. Nobody is
    asked but files and variables, unless --try is given. No secret is shown.
    """
    screen = Screen.guarded()
    explained = Explanation(ServerURL.parse(server_url))
    trial = Trial(explained) if tries and not explained.error else None
    if json_wanted:
        screen.json(explained.document() | _tried(trial))
    else:
        _Report(screen, explained, trial).show()


def _tried(trial: Trial | None) -> dict[str, Any]:
    if trial is None:
        return {}
    return {"tried": [asked.document() for asked in trial.asked], "took_ms": round(trial.took_ms)}


class _Report:
    """An explanation as labelled lines for a person."""

    def __init__(self, screen: Screen, explained: Explanation, trial: Trial | None) -> None:
        self._screen = screen
        self._explained = explained
        self._trial = trial

    def show(self) -> None:
        explained = self._explained
        self._line("server URL", bold(printable(explained.server_url.redacted)) or dim("(empty)"))
        if explained.server_url.redacted_host != explained.server_url.redacted:
            self._line("host", printable(explained.server_url.redacted_host))
        self._line("provider", f"{bold(self._provider())}: {explained.why_provider()}")
        if explained.rule is not None:
            self._line("rule", shown(explained.rule.place.of("match")))
        for label, text in _facts(explained.route):
            self._line(label, text)
        self._show_identity()
        if explained.error is not None:
            self._line("error", click.style(shown(explained.error.reason), fg="red"))
            self._show_hint(explained.error.hint)
        else:
            self._show_sources()

    def _line(self, label: str, text: str) -> None:
        self._screen.labelled(dim(label), text, width=_WIDTH)

    def _provider(self) -> str:
        route = self._explained.route
        if route is None:
            return "none"
        missing = "" if self._explained.in_this_build() else ", which this build is made without"
        return f"{route.provider}{missing}"

    def _show_identity(self) -> None:
        identity = self._explained.identity
        if identity is None:
            return
        if isinstance(identity, Misconfigured):
            self._line("identity", click.style(shown(identity.reason), fg="red"))
            self._show_hint(identity.hint)
            return
        self._line("identity", shown(identity_words(identity)))
        for reason, others in groupby(identity.skipped, lambda other: other.reason):
            sources = ", ".join(other.source for other in others)
            self._line("", dim(shown(f"not {sources}: {reason}")))

    def _show_sources(self) -> None:
        sources = list(self._sources())
        for number, (name, outlook) in enumerate(sources, 1):
            label = "" if number > 1 else "asked"
            words = click.style(shown(outlook.words), fg=_COLOURS.get(outlook.would_say))
            line = f"{number}. {shown(name)}: {words}"
            self._line(label, dim(line) if outlook.would_say == explanation.NOT_ASKED else line)
            self._show_hint(outlook.hint)
        if not sources:
            self._line("asked", "nobody: the answer is that there are no credentials")

    def _sources(self) -> Iterator[tuple[str, explanation.Outlook]]:
        """Each source, with what it would say or, where it was asked, has said."""
        asked = self._trial.asked if self._trial else []
        for one in asked:
            words = f"{one.words}, in {one.took_ms:.0f} ms"
            yield one.source, explanation.Outlook(one.outcome_word, words, one.hint)
        for left, outlook in self._explained.outlooks()[len(asked) :]:
            not_asked = explanation.Outlook(explanation.NOT_ASKED, "not asked")
            yield left.name, not_asked if self._trial else outlook

    def _show_hint(self, hint: str | None) -> None:
        if hint:
            self._line("", dim(shown(f"hint: {hint}")))


def _facts(found: Route | None) -> list[tuple[str, str]]:
    """What the host's own name says."""
    match found:
        case EcrRoute():
            kinds = ["FIPS"] * found.fips + ["dual-stack"] * found.dual_stack
            kinds += ["public"] * found.public
            return [
                ("region", f"{found.region} in partition {found.partition}"),
                ("endpoint", ", ".join(kinds) or "standard"),
            ]
        case GcrRoute():
            return [("universe", found.universe_domain)]
        case AcrRoute() if found.cloud.closed:
            return [("cloud", f"closed in {found.cloud.closed}; it is never called")]
        case AcrRoute():
            return [("authority", found.cloud.authorities[0])]
    return []
