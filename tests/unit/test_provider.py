"""What providers are asked with."""

from __future__ import annotations

import pytest

from cred_helper.providers.common.interface import seconds


@pytest.mark.parametrize(
    ("amount_s", "told"),
    [(3000.0, "3000"), (24.97, "25"), (4.98, "5"), (0.5, "0.5"), (0.0832, "0.08"), (0.0, "0")],
)
def test_no_time_is_told_as_none_that_was_some(amount_s: float, told: str) -> None:
    assert seconds(amount_s) == told
