"""Keys that a TOML parser takes minutes for are found first, in time that grows with the length."""

from __future__ import annotations

from time import monotonic

import pytest

from cred_helper.files.toml_keys import MOST_DOTS, line_of_deep_key

DOTTED = "a." * (MOST_DOTS + 1) + "b"
LONG = "a." * 200_000 + "b"


@pytest.mark.parametrize(
    ("toml", "line"),
    [
        (f"{DOTTED} = 1", 1),
        (f"x = 1\n[{DOTTED}]", 2),
        (f"[[{DOTTED}]]", 1),
        (f"x = {{ y = 1, {DOTTED} = 1 }}", 1),
        (DOTTED.replace(".", " . "), 1),
        (DOTTED.replace("a", "'a.a'").replace("b", '"b"'), 1),
        (f'x = """\na\\"""\n"""""\n{DOTTED} = 1', 4),
        (f"x = '''\n''''\n{DOTTED} = 1", 3),
        (LONG, 1),
        ("a." * MOST_DOTS + "b = 1", 0),
        (f'x = "{DOTTED}" # {DOTTED}', 0),
        (f"x = '{DOTTED}'", 0),
        (f'"{DOTTED}" = 1', 0),
        (f'x = """\n{DOTTED}\n"""', 0),
        (f"x = '''\n{DOTTED}\n'''", 0),
        (f"x = [{'1.5, ' * 1000}]", 0),
        (f"x = [{'1.5,' + chr(10)}" * 1000, 0),
        ("x.y = 1\n" * 1000, 0),
    ],
    ids=range(18),
)
def test_the_line_of_a_key_with_too_many_dots_is_found(toml: str, line: int) -> None:
    assert line_of_deep_key(toml) == line


PIECES = ['"', "'", '\\"', '"""\\', "'''", "#", "a", " ", "a ", "=", "."]


@pytest.mark.parametrize("piece", PIECES)
def test_the_time_grows_with_the_length(piece: str) -> None:
    begun_s = monotonic()
    line_of_deep_key(piece * (1_000_000 // len(piece)) + "." * (MOST_DOTS + 1))
    assert monotonic() - begun_s < 5
