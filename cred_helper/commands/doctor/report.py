"""Findings as lines of text, and the count of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cred_helper.commands.doctor.finding import ERROR, NOTE, OK, WARNING
from cred_helper.commands.ui.screen import bold, dim, shown
from cred_helper.errors import printable

if TYPE_CHECKING:
    from cred_helper.commands.doctor.finding import Finding
    from cred_helper.commands.ui.screen import Screen

_MARKS = {
    OK: ("ok", "green"),
    NOTE: ("note", "cyan"),
    WARNING: ("warn", "yellow"),
    ERROR: ("FAIL", "red"),
}
_MARK_WIDTH, _SUBJECT_WIDTH = 6, 10


def show(screen: Screen, finding: Finding) -> None:
    """Show a finding with its hint and its command."""
    mark, colour = _MARKS[finding.severity]
    styled = click.style(
        f"{mark:<{_MARK_WIDTH}}", fg=colour, bold=finding.severity == ERROR or None
    )
    screen.labelled(
        f"{styled}{finding.subject:<{_SUBJECT_WIDTH - 1}} ",
        shown(finding.notice.reason),
        width=_MARK_WIDTH + _SUBJECT_WIDTH,
    )
    if finding.severity == OK:
        return
    indent = " " * (_MARK_WIDTH + _SUBJECT_WIDTH)
    if hint := finding.notice.hint:
        screen.line(f"{indent}{dim(f'hint: {shown(hint)}')}")
    if finding.command:
        screen.line(f"{indent}{dim('run:')}  {printable(finding.command)}")


def verdict(found: list[Finding]) -> str:
    """The number of errors and warnings, in words."""
    counts = {
        severity: sum(finding.severity == severity for finding in found)
        for severity in (ERROR, WARNING)
    }
    if not any(counts.values()):
        return bold("all is well")
    return bold(", ".join(f"{n} {kind}{'' if n == 1 else 's'}" for kind, n in counts.items()))
