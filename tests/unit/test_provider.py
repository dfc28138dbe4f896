"""The request to a provider."""

from __future__ import annotations

import pytest

from cred_helper.providers.common.interface import seconds


@pytest.mark.parametrize(
    ("amount_s", "text"),
    [(3000.0, "3000"), (24.97, "25"), (4.98, "5"), (0.5, "0.5"), (0.0832, "0.08"), (0.0, "0")],
)
def test_a_fraction_of_a_second_is_not_shown_as_zero(amount_s: float, text: str) -> None:
    assert seconds(amount_s) == text
