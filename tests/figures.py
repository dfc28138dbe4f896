"""What a test run has to show for itself: figures that tests record, printed at its end.

def test_…(record_property: Record) -> None:
    record_property("figures", "548 faults tried")
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

Record = Callable[[str, object], None]
FIGURES = "figures"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print them, from whichever process they come."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    recorded = [pair for report in reports for pair in getattr(report, "user_properties", ())]
    figures = dict.fromkeys(text for name, text in recorded if name == FIGURES)
    if figures:
        terminalreporter.section(FIGURES)
        for text in figures:
            terminalreporter.line(str(text))
