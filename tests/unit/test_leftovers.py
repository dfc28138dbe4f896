"""A test fails if a process outlives it, at any depth."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.leftovers import none_left

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists children")


@pytest.mark.parametrize("script", ["sleep 60 & :", "(sh -c 'sleep 60 & sleep 60') & :"])
def test_a_process_that_is_left_is_found_and_ended(script: str) -> None:
    with pytest.raises(AssertionError, match="sleep 60"), none_left(within_s=0.2):
        subprocess.run(["sh", "-c", script], stdout=subprocess.DEVNULL, check=True)
    with none_left(within_s=0.2):
        pass


def test_processes_that_end_are_not_left() -> None:
    with none_left():
        subprocess.run(["sh", "-c", "sleep 0.2 & :"], stdout=subprocess.DEVNULL, check=True)
