"""README says of the program what it says itself; ``python -m tests.readme`` mends it."""

from __future__ import annotations

import pytest

from tests import readme
from tests.messages import collected

_TEXT = readme.README.read_text("utf-8")


def _needs(kind: str) -> pytest.MarkDecorator:
    missing = not any(readme.places(_TEXT, kind))
    return pytest.mark.skipif(missing, reason=f"README has no place filled with {kind}")


@_needs("help")
def test_the_help_in_the_readme_is_the_real_one() -> None:
    assert readme.places(readme.made_anew(_TEXT), "help") == readme.places(_TEXT, "help")


@_needs("settings")
def test_the_settings_in_the_readme_are_the_real_ones() -> None:
    assert readme.places(readme.made_anew(_TEXT), "settings") == readme.places(_TEXT, "settings")


@_needs("errors")
def test_every_message_in_the_code_has_its_cause_and_cure_in_the_readme() -> None:
    untold = [
        f"{message.module}:{message.line}: {message.text}" for message in readme.untold(_TEXT)
    ]
    assert not untold


@_needs("errors")
def test_every_message_in_the_readme_is_one_of_the_codes() -> None:
    assert not readme.never_told(_TEXT)


# --- The check itself -----------------------------------------------------------------------------


def test_a_place_is_filled_with_what_the_program_says() -> None:
    text = "a\n<!-- help: config show -->\nold\n<!-- end -->\nb\n<!-- errors -->\nx\n<!-- end -->\n"
    filled = readme.made_anew(text)
    assert "$ docker-credential-multi config show --help\nUsage: " in filled
    assert "old" not in filled
    assert filled.startswith("a\n<!-- help: config show -->\n")
    assert filled.endswith("<!-- end -->\nb\n<!-- errors -->\nx\n<!-- end -->\n")
    assert readme.made_anew(filled) == filled


def test_messages_are_collected_with_what_is_filled_in_left_open() -> None:
    texts = {message.text for message in collected()}
    assert "no credentials server URL" in texts  # a constant, from another module
    assert "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not" in texts
    assert "it failed with exit status …" in texts  # put together before it is raised
    assert "unknown setting …" in texts  # said of a line of a file
    assert len(texts) > 200


def test_a_row_is_for_one_message_or_for_those_that_begin_alike() -> None:
    row = "| `it failed with exit status …` <br> `nobody says this` | | |\n"
    table = f"<!-- errors -->\n{row}<!-- end -->\n"
    assert readme.never_told(table) == ["nobody says this"]
    untold = {message.text for message in readme.untold(table)}
    assert "it failed with exit status …" not in untold
    assert "unknown setting …" in untold
