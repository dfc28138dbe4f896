"""Writes the manual page and completions to DIST: ``python -m freeze.companions DIST``."""

import subprocess
import sys
from pathlib import Path

from freeze import manual

PROGRAM = manual.PROGRAM
# The names that shells look for: zsh finds a function by its file.
COMPLETIONS = {"bash": f"{PROGRAM}.bash", "zsh": f"_{PROGRAM}", "fish": f"{PROGRAM}.fish"}


def completion(program: Path, shell: str) -> bytes:
    """The completion script of the file for a shell."""
    command = [program.resolve(), "completion", shell]
    return subprocess.run(command, check=True, capture_output=True).stdout


def write(dist: Path) -> list[Path]:
    """Write all of them to ``dist``; their paths."""
    contents = {f"{PROGRAM}.1": manual.page().encode()}
    for shell, name in COMPLETIONS.items():
        contents[name] = completion(dist / PROGRAM, shell)
    for name, content in contents.items():
        (dist / name).write_bytes(content)
    return [dist / name for name in contents]


if __name__ == "__main__":
    print(*write(Path(sys.argv[1])), sep="\n")
