"""``-h`` and ``--help``: every command is described, in lines that fit a terminal."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.support.executable import PROGRAM
from tests.support.machine import Machine, person

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
    "kubelet-config",
    "login",
    "logout",
    "providers",
    "self-check",
    "token",
]


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_has_a_help_that_can_be_read(person: Machine, command: str) -> None:
    done = person.run(*command.split(), "--help")
    assert (done.status, done.stderr) == (0, "")
    assert person.run(*command.split(), "-h").stdout == done.stdout
    lines = done.stdout.decode().splitlines()
    assert lines[0].startswith(f"Usage: {PROGRAM} {command}".rstrip())
    assert not [
        line for line in lines[1:] if len(line) > 85 or "\\" in line or line.endswith("...")
    ]
    asks = command in ("", "doctor", "explain", "login", "logout", "self-check", "token")
    assert any("--debug" in line for line in lines) == asks


def test_every_command_is_among_these(person: Machine) -> None:
    said = person.run("--help").stdout.decode()
    named = said.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in named] == [c for c in _COMMANDS if c and " " not in c]


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain",),
        ("explain", "a", "b"),
        ("token", "--format", "yaml", "gcr.io"),
        ("token", "--format"),
        ("config", "frobnicate"),
        ("cache", "--frobnicate"),
        ("--debug",),
    ],
)
def test_a_usage_error_is_an_error_and_a_hint(person: Machine, arguments: tuple[str, ...]) -> None:
    done = person.run(*arguments)
    assert (done.status, done.stdout) == (2, b"")
    assert done.codes == ["client.usage"]
    error, hint = done.stderr.splitlines()
    assert error.startswith(f"{PROGRAM}: error: ")
    of_command = "" if arguments == ("--debug",) else f" {arguments[0]}"
    assert hint == f"{PROGRAM}: hint: {PROGRAM}{of_command} --help"


@pytest.mark.parametrize("command", _COMMANDS)
def test_a_misspelt_option_is_a_usage_error_with_the_right_name(
    person: Machine, command: str
) -> None:
    done = person.run(*(command.split() or ["--debug"]), "--hlep", "gcr.io")
    assert (done.status, done.codes) == (2, ["client.usage"])
    assert "'--help'" in done.stderr


def test_cache_without_a_command_lists_its_commands(person: Machine) -> None:
    done = person.run("cache")
    assert (done.status, done.stdout) == (2, b"")
    assert "Commands:\n" in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device here")
def test_a_full_disk_is_an_error(person: Machine) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [person.program, "explain", "gcr.io"],
            env=person.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert b"no space left on device [client.input-output]\n" in done.stderr
