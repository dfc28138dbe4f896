"""The frozen file: what a start touches, where it runs, how large it is.

test_same_as_source tests its answers.
"""

from __future__ import annotations

import gzip
import random
import re
import resource
import signal
import subprocess
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.clouds.authority import Authority
from tests.clouds.aws import EXAMPLE_HOST
from tests.clouds.proxy import TerminatingProxy
from tests.frozen.files import (
    BOOTLOADER,
    FILE,
    OF_SYSTEM,
    STATIC,
    TABLE,
    each_file,
    every_file,
    needs_file,
    needs_root,
    needs_static,
    needs_strace,
)
from tests.support.executable import ROOT, Completed
from tests.support.machine import Machine

pytestmark = needs_file
# The names of glibc's loader differ by architecture: ld-linux-x86-64.so.2, ld-linux-aarch64.so.1.
_LOADER = re.compile(r"ld-linux[\w-]*\.so\.\d$")
# The largest size with all clouds.
MOST_BYTES = 20_000_000
MOST_BYTES_GZIPPED = 15_000_000


def get(machine: Machine, *prefix: str, file: Path = FILE, **variables: str) -> Completed:
    """Ask a frozen file, behind other commands."""
    machine.executable.command = [*prefix, str(file)]
    return machine.get(**variables)


def remove(machine: Machine, *prefixes: str) -> None:
    """Remove variables from the environment."""
    for name in [name for name in machine.environment if name.startswith(prefixes)]:
        del machine.environment[name]


def left(temporary: Path) -> set[str]:
    """The hidden files in every folder that libraries can be unpacked to."""
    folders = (temporary, Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), Path("/"))
    return {str(path) for folder in folders for path in folder.glob(".*") if path.is_file()}


def answered(done: Completed) -> bool:
    return done.credential[0] == "AWS"


def calls(machine: Machine, tmp_path: Path, file: Path = FILE) -> list[str]:
    """The system calls of one get."""
    log = tmp_path / "calls"
    assert answered(get(machine, "strace", "-f", "-o", str(log), file=file))
    return log.read_text().splitlines()


# --- What a start touches -------------------------------------------------------------------------


@needs_strace
def test_a_cached_get_unpacks_nothing_starts_no_process_and_opens_few_files(
    machine: Machine, tmp_path: Path
) -> None:
    machine.get()
    machine.use({"DOCKER_CREDENTIAL_MULTI_MEMO": "off"})
    trace = calls(machine, tmp_path)
    assert not [line for line in trace if re.search(r" (fork|v?clone3?|mkdir|unlink)\w*\(", line)]
    assert len([line for line in trace if " execve(" in line]) == 1
    assert not [line for line in trace if "O_CREAT" in line]
    # Two small extension modules that libpython may lack, and no other.
    in_memory = [line for line in trace if " memfd_create(" in line]
    assert all(re.search(r'"_(json|blake2)\.', line) for line in in_memory), in_memory
    opened = re.findall(r' open(?:at)?\([^"]*"([^"]+)".* = \d', "\n".join(trace))
    ours = [path for path in opened if not path.startswith(OF_SYSTEM)]
    # The cache folder, by the launcher and by Python; its entry; standard output's guard.
    assert len(ours) <= 4, ours
    assert len(trace) < 300


@needs_strace
def test_a_cold_get_unpacks_to_memory_only(machine: Machine, tmp_path: Path) -> None:
    trace = calls(machine, tmp_path)
    assert [line for line in trace if " memfd_create(" in line]
    created = [line for line in trace if "O_CREAT" in line and str(machine.home) not in line]
    assert not [line for line in created if "AT_FDCWD" in line], created


def test_the_file_is_no_larger_than_allowed(tmp_path: Path) -> None:
    content = FILE.read_bytes()
    assert len(content) <= MOST_BYTES
    assert len(gzip.compress(content, 9)) <= MOST_BYTES_GZIPPED


