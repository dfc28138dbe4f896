"""The frozen file with a memo: its launcher's system calls, and the same answers as without."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.clouds.aws import EXAMPLE_HOST, AwsCloud
from tests.differential.run import KINDS
from tests.frozen.files import FILE, OF_SYSTEM, each_file, needs_file, needs_strace
from tests.memo.fuzz import by_file, run
from tests.support.machine import Machine

pytestmark = needs_file
UNKNOWN_HOST = "registry.example.com"
ROUNDS = 12


def traced(machine: Machine, file: Path, host: str, log: Path) -> list[str]:
    """The system calls of one get."""
    subprocess.run(
        ["/usr/bin/env", "strace", "-f", "-o", str(log), str(file), "get"],
        input=host.encode(),
        env={**machine.environment, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    return [line.partition(" ")[2].lstrip() for line in log.read_text().splitlines()]


@needs_strace
@each_file
@pytest.mark.parametrize("host", [EXAMPLE_HOST, UNKNOWN_HOST])
def test_the_launcher_repeats_an_answer_without_python(
    file: Path, host: str, home: Path, tmp_path: Path
) -> None:
    with AwsCloud() as cloud:
        machine = Machine(home, host=host, cloud=cloud, **cloud.identity(home))
        machine.use({"PATH": "/usr/bin:/bin"})
        machine.executable.command = [str(file)]
        first = machine.get()
        assert machine.get().stdout == first.stdout
        assert list(machine.cache.glob("*.memo"))
        trace = traced(machine, file, host, tmp_path / "calls")
        assert len(trace) < 200
        assert not [
            line for line in trace if re.match(r"(memfd_create|clone|fork)|.*O_CREAT", line)
        ]
        assert [line for line in trace if line.startswith("write(1, ")]
        off = machine.get(DOCKER_CREDENTIAL_MULTI_MEMO="off")
        assert (off.status, off.stdout) == (first.status, first.stdout)
        assert machine.get().stdout == first.stdout
        if host == EXAMPLE_HOST:
            assert machine.erase(host).status == 0
            assert machine.get().credential != first.credential


@needs_strace
@pytest.mark.parametrize("host", [EXAMPLE_HOST, UNKNOWN_HOST])
def test_a_memo_asks_about_every_path_that_the_call_gave_to_the_kernel(
    host: str, home: Path, tmp_path: Path
) -> None:
    with AwsCloud() as cloud:
        machine = Machine(home, host=host, cloud=cloud, **cloud.identity(home))
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            machine.environment.pop(name, None)
        machine.executable.command = [str(FILE)]
        key = cloud.user("profile").environment()
        machine.write(
            ".aws/credentials",
            "[default]\n" + "".join(f"{name.lower()} = {key[name]}\n" for name in key),
        )
        machine.config(auths={"other.example": {"auth": "dTpw"}})
        machine.settings("deadline_s = 20\n")
        for _ in range(3):
            machine.get()
        for memo in machine.cache.glob("*.memo"):
            memo.unlink()
        trace = traced(machine, FILE, host, tmp_path / "calls")
        asked = machine.cache.glob("*.memo")
        questions = {line[2:] for memo in asked for line in memo.read_text().splitlines()}
    reply = next(at for at, line in enumerate(trace) if re.match(r"write\(\d+, \"(\{|cred)", line))
    seen = {
        path
        for line in trace[:reply]
        for path in re.findall(
            r'^(?:open|openat|newfstatat|stat|access|\w*readlink)\([^"]*"([^"]+)', line
        )
    }
    own = str(machine.cache)
    missing = {
        path
        for path in seen
        if path not in questions
        and not path.startswith(OF_SYSTEM)
        and f"{own}/{path}" not in questions
        and path != own
        and not path.endswith(".memo")
        and not str(FILE).startswith(path)
        and not any(question.startswith(f"{path}/") for question in questions)
    }
    assert missing == set()


@pytest.mark.parametrize("cloud", KINDS)
def test_after_a_random_change_the_file_answers_as_without_a_memo(
    cloud: str, tmp_path: Path
) -> None:
    tally = run(cloud, tmp_path, by_file(FILE), seed=3, rounds=ROUNDS, is_file=True)
    assert tally.changes == 4 * ROUNDS
    assert tally.wrong == []
