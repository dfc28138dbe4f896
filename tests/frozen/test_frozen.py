"""The frozen file's build: what a start touches, where it runs, what it weighs.

Not what it answers: the contract suites and the transcripts see to that, on source and on it alike.
"""

from __future__ import annotations

import gzip
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.clouds.authority import Authority
from tests.clouds.aws import EXAMPLE_HOST, AwsCloud
from tests.clouds.proxy import TerminatingProxy
from tests.executable import ROOT, pinned_environment
from tests.frozen.files import (
    FILE,
    STATIC,
    TABLE,
    needs_file,
    needs_root,
    needs_static,
    needs_strace,
)

pytestmark = needs_file
# What the file may weigh with all three clouds.
MOST_BYTES = 20_000_000
MOST_BYTES_GZIPPED = 15_000_000


class Machine:
    """Somebody with an AWS identity, and an empty temporary directory."""

    def __init__(self, home: Path, cloud: AwsCloud) -> None:
        self.cloud = cloud
        self.home = home
        self.temporary = home.parent / "temporary"
        self.temporary.mkdir()
        self.environment = {
            **pinned_environment(home),
            **cloud.identity(home),
            "TMPDIR": str(self.temporary),
        }

    def get(
        self, *prefix: str, file: Path = FILE, **environment: str
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*prefix, str(file), "get"],
            input=EXAMPLE_HOST.encode(),
            env=self.environment | environment,
            capture_output=True,
            check=False,
            timeout=60,
        )

    def left(self) -> set[str]:
        """What lies about in every directory that libraries could have been unpacked to."""
        places = (self.temporary, Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), Path.cwd())
        return {str(path) for place in places for path in place.glob(".*") if path.is_file()}


@pytest.fixture
def machine(home: Path) -> Iterator[Machine]:
    with AwsCloud() as cloud:
        yield Machine(home, cloud)


def answered(done: subprocess.CompletedProcess[bytes]) -> bool:
    assert (done.returncode, done.stderr) == (0, b""), done
    return b'"Username":"AWS"' in done.stdout


def calls(machine: Machine, tmp_path: Path, file: Path = FILE) -> list[str]:
    """The system calls of one get."""
    log = tmp_path / "calls"
    assert answered(machine.get("strace", "-f", "-o", str(log), file=file))
    return log.read_text().splitlines()


# --- What a start touches -------------------------------------------------------------------------


@needs_strace
def test_a_cached_get_unpacks_nothing_starts_nobody_and_opens_a_handful_of_files(
    machine: Machine, tmp_path: Path
) -> None:
    machine.get()
    trace = calls(machine, tmp_path)
    assert not [line for line in trace if re.search(r" (fork|v?clone3?|mkdir|unlink)\w*\(", line)]
    assert len([line for line in trace if " execve(" in line]) == 1
    assert not [line for line in trace if "O_CREAT" in line]
    # Two small extension modules of Python's that its static library may lack, and no other.
    in_memory = [line for line in trace if " memfd_create(" in line]
    assert all(re.search(r'"_(json|blake2)\.', line) for line in in_memory), in_memory
    opened = re.findall(r' open(?:at)?\([^"]*"([^"]+)".* = \d', "\n".join(trace))
    system = ("/lib/", "/lib64/", "/usr/lib/", "/etc/ld.so", "/etc/localtime", "/proc/self/fd/")
    ours = [path for path in opened if not path.startswith(system)]
    assert len(ours) <= 3, ours  # the cache's folder, the entry, the settings
    assert len(trace) < 300


@needs_strace
def test_a_cold_get_writes_to_memory_alone(machine: Machine, tmp_path: Path) -> None:
    trace = calls(machine, tmp_path)
    assert [line for line in trace if " memfd_create(" in line]
    created = [line for line in trace if "O_CREAT" in line and str(machine.home) not in line]
    assert not [line for line in created if "AT_FDCWD" in line], created