@every_file
def test_the_rows_of_the_table_add_up_to_the_size(file: Path) -> None:
    name, _, *rows = Path(f"{file}.txt").read_text().splitlines()
    assert name == file.name
    sizes = {row[:40].strip(): float(row[40:52]) for row in rows if re.search(r"\d\.\d\d$", row)}
    del sizes["gzipped"]
    together = sizes.pop("together")
    assert together == pytest.approx(file.stat().st_size / 1e6, abs=0.01)
    assert together == pytest.approx(sum(sizes.values()), abs=0.01 * len(sizes))


def test_the_file_exports_pythons_symbols_and_those_an_older_glibc_lacks() -> None:
    # The linker keeps every exported function: zstd's compressor would add most of a megabyte.
    command = ["readelf", "--dyn-syms", "--wide", str(FILE)]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"(\w+) +([\w@.]+)$", table, re.MULTILINE)
    exported = {name for section, name in rows if section != "UND" and "Name" not in name}
    ours = (ROOT / "packaging/launcher/older_glibc.c").read_text()
    # Debian 13 links expat and zlib into libpython.
    python = r"_?_?Py\w+|_Py_\w+|XML_\w+|(adler32|crc32|deflate|inflate|z)\w*"
    others = {name for name in exported if not re.fullmatch(python, name)}
    others = {name for name in others if name.removeprefix("__isoc23_") not in ours}
    assert len(exported) > 1000
    assert len(others) < 20, others


# --- Where it runs --------------------------------------------------------------------------------


