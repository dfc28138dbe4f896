"""The obstacles to a cache folder, for another user than root."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cred_helper.commands.doctor import cache_folder


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder of ours; we are not root, to whom nothing is closed."""
    place = tmp_path / "place"
    place.mkdir(0o700)
    if os.geteuid() != 0:
        yield place
        return
    os.chown(place, 65534, 65534)
    around = [path for path in place.parents if path.stat().st_mode & 0o001 == 0]
    for path in around:
        path.chmod(0o711)
    os.seteuid(65534)
    try:
        yield place
    finally:
        os.seteuid(0)


@pytest.fixture
def folder(place: Path) -> str:
    return str(place / "cache" / "folder")


def test_a_folder_that_exists_or_can_be_made_has_no_obstacle(place: Path, folder: str) -> None:
    assert cache_folder.obstacle(folder) is None
    (place / "cache").mkdir()
    assert cache_folder.obstacle(folder) is None
    os.mkdir(folder, 0o700)
    assert cache_folder.obstacle(folder) is None
    assert os.listdir(folder) == []


def test_a_place_that_is_closed_to_this_user_is_an_obstacle(place: Path, folder: str) -> None:
    place.chmod(0o500)
    assert cache_folder.obstacle(folder) == f"{place} cannot be written by this user"
    place.chmod(0o700)
    os.makedirs(folder)
    os.chmod(folder, 0o500)
    assert cache_folder.obstacle(folder) == "permission denied"


def test_a_closed_folder_or_a_link_has_a_command_that_repairs_it(place: Path, folder: str) -> None:
    os.makedirs(folder, 0o000)
    assert cache_folder.repair(folder) == f"chmod 700 {folder}"
    os.rmdir(folder)
    os.symlink("/nowhere", folder)
    assert cache_folder.repair(folder) == f"rm {folder}"


def test_nothing_is_moved_over_what_was_moved_before(place: Path, folder: str) -> None:
    os.mkdir(place / "cache")
    Path(folder).touch()
    assert cache_folder.repair(folder) == f"mv {folder} {folder}.old"
    Path(f"{folder}.old").touch()
    assert cache_folder.repair(folder) == cache_folder.elsewhere()
