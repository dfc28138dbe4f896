"""The pictures of README show the program's output; ``make pictures`` draws them again."""

from __future__ import annotations

import pytest

from tests.pictures.drawn import FOLDER, drawn, is_same
from tests.pictures.svg import picture


def test_every_picture_is_current() -> None:
    for name, shown in drawn().items():
        path = FOLDER / f"{name}.svg"
        assert is_same(path.read_text("utf-8"), shown), f"{path.name} is old: make pictures"


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ("a < b & c", ["a &lt; b &amp; c"]),
        ("\x1b[32mok\x1b[0m   well", ["ok", "well"]),
        ("progress 1 of 2\r\x1b[Kdone", ["done"]),
        ("two  words", ["two", "words"]),
    ],
)
def test_a_picture_has_every_word_in_its_place(seen: str, words: list[str]) -> None:
    shown = picture("x", seen, 80).splitlines()[-2]
    for word in words:
        assert f">{word}</tspan>" in shown
    assert shown.count("<tspan") == len(words)


def test_a_picture_contains_its_colours_and_no_reference_to_another_file() -> None:
    shown = picture("x", "\x1b[31m\x1b[1mFAIL\x1b[0m \x1b[2mdim\x1b[0m", 80)
    assert '<tspan x="16.0" textLength="33.6" class="s31 s1">FAIL</tspan>' in shown
    assert 'class="s2">dim</tspan>' in shown
    assert "url(" not in shown
    assert "\x1b" not in shown


def test_pictures_with_other_figures_are_the_same() -> None:
    one = picture("x", "in 12 ms\nin 3 ms: b", 80)
    assert is_same(one, picture("x", "in 7 ms: b\nin 1.5 ms", 80))
    assert not is_same(one, picture("x", "in 12 ms\nin 3 ms: c", 80))
