"""Command lines to paste: sh and PowerShell read each word as it was given."""

from __future__ import annotations

import os
import re
import shlex
import subprocess

import pytest

from cred_helper.commands.ui import shell

_AWKWARD = [
    "plain",
    "",
    "two words",
    "it's",
    '"',
    "$HOME",
    "`id`",
    "a;b",
    "-x",
    "~",
    "*",
    "é",
    "\\",
]


@pytest.mark.skipif(os.name == "nt", reason="there is no sh")
@pytest.mark.parametrize("word", _AWKWARD)
def test_sh_gets_every_word_as_it_was(word: str) -> None:
    line = shell.line("printf", "%s\\n", word, word, platform="linux")
    assert _sh(line) == f"{word}\n{word}\n"
    assert _sh(f'{shell.set_variable("X", word, "linux")}; printf %s "$X"') == word
    on_path = shell.put_on_path(f"/{word}", "darwin")
    assert _sh(f'PATH=/bin; {on_path}; printf %s "$PATH"') == f"/{word}:/bin"
    assert _sh(f"X=1; {shell.unset_variable('X', 'linux')}; printf %s ${{X-gone}}") == "gone"
    assert _sh(f"EDITOR='printf <%s>'; {shell.editor(word, 'linux')}") == f"<{word}>"


def _sh(script: str) -> str:
    done = subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stderr == ""
    return done.stdout


def _powershell_words(line: str) -> list[str]:
    """Take a line apart by PowerShell's rule: within '…', '' is a quote and nothing special."""
    words = re.findall(r"'((?:[^']|'')*)'|(\S+)", line)
    return [bare or quoted.replace("''", "'") for quoted, bare in words]


@pytest.mark.parametrize("word", _AWKWARD)
def test_powershell_gets_every_word_as_it_was(word: str) -> None:
    line = shell.line("docker", "logout", word, platform="win32")
    assert _powershell_words(line) == ["docker", "logout", word]
    assert (
        shell.set_variable("X", word, "win32") == f"$env:X = '{word.replace(chr(39), chr(39) * 2)}'"
    )


def test_powershell_calls_a_program_whose_path_is_quoted() -> None:
    line = shell.line(r"C:\Program Files\x.exe", "version", platform="win32")
    assert line == r"& 'C:\Program Files\x.exe' version"
    assert shell.line("docker", "version", platform="win32") == "docker version"


def test_each_platform_has_its_own_commands() -> None:
    assert shell.unset_variable("X", "win32") == "Remove-Item Env:X"
    assert shell.editor(r"C:\a b", "win32") == r"notepad 'C:\a b'"
    assert shell.put_on_path(r"C:\it's", "win32") == r"$env:PATH = 'C:\it''s;' + $env:PATH"
    assert shell.make_private("/a b", platform="linux") == "chmod 600 '/a b'"
    assert shell.make_private("/a", is_folder=True, platform="darwin") == "chmod 700 /a"
    assert "/inheritance:r" in shell.make_private(r"C:\a", platform="win32")
    clocks = {platform: shell.set_clock(platform) for platform in ("linux", "darwin", "win32")}
    assert len(set(clocks.values())) == 3
    assert all(shlex.split(line) for line in clocks.values())
