"""The file with PyInstaller's bootloader: what it unpacks, and its error if it cannot unpack."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.frozen.files import BOOTLOADER, needs_bootloader, needs_root, needs_strace
from tests.support.machine import Machine

pytestmark = needs_bootloader
MACHINE_FILE = BOOTLOADER


def test_the_file_answers_cold_and_cached_and_leaves_no_file(
    machine: Machine, temporary: Path
) -> None:
    first = machine.get()
    assert first.credential[0] == "AWS"
    assert machine.get().stdout == first.stdout
    assert machine.cloud.exchanges == 1
    assert list(temporary.iterdir()) == []


def test_the_table_has_the_cost_of_the_bootloader() -> None:
    table = Path(f"{BOOTLOADER}.txt").read_text()
    [line] = re.findall(r"^started by: (.*)$", table, re.MULTILINE)
    assert line.startswith("PyInstaller's bootloader")
    assert re.search(r"unpacks \d+ MB to TMPDIR", line)


@needs_strace
def test_only_pythons_own_libraries_are_unpacked_for_a_cached_get(
    machine: Machine, temporary: Path, tmp_path: Path
) -> None:
    machine.get()
    log = tmp_path / "calls"
    machine.executable.command = ["strace", "-f", "-e", "openat", "-o", str(log), str(BOOTLOADER)]
    assert machine.get().credential[0] == "AWS"
    created = re.findall(rf'"{temporary}/_MEI\w+/([^"]+)", [^)]*O_CREAT', log.read_text())
    heavy = [name for name in created if re.search(r"libssl|libcrypto|_rust|_cffi", name)]
    assert created
    assert heavy == []


@pytest.mark.parametrize(
    ("options", "said"), [("noexec", "failed to map segment from shared object"), ("ro", "")]
)
@needs_root
def test_an_unusable_temporary_folder_is_an_error_or_is_skipped(
    machine: Machine, temporary: Path, options: str, said: str
) -> None:
    script = f'mount -t tmpfs -o {options} tmpfs "$TMPDIR" && exec "$@"'
    prefix = ["unshare", "--mount", "sh", "-c", script, "sh"]
    machine.executable.command = [*prefix, str(BOOTLOADER)]
    done = machine.get()
    if done.stderr.startswith(("unshare: ", "mount: ")):
        pytest.skip("this machine allows no mounts")
    if said:
        assert said in done.stderr
        assert done.status != 0
    else:
        assert done.credential[0] == "AWS"


def test_a_signal_ends_both_processes_and_leaves_no_file(machine: Machine, temporary: Path) -> None:
    with subprocess.Popen(
        [BOOTLOADER, "get"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=machine.environment
    ) as process:
        until = time.monotonic() + 20
        while not list(temporary.iterdir()) and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) != 0
    assert list(temporary.iterdir()) == []
