"""The cache between real processes, with a cloud that counts its exchanges."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.soak.asker import Asking
from tests.support.executable import ROOT

# What a process gets done between its start and its question, on a machine that has more to do.
_SLACK_S = 10.0


@pytest.fixture
def asking(tmp_path: Path) -> Asking:
    return Asking(tmp_path / "cache", tmp_path / "exchanges")


def test_one_of_fifty_processes_at_once_asks_the_cloud(asking: Asking) -> None:
    with asking.start(50, "--takes-s=1"):
        results = asking.results()
    assert len(asking.askers) == 1
    assert results == [f"secret of {asking.askers[0]}"] * 50


def test_fifty_registries_that_one_token_opens_need_one_exchange(asking: Asking) -> None:
    with asking:
        for number in range(50):
            asking.start(1, f"--host=r{number}.gcr.io", "--scope=all of them", "--takes-s=1")
        results = asking.results()
    assert len(asking.askers) == 1
    assert set(results) == {f"secret of {asking.askers[0]}"}


def test_registries_with_their_own_tokens_do_not_wait_for_each_other(asking: Asking) -> None:
    with asking:
        for number in range(8):
            asking.start(1, f"--host=r{number}.gcr.io", "--takes-s=2")
        asking.release()
        asking.wait_for_exchange(8)
        results = asking.results()
    assert sorted(results) == sorted(f"secret of {asker}" for asker in asking.askers)


def test_waiting_processes_get_the_failure_and_later_ones_ask_again(asking: Asking) -> None:
    with asking.start(10, "--takes-s=2", "--fails=Denied"):
        results = asking.results()
        assert len(asking.askers) == 1
        assert results == [f"Denied: said to {asking.askers[0]}"] * 10
        assert asking.start().results()[-1] == f"secret of {asking.askers[-1]}"
    assert len(asking.askers) == 2


def test_twenty_calls_in_a_row_probe_for_an_identity_once(asking: Asking) -> None:
    with asking:
        for _ in range(4):
            asking.start(5, "--fails=NotFound").results()
        results = asking.results()
    assert results == [f"NotFound: said to {asking.askers[0]}"] * 20
    assert len(asking.askers) == 1


def test_another_process_takes_over_from_one_that_is_killed(asking: Asking) -> None:
    with asking.start(10, "--takes-s=2"):
        asking.release()
        first = asking.wait_for_exchange()
        os.kill(first, signal.SIGKILL)
        results = asking.results()
    assert len(asking.askers) == 2
    assert sorted(results) == ["", *[f"secret of {asking.askers[1]}"] * 9]


def test_one_process_takes_over_from_a_stuck_one_after_a_short_wait(asking: Asking) -> None:
    with asking.start(10, "--takes-s=0.5", "--deadline-s=6"):
        asking.release()
        first = asking.wait_for_exchange()
        os.kill(first, signal.SIGSTOP)
        began_at_s = time.monotonic()
        results = asking.results(but=first)
        took_s = time.monotonic() - began_at_s
    assert results == [f"secret of {asking.askers[1]}"] * 9
    assert len(asking.askers) == 2
    assert took_s < 6 + _SLACK_S


def test_no_process_waits_past_its_own_deadline_for_a_silent_cloud(asking: Asking) -> None:
    with asking.start(1, "--takes-s=60", "--deadline-s=60"):
        asking.release()
        first = asking.wait_for_exchange()
        began_at_s = time.monotonic()
        results = asking.start(6, "--takes-s=60", "--deadline-s=2").results(but=first)
        took_s = time.monotonic() - began_at_s
    assert took_s < 2 + _SLACK_S
    assert {reason.partition(":")[0] for reason in results} == {"Unreachable"}
    assert len(asking.askers) <= 3  # the first, its deputy, and one more if that gave up first


def test_while_one_process_renews_the_others_use_the_valid_token(asking: Asking) -> None:
    with asking.start(1, "--age-s=4000", "--life-s=7200"):
        old = asking.results()[0]
        asking.start(1, "--takes-s=1", "--fails=Denied")
        renewing = asking.wait_for_exchange(2)
        os.kill(renewing, signal.SIGSTOP)
        assert asking.start(5).results(but=renewing) == [old] * 6
        os.kill(renewing, signal.SIGCONT)
        warning, answer = asking.results()[1].splitlines()
    assert answer == old
    assert warning == "warning: cache.not-renewed"
    assert len(asking.askers) == 2


def test_writers_killed_at_random_moments_leave_whole_entries() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak.kills", "--kills=50"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"{'kills survived':<24}50, ")


@pytest.mark.parametrize("option", ["--full-disk", "--life-s=-60"])
def test_without_a_usable_cache_processes_do_not_wait_for_each_other(
    asking: Asking, option: str
) -> None:
    with asking.start(10, "--takes-s=2", "--deadline-s=12", option):
        results = asking.results()
    assert sorted(results) == sorted(f"secret of {asker}" for asker in asking.askers)
    assert len(asking.askers) == 10