def test_it_weighs_what_it_may(tmp_path: Path) -> None:
    content = FILE.read_bytes()
    assert len(content) <= MOST_BYTES
    assert len(gzip.compress(content, 9)) <= MOST_BYTES_GZIPPED


@pytest.mark.parametrize("file", [FILE, STATIC], ids=["with a libc", "without"])
def test_the_table_accounts_for_every_byte(file: Path) -> None:
    if not file.exists():
        pytest.skip("make frozen/static makes the static file")
    name, _, *rows = Path(f"{file}.txt").read_text().splitlines()
    assert name == file.name
    sizes = {row[:40].strip(): float(row[40:52]) for row in rows if re.search(r"\d\.\d\d$", row)}
    del sizes["gzipped"]
    together = sizes.pop("together")
    assert together == pytest.approx(file.stat().st_size / 1e6, abs=0.01)
    assert together == pytest.approx(sum(sizes.values()), abs=0.01 * len(sizes))


def test_it_offers_no_names_but_pythons() -> None:
    # What is offered is kept, called or not: zstd's compressor was most of a megabyte.
    command = ["readelf", "--dyn-syms", "--wide", str(FILE)]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"(\w+) +([\w@.]+)$", table, re.MULTILINE)
    offered = {name for section, name in rows if section != "UND" and "Name" not in name}
    python = r"_?_?Py\w+|_Py_\w+"
    others = {name for name in offered if not re.fullmatch(python, name)}
    assert len(offered) > 1000
    assert len(others) < 20, others


# --- Where it runs --------------------------------------------------------------------------------


