"""Findings as lines of text, and the count of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click

from cred_helper.commands.doctor.finding import ERROR, NOTE, OK, WARNING, Finding
from cred_helper.commands.ui.screen import Screen, bold, dim, shown
from cred_helper.errors import printable

_MARKS = {
    OK: ("ok", "green"),
    NOTE: ("note", "cyan"),
    WARNING: ("warn", "yellow"),
    ERROR: ("FAIL", "red"),
}
_MARK_WIDTH, _SUBJECT_WIDTH = 6, 10


def report(
    screen: Screen,
    findings: Iterable[Finding],
    json_wanted: bool,
    clear: Callable[[], None] = lambda: None,
) -> int:
    """Show findings as they come, and their count; the exit status of the command.

    ``clear`` removes the progress from the terminal.
    """
    found = []
    for finding in findings:
        found.append(finding)
        if not json_wanted:
            clear()
            _show(screen, finding)
    clear()
    if json_wanted:
        screen.json([finding.document() for finding in found])
    else:
        screen.line(_verdict([finding.severity for finding in found]))
    return 1 if any(finding.severity == ERROR for finding in found) else 0


def _show(screen: Screen, finding: Finding) -> None:
    mark, colour = _MARKS[finding.severity]
    is_bold = finding.severity == ERROR or None
    styled = click.style(f"{mark:<{_MARK_WIDTH}}", fg=colour, bold=is_bold)
    label = f"{styled}{finding.subject:<{_SUBJECT_WIDTH - 1}} "
    width = _MARK_WIDTH + _SUBJECT_WIDTH
    screen.labelled(label, shown(finding.notice.reason), width=width)
    if finding.severity == OK:
        return
    if hint := finding.notice.hint:
        screen.line(f"{'':{width}}{dim(f'hint: {shown(hint)}')}")
    if finding.command:
        screen.line(f"{'':{width}}{dim('run:')}  {printable(finding.command)}")


def _verdict(severities: list[str]) -> str:
    counts = [(severities.count(kind), kind) for kind in (ERROR, WARNING)]
    if not any(number for number, _ in counts):
        return bold("all is well")
    return bold(
        ", ".join(f"{number} {kind}{'' if number == 1 else 's'}" for number, kind in counts)
    )
