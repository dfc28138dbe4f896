"""The pictures, and whether two of them are the same."""

from __future__ import annotations

import re
import shlex
import tempfile
from pathlib import Path

from tests.pictures.scene import laptop
from tests.pictures.svg import picture
from tests.support.executable import PROGRAM, ROOT

FOLDER = ROOT / "packaging" / "pictures"
_COLUMNS = 100
# In this order: the second shows what the first leaves in the cache.
_COMMANDS = {
    "explain": "explain --try 123456789012.dkr.ecr.us-east-1.amazonaws.com",
    "doctor": "doctor --online",
}


def drawn() -> dict[str, str]:
    """Draw the pictures; by name."""
    pictures = {}
    with tempfile.TemporaryDirectory() as folder, laptop(Path(folder)) as person:
        person.environment |= {"COLUMNS": str(_COLUMNS)}
        for name, command in _COMMANDS.items():
            _, seen = person.at_terminal(*shlex.split(command))
            # Command lines contain the whole path of the home folder.
            seen = seen.replace(str(person.home), "~")
            pictures[name] = picture(f"{PROGRAM} {command}", seen, _COLUMNS)
    return pictures


def is_same(one: str, other: str) -> bool:
    """Whether two pictures differ only in figures and in the order of answers."""
    return _without_figures(one) == _without_figures(other)


def _without_figures(text: str) -> list[str]:
    return sorted(re.sub(r"\d[\d.]*", "0", text).splitlines())