def test_the_stated_glibc_is_what_its_symbols_ask_for() -> None:
    [stated] = re.findall(r"needs glibc ([0-9.]+)", TABLE.read_text())
    names = subprocess.run(
        ["readelf", "--version-info", "--wide", str(FILE)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    versions = re.findall(r"GLIBC_([0-9.]+)", names)
    assert max(map(_numbers, versions)) <= _numbers(stated)
    libraries = re.findall(r"NEEDED.*\[(.*)\]", _dynamic(FILE))
    assert set(libraries) <= {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"}


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _dynamic(path: Path) -> str:
    command = ["readelf", "--dynamic", "--wide", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_building_machine_leaves_no_path_in_it() -> None:
    content = FILE.read_bytes()
    assert str(ROOT).encode() not in content
    assert b"build/freeze" not in content


def test_nothing_of_pythons_environment_or_of_the_current_directory_gets_in(
    machine: Machine, tmp_path: Path
) -> None:
    for name in ("json", "cred_helper", "sitecustomize", "boto3"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('hijacked')")
    machine.environment |= {"PYTHONPATH": str(tmp_path), "PYTHONHOME": str(tmp_path)}
    machine.environment |= {"PYTHONSTARTUP": str(tmp_path / "json.py"), "PYTHONINSPECT": "1"}
    done = subprocess.run(
        [FILE, "get"],
        input=EXAMPLE_HOST.encode(),
        env=machine.environment,
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert answered(done)


def test_libraries_of_the_same_names_elsewhere_are_not_taken(
    machine: Machine, authority: Authority, tmp_path: Path
) -> None:
    for name in ("libssl.so.3", "libcrypto.so.3", "libz.so.1", "libffi.so.8"):
        (tmp_path / name).write_bytes(b"no library")
    with TerminatingProxy(authority) as proxy:
        machine.cloud.register(proxy)
        environment = {
            name: value
            for name, value in machine.environment.items()
            if not name.startswith("AWS_ENDPOINT_URL")
        }
        machine.environment = environment | proxy.environment()
        assert answered(machine.get(LD_LIBRARY_PATH=str(tmp_path)))
    assert machine.cloud.exchanges == 1


def test_children_get_the_environment_that_the_user_has(machine: Machine, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    key = machine.cloud.user("child")
    program = tmp_path / "program"
    program.write_text(
        f"#!/bin/sh\nenv > {seen}\nls -l /proc/self/fd > {seen}.fds\n"
        f'echo \'{{"Version": 1, "AccessKeyId": "{key.environment()["AWS_ACCESS_KEY_ID"]}",'
        f' "SecretAccessKey": "{key.environment()["AWS_SECRET_ACCESS_KEY"]}"}}\'\n'
    )
    program.chmod(0o755)
    config = tmp_path / "config"
    config.write_text(f"[default]\ncredential_process = {program}\n")
    environment = {
        name: value
        for name, value in machine.environment.items()
        if not name.startswith(("AWS_ACCESS", "AWS_SECRET", "AWS_SESSION"))
    } | {"AWS_CONFIG_FILE": str(config), "LD_LIBRARY_PATH": "/opt/of/the/user"}
    machine.environment = environment
    for file in [FILE, *([STATIC] if STATIC.exists() else [])]:
        assert answered(machine.get(file=file, DOCKER_CREDENTIAL_MULTI_CACHE="off"))
        told = dict(line.split("=", 1) for line in seen.read_text().splitlines() if "=" in line)
        ignored = {"PWD", "OLDPWD", "SHLVL", "_", "DOCKER_CREDENTIAL_MULTI_CACHE"}
        mine = set(told.items()) - set(environment.items())
        assert {name for name, _ in mine} - ignored == set(), mine
        assert told["LD_LIBRARY_PATH"] == "/opt/of/the/user"
        assert "memfd" not in Path(f"{seen}.fds").read_text()


def test_twenty_at_once_all_answer(machine: Machine) -> None:
    with ThreadPoolExecutor(20) as pool:
        assert all(answered(done) for done in pool.map(lambda _: machine.get(), range(20)))


def test_a_read_only_home_and_temporary_directory_and_an_empty_path_do(machine: Machine) -> None:
    machine.temporary.chmod(0o500)
    assert answered(machine.get(PATH="", HOME="/nonexistent", TMPDIR="/nonexistent"))


def test_a_start_killed_at_any_moment_leaves_nothing_behind(machine: Machine) -> None:
    before = machine.left()
    moments = random.Random(7)
    for _ in range(25):
        with subprocess.Popen(
            [FILE, "get"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=machine.environment
        ) as process:
            assert process.stdin is not None
            process.stdin.write(EXAMPLE_HOST.encode())
            process.stdin.close()
            time.sleep(moments.uniform(0.001, 0.2))
            process.send_signal(signal.SIGKILL)
    assert machine.left() - before == set()
    assert list(machine.temporary.iterdir()) == []


# --- Without memory files, without a libc ---------------------------------------------------------


@needs_static
def test_the_static_file_answers_like_the_other(machine: Machine) -> None:
    assert machine.get(file=STATIC).stdout == machine.get().stdout
    assert re.findall("NEEDED", _dynamic(STATIC)) == []


@needs_strace
@needs_static
def test_the_static_file_takes_no_library_from_the_system(machine: Machine, tmp_path: Path) -> None:
    for _ in ("cold", "warm"):
        trace = calls(machine, tmp_path, STATIC)
        opened = re.findall(r' open(?:at)?\([^"]*"([^"]+)"', "\n".join(trace))
        assert [path for path in opened if re.search(r"\.so\b", path)] == []


@needs_root
@pytest.mark.parametrize("file", [FILE, STATIC], ids=["with a libc", "without"])
def test_where_no_memory_file_may_be_executed_a_temporary_file_takes_its_place(
    machine: Machine, file: Path
) -> None:
    if not file.exists():
        pytest.skip("make frozen/static makes the static file")
    before = machine.left()
    script = 'echo 2 > /proc/sys/vm/memfd_noexec && exec "$1" get'
    done = machine.get(
        *("unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", script, "sh"), file=file
    )
    if b"memfd_noexec" in done.stderr or done.stderr.startswith(b"unshare: "):
        pytest.skip("this kernel or sandbox has no such setting")
    assert answered(done)
    assert machine.left() - before == set()
    assert list(machine.temporary.iterdir()) == []
