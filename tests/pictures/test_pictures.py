"""The pictures of README show the program's output; ``make pictures`` draws them again."""

from __future__ import annotations

from tests.pictures.drawn import FOLDER, drawn, new_words
from tests.pictures.svg import picture


def test_every_picture_is_current() -> None:
    for name, shown in drawn().items():
        path = FOLDER / f"{name}.svg"
        new = new_words(path.read_text("utf-8"), shown)
        assert new == [], f"{path.name} is old: make pictures"


def test_a_picture_has_every_word_with_its_colour() -> None:
    for seen, words in (
        ("a < b & c", [">a &lt; b &amp; c<"]),
        ("\x1b[31m\x1b[1mFAIL\x1b[0m   well", [' class="s31 s1">FAIL<', ">well<"]),
        ("progress 1 of 2\r\x1b[Kdone", [">done<"]),
    ):
        shown = picture("x", seen, 80)
        line = shown.splitlines()[-2]
        assert all(word in line for word in words), line
        assert line.count("<tspan") == len(words)
        assert "url(" not in shown
        assert "\x1b" not in shown


def test_pictures_with_other_figures_are_the_same() -> None:
    one = picture("x", "in 12 ms\nin 3 ms: b", 80)
    assert new_words(one, picture("x", "in 7 ms: b\nin 1.5 ms", 80)) == []
    assert len(new_words(one, picture("x", "in 12 ms\nin 3 ms: c", 80))) == 2
