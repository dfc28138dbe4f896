"""``-h`` and ``--help``: every command says what it is for, in lines that fit a terminal."""

from __future__ import annotations

import pytest

from tests.contract.person import PROGRAM, Person, person

__all__ = ["person"]

_COMMANDS = [
    "",
    "cache",
    "cache clear",
    "cache list",
    "completion",
    "config",
    "config show",
    "configure",
    "doctor",
    "explain",
    "providers",
    "token",
]


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_has_a_help_that_can_be_read(person: Person, command: str) -> None:
    done = person.run(*command.split(), "--help")
    assert (done.status, done.stderr) == (0, "")
    assert person.run(*command.split(), "-h").stdout == done.stdout
    lines = done.stdout.decode().splitlines()
    assert lines[0].startswith(f"Usage: {PROGRAM} {command}".rstrip())
    assert not [
        line for line in lines[1:] if len(line) > 85 or "\\" in line or line.endswith("...")
    ]
    assert any("--debug" in line for line in lines)


def test_every_command_is_among_these(person: Person) -> None:
    said = person.run("--help").stdout.decode()
    named = said.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in named] == [c for c in _COMMANDS if c and " " not in c]
