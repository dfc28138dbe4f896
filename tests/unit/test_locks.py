"""Locks of one file, as another process sees them, however often this process opens the file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cred_helper.files.locks import Locks
from tests.support.executable import ROOT

KEY, OTHER = "0" * 8, "1" * 8


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def opened(path: Path) -> Locks:
    return Locks(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def another_process_gets(path: Path, key: str) -> bool:
    program = (
        "import os, sys; from cred_helper.files.locks import Locks;"
        "print(Locks(os.open(sys.argv[1], os.O_RDWR)).acquire(sys.argv[2]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, path, key],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    return done.stdout == "True\n"


@pytest.fixture
def descriptors() -> Iterator[None]:
    before = os.listdir("/proc/self/fd")
    yield
    assert len(os.listdir("/proc/self/fd")) == len(before)


@pytest.mark.usefixtures("descriptors")
def test_closing_the_file_twice_releases_no_lock_of_another_use(path: Path) -> None:
    outer = opened(path)
    assert outer.acquire(KEY)
    inner = opened(path)
    assert inner.acquire(OTHER)
    inner.close()
    assert not another_process_gets(path, KEY)
    assert another_process_gets(path, OTHER)
    outer.close()
    assert another_process_gets(path, KEY)


@pytest.mark.usefixtures("descriptors")
def test_two_uses_in_one_process_exclude_each_other(path: Path) -> None:
    one, other = opened(path), opened(path)
    assert one.acquire(KEY)
    assert not other.acquire(KEY)
    other.release(KEY)
    assert not another_process_gets(path, KEY)
    one.release(KEY)
    assert other.acquire(KEY)
    one.close()
    assert not another_process_gets(path, KEY)
    other.close()


def test_without_a_lock_file_every_lock_is_granted() -> None:
    one, other = Locks(None), Locks(None)
    assert one.acquire(KEY)
    assert not one.acquire(KEY)
    assert other.acquire(KEY)
    one.close()
