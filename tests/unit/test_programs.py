"""A program is taken from an absolute folder of PATH, and never from the working folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from cred_helper import programs


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder that has the program, too."""
    made = tmp_path / "bin"
    made.mkdir()
    for where in (made, tmp_path):
        (where / "az").write_text("#!/bin/sh\n")
        (where / "az").chmod(0o700)
    monkeypatch.chdir(tmp_path)
    return made


def test_the_first_absolute_folder_with_the_program_is_used(folder: Path) -> None:
    environ = {"PATH": f"/nowhere:{folder}:/bin"}
    assert programs.find("az", environ) == str(folder / "az")
    assert programs.find("no-such-program", environ) is None


@pytest.mark.parametrize("path", ["", ".", "bin", ":", "/nowhere:", "::/nowhere"])
def test_a_relative_entry_of_path_is_skipped(folder: Path, path: str) -> None:
    environ = {"PATH": path}
    assert programs.find("az", environ) is None
    assert programs.only_in_working_folder("az", environ)


def test_a_file_that_may_not_be_executed_is_skipped(folder: Path) -> None:
    (folder / "az").chmod(0o600)
    assert programs.find("az", {"PATH": str(folder)}) is None
    assert not programs.only_in_working_folder("az", {"PATH": str(folder)})