def test_the_stated_glibc_is_that_of_its_symbols() -> None:
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
    glibc = {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0"}
    assert {name for name in libraries if not _LOADER.match(name)} <= glibc
    pinned = tomllib.loads((ROOT / "packaging/interpreter.toml").read_text())["glibc"]["oldest"]
    assert stated == pinned


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _dynamic(path: Path) -> str:
    command = ["readelf", "--dynamic", "--wide", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@every_file
def test_the_file_contains_no_path_of_the_building_machine(file: Path) -> None:
    content = file.read_bytes()
    assert str(ROOT).encode() not in content
    assert b"build/freeze" not in content


@every_file
def test_neither_pythons_variables_nor_the_current_folder_replace_a_module(
    machine: Machine, tmp_path: Path, file: Path
) -> None:
    machine.executable.command = [str(file)]
    for name in ("json", "cred_helper", "sitecustomize", "boto3"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('hijacked')")
    machine.environment |= {"PYTHONPATH": str(tmp_path), "PYTHONHOME": str(tmp_path)}
    machine.environment |= {"PYTHONSTARTUP": str(tmp_path / "json.py"), "PYTHONINSPECT": "1"}
    assert answered(machine.executable.run("get", stdin=EXAMPLE_HOST, cwd=tmp_path))


@every_file
def test_libraries_of_the_same_names_in_other_folders_are_not_loaded(
    machine: Machine, authority: Authority, tmp_path: Path, file: Path
) -> None:
    # PyInstaller's bootloader is linked with the system's libz.
    libz = () if file == BOOTLOADER else ("libz.so.1",)
    for name in ("libssl.so.3", "libcrypto.so.3", "libffi.so.8", *libz):
        (tmp_path / name).write_bytes(b"not a library")
    with TerminatingProxy(authority) as proxy:
        machine.cloud.register(proxy)
        remove(machine, "AWS_ENDPOINT_URL")
        machine.use(proxy.environment())
        assert answered(get(machine, file=file, LD_LIBRARY_PATH=str(tmp_path)))
    assert machine.cloud.exchanges == 1


@every_file
def test_programs_get_the_environment_of_the_user(
    machine: Machine, tmp_path: Path, file: Path
) -> None:
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
    remove(machine, "AWS_ACCESS", "AWS_SECRET", "AWS_SESSION")
    machine.use({"AWS_CONFIG_FILE": str(config), "LD_LIBRARY_PATH": "/opt/of/the/user"})
    assert answered(get(machine, file=file, DOCKER_CREDENTIAL_MULTI_CACHE="off"))
    lines = seen.read_text().splitlines()
    variables = dict(line.split("=", 1) for line in lines if "=" in line)
    ignored = {"PWD", "OLDPWD", "SHLVL", "_", "DOCKER_CREDENTIAL_MULTI_CACHE"}
    added = set(variables.items()) - set(machine.environment.items())
    assert {name for name, _ in added} - ignored == set(), added
    assert variables["LD_LIBRARY_PATH"] == "/opt/of/the/user"
    assert "memfd" not in Path(f"{seen}.fds").read_text()


@every_file
def test_twenty_processes_at_once_all_answer(machine: Machine, temporary: Path, file: Path) -> None:
    machine.executable.command = [str(file)]
    with ThreadPoolExecutor(20) as pool:
        assert all(answered(done) for done in pool.map(lambda _: machine.get(), range(20)))
    assert list(temporary.iterdir()) == []


def test_the_file_runs_without_home_temporary_folder_or_path(
    machine: Machine, temporary: Path
) -> None:
    temporary.chmod(0o500)
    assert answered(machine.get(PATH="", HOME="/nonexistent", TMPDIR="/nonexistent"))


@each_file
@pytest.mark.parametrize("most_bytes", [0, 30_000, 3_000_000, 6_000_000])
def test_a_limit_on_the_size_of_files_is_named_or_has_no_effect(
    machine: Machine, temporary: Path, file: Path, most_bytes: int
) -> None:
    machine.executable.command = [str(file)]
    for command in ("get", "list", "doctor", "version"):
        done = machine.executable.run(
            command,
            stdin=EXAMPLE_HOST,
            environment={"DOCKER_CREDENTIAL_MULTI_MEMO": "off"},
            preexec_fn=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (most_bytes, most_bytes)),
        )
        # Debian 13 links most modules into libpython: only a cloud's SDK needs a file.
        if (most_bytes, command) == (0, "get") or done.status != 0:
            assert (done.status, done.codes) == (1, ["internal.file-size-limit"])
            assert done.stdout.endswith(b"a file would exceed the limit of file sizes\n")
    assert list(temporary.iterdir()) == []


def test_a_start_killed_at_any_moment_leaves_no_file(machine: Machine, temporary: Path) -> None:
    before = left(temporary)
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
    assert left(temporary) - before == set()
    assert list(temporary.iterdir()) == []


# --- Without memory files, without a libc ---------------------------------------------------------


@needs_static
def test_the_static_file_answers_as_the_other_does(machine: Machine) -> None:
    assert get(machine, file=STATIC).stdout == get(machine).stdout
    assert re.findall("NEEDED", _dynamic(STATIC)) == []


@needs_strace
@needs_static
def test_the_static_file_loads_no_library_of_the_system(machine: Machine, tmp_path: Path) -> None:
    for _ in ("cold", "warm"):
        trace = calls(machine, tmp_path, STATIC)
        opened = re.findall(r' open(?:at)?\([^"]*"([^"]+)"', "\n".join(trace))
        assert [path for path in opened if re.search(r"\.so\b", path)] == []


@needs_root
@each_file
def test_where_memory_files_cannot_be_executed_temporary_files_are(
    machine: Machine, temporary: Path, file: Path
) -> None:
    before = left(temporary)
    script = 'echo 2 > /proc/sys/vm/memfd_noexec && exec "$1" get'
    done = get(
        machine,
        *("unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", script, "sh"),
        file=file,
    )
    if "memfd_noexec" in done.stderr or done.stderr.startswith("unshare: "):
        pytest.skip("this kernel or sandbox has no such setting")
    assert answered(done)
    assert left(temporary) - before == set()
    assert list(temporary.iterdir()) == []
