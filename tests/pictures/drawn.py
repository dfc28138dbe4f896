"""The pictures, and whether two of them are the same."""

from __future__ import annotations

import re
import shlex
import tempfile
from collections import Counter
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
    pictures = {}
    with tempfile.TemporaryDirectory() as folder, laptop(Path(folder)) as person:
        person.environment |= {"COLUMNS": str(_COLUMNS)}
        for name, command in _COMMANDS.items():
            _, seen = person.at_terminal(*shlex.split(command))
            # Command lines contain the whole path of the home folder.
            seen = seen.replace(str(person.home), "~")
            pictures[name] = picture(f"{PROGRAM} {command}", seen, _COLUMNS)
    return pictures


def new_words(old: str, new: str) -> list[str]:
    """The words that only one picture has: not figures, line ends and the order of answers."""
    before, after = Counter(_words(old)), Counter(_words(new))
    return [*(before - after).elements(), *(after - before).elements()]


def _words(picture: str) -> list[str]:
    """The words of a picture with their colours, sorted, without its figures."""
    found = []
    for attributes, text in re.findall(r"<tspan([^>]*)>([^<]*)</tspan>", picture):
        colour = "".join(re.findall(r'class="[^"]*"', attributes))
        words = re.sub(r"\d[\d.]*( m?s\b)?", "0", text).split()
        found += [f"{colour} {word}" for word in words]
    return sorted(found)
