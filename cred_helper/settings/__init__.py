"""The words that settings and rules share: the kinds of sources, and a time such as ``45m``."""

from __future__ import annotations

# The sources of a get: variables that name the host, the cloud of the host, what docker's
# config.json and its relatives name (our own store last), and the variables of a CI system. Those
# come last because every job has them: a login made on purpose is better.
VARIABLES, CLOUD, CONFIG_JSON, CI_VARIABLES = "environment", "cloud", "config", "ci"
# What a rule puts in their place: a helper, or one of its answers.
HELPER = "helper"
ANSWERS = ANONYMOUS, EMPTY, REFUSED = "anonymous", "empty", "none"

_UNITS_S = {"s": 1, "m": 60, "h": 3600}
_MAX_LIFE_S = 12 * 3600
LIFETIME_WORDS = 'a number of seconds, or a time such as "45m" or "2h", up to 12h'


def lifetime(value: object) -> float:
    """The seconds of a number, or of a text such as ``45m``.

    Raises:
        ValueError: it is neither, or more than any cloud's token lives.
    """
    if isinstance(value, str):
        unit_s = _UNITS_S.get(value[-1:], 1)
        text = value[:-1] if value[-1:] in _UNITS_S else value
        value = int(text) * unit_s if text.isascii() and text.isdigit() else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError  # noqa: TRY004 - what callers of a check expect
    if not 0 <= value <= _MAX_LIFE_S:
        raise ValueError
    return float(value)
