"""The atomic writer: content, attributes, failures, and what a kill leaves behind."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cred_helper.files import atomic_file
from tests.support.executable import ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="modes, links and signals of POSIX")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


def test_a_new_file_is_closed_to_others_and_a_replaced_one_keeps_what_it_had(folder: Path) -> None:
    path = folder / "file"
    before = os.umask(0)
    try:
        atomic_file.replace(str(path), b"one", keep_attributes=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    has_attributes = sys.platform == "linux"
    try:
        if sys.platform == "linux":
            os.setxattr(path, "user.kept", b"yes")
    except OSError:
        has_attributes = False  # not on this file system
    if os.geteuid() == 0:
        os.chown(path, 1234, 5678)
    old = path.stat()
    atomic_file.replace(str(path), b"two", keep_attributes=True, durable=True)
    new = path.stat()
    assert path.read_bytes() == b"two"
    assert (new.st_mode, new.st_uid, new.st_gid) == (old.st_mode, old.st_uid, old.st_gid)
    assert new.st_ino != old.st_ino
    if sys.platform == "linux" and has_attributes:
        assert os.getxattr(path, "user.kept") == b"yes"
    assert os.listdir(folder) == ["file"]


def test_a_check_that_fails_leaves_the_old_file_and_no_temporary_one(folder: Path) -> None:
    path = folder / "file"
    path.write_bytes(b"old")

    def check() -> None:
        raise OSError("changed")

    with pytest.raises(OSError, match="changed"):
        atomic_file.replace(str(path), b"new", check=check)
    assert path.read_bytes() == b"old"
    assert os.listdir(folder) == ["file"]


def test_a_signal_takes_effect_after_the_file_is_in_place(folder: Path) -> None:
    code = (
        "import os, sys; from cred_helper.files import atomic_file;"
        "atomic_file.replace(sys.argv[1], b'x', check=lambda: os.kill(os.getpid(), 15));"
        "print('still here', flush=True)"
    )
    path = folder / "file"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, b"")
    assert os.listdir(folder) == ["file"]


def test_leftovers_of_killed_processes_are_recognised_and_removed(folder: Path) -> None:
    path = folder / "file"
    path.write_bytes(b"x")
    stray = folder / atomic_file.temporary_name("file")
    other = folder / atomic_file.temporary_name("another")
    for left in (stray, other):
        left.write_bytes(b"half")
    atomic_file.remove_leftovers(str(path))
    assert not stray.exists()
    assert other.exists()
    assert path.exists()


def test_temporary_names_are_recognised() -> None:
    assert atomic_file.final_name(atomic_file.temporary_name("a.token")) == "a.token"
    for name in ("", ".", "..", "a.token", ".a.token", ".a.token.0123", "a.token.0123456789abcdef"):
        assert not atomic_file.final_name(name)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="needs root")
def test_folders_that_root_makes_belong_to_the_owner_of_the_one_above(folder: Path) -> None:
    os.chown(folder, 1234, 5678)
    atomic_file.make_folders(str(folder / "a" / "b"), 0o700)
    for made in (folder / "a", folder / "a" / "b"):
        assert (made.stat().st_uid, made.stat().st_gid) == (1234, 5678)
        assert stat.S_IMODE(made.stat().st_mode) == 0o700
