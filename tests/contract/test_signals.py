"""A process that gets a signal, or whose client has gone, ends at once and leaves no file."""

from __future__ import annotations

import array
import fcntl
import json
import os
import random
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cred_helper.cache.entry import TOKEN
from tests.clouds import azure, google
from tests.clouds.aws import EXAMPLE_HOST, AwsCloud
from tests.clouds.google import GoogleCloud
from tests.figures import FIGURES, Record
from tests.support.executable import COMMAND, Executable, pinned_environment
from tests.support.machine import Machine
from tests.support.programs import Programs, has_ended
from tests.support.terminal import at_terminal

pytestmark = pytest.mark.real_executable

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# Far longer than ending takes on a busy machine, far shorter than any deadline or child here.
_AT_ONCE_S = 20.0
_LATE_S = 60.0


@pytest.fixture
def machine(home: Path) -> Iterator[Machine]:
    with AwsCloud() as cloud:
        yield Machine(home, host=EXAMPLE_HOST, cloud=cloud, **cloud.identity(home))


class Started:
    """A process that reads its request."""

    def __init__(self, environment: dict[str, str], verb: str = "get") -> None:
        self.process = subprocess.Popen(
            [*COMMAND, verb],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def ask(self, text: str) -> None:
        """Write the request, and wait until the process has read it: it is past its start then."""
        stdin = self.process.stdin
        assert stdin is not None
        stdin.write(text.encode())
        stdin.flush()
        left = array.array("i", [1])
        _wait_until(lambda: fcntl.ioctl(stdin, termios.FIONREAD, left) == 0 and left[0] == 0)

    def finish_asking(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.stdin = None

    def end(self, signum: signal.Signals) -> tuple[int, bytes, bytes]:
        """Send the signal; what became of the process."""
        self.process.send_signal(signum)
        stdout, stderr = self.process.communicate(timeout=_AT_ONCE_S)
        return self.process.returncode, stdout, stderr


def _wait_until(is_so: object) -> None:
    assert callable(is_so)
    ends_at_s = time.monotonic() + _LATE_S
    while not is_so():
        assert time.monotonic() < ends_at_s
        time.sleep(0.005)


def _litter(folder: Path) -> list[str]:
    """The files in the folder of the cache that do not belong there."""
    names = os.listdir(folder) if folder.exists() else []
    return [name for name in names if name != "lock" and not name.endswith(f".{TOKEN}")]


# --- Signals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("signum", SIGNALS)
def test_a_signal_ends_a_get_that_reads_input(machine: Machine, signum: signal.Signals) -> None:
    started = Started(machine.executable.environment)
    started.ask(EXAMPLE_HOST)
    assert started.end(signum) == (-signum, b"", b"")


@pytest.mark.parametrize("signum", SIGNALS)
def test_a_signal_ends_a_get_that_asks_a_cloud(machine: Machine, signum: signal.Signals) -> None:
    machine.cloud.delay_s = _LATE_S
    started = Started(machine.executable.environment)
    started.ask(EXAMPLE_HOST)
    started.finish_asking()
    machine.wait_for_request()
    assert started.end(signum) == (-signum, b"", b"")
    assert _litter(machine.cache) == []


@pytest.mark.parametrize("signum", SIGNALS)
def test_a_signal_ends_a_get_that_waits_for_a_get(machine: Machine, signum: signal.Signals) -> None:
    machine.cloud.delay_s = _LATE_S
    leader = machine.start()
    machine.wait_for_request()
    started = Started(machine.executable.environment)
    started.ask(EXAMPLE_HOST)
    started.finish_asking()
    time.sleep(0.2)
    assert started.end(signum) == (-signum, b"", b"")
    leader.kill()
    leader.communicate()
    assert _litter(machine.cache) == []


# A host of each cloud, a program that gives a token for it, and what has it run.
_PROGRAMS: dict[str, tuple[str, str, dict[str, str]]] = {
    "credential_process": (EXAMPLE_HOST, "give-keys", {"AWS_CONFIG_FILE": "HOME/aws"}),
    "az": (azure.EXAMPLE_HOST, "az", {"AZURE_TOKEN_CREDENTIALS": "AzureCliCredential"}),
    "azd": (azure.EXAMPLE_HOST, "azd", {"AZURE_TOKEN_CREDENTIALS": "AzureDeveloperCliCredential"}),
    "pwsh": (azure.EXAMPLE_HOST, "pwsh", {"AZURE_TOKEN_CREDENTIALS": "AzurePowerShellCredential"}),
    "gcloud": (google.EXAMPLE_HOST, "gcloud", {"CLOUDSDK_CONFIG": "HOME/gcloud"}),
    "executable": (
        google.EXAMPLE_HOST,
        "give-token",
        {
            "GOOGLE_APPLICATION_CREDENTIALS": "HOME/google.json",
            "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1",
        },
    ),
    "helper": ("registry.test", "docker-credential-x", {"DOCKER_CONFIG": "HOME/docker"}),
}


def _hanging(home: Path, kind: str) -> tuple[str, dict[str, str], Path]:
    """A program that hangs with two others, what has it run, and the file with their numbers."""
    host, name, variables = _PROGRAMS[kind]
    scripts = Programs(home / "programs")
    pids = home / "pids"
    started = "sleep 600 &\none=$!\nsetsid sleep 600 &\necho $$ $one $!"
    path = scripts.program(name, f"{started} >{pids}.new; mv {pids}.new {pids}\nwait")
    with GoogleCloud() as cloud:
        federated = cloud.federated_info({"executable": {"command": str(path)}})
    for file, content in (
        ("aws", f"[default]\ncredential_process = {path}\n"),
        ("gcloud/configurations/config_default", "[core]\naccount = a@b.example\n"),
        ("gcloud/credentials.db", "SQLite format 3\0"),
        ("google.json", json.dumps(federated)),
        ("docker/config.json", '{"credsStore": "x"}'),
    ):
        (home / file).parent.mkdir(parents=True, exist_ok=True)
        (home / file).write_text(content)
    variables = {name: value.replace("HOME", str(home)) for name, value in variables.items()}
    return host, {**variables, "PATH": scripts.path}, pids


@pytest.mark.parametrize(
    ("kind", "signum"),
    [*((kind, signal.SIGKILL) for kind in _PROGRAMS), ("credential_process", signal.SIGTERM)],
)
def test_a_program_that_was_started_ends_with_the_signal(
    executable: Executable, home: Path, kind: str, signum: signal.Signals
) -> None:
    host, variables, pids = _hanging(home, kind)
    started = Started(executable.environment | variables)
    started.ask(host)
    started.finish_asking()
    _wait_until(pids.exists)
    assert started.end(signum) == (-signum, b"", b"")
    assert all(has_ended(int(pid)) for pid in pids.read_text().split())


def test_a_program_in_the_foreground_of_a_terminal_can_ask_a_question_and_ends_with_us(
    executable: Executable, home: Path
) -> None:
    host, variables, pids = _hanging(home, "credential_process")
    asking = f"""#!/bin/sh
echo debug >&2; printf 'code: ' >&2; read code </dev/tty; echo "read $code" >/dev/tty
sleep 600 & echo $$ $! >{pids}
kill -9 $(cut -d' ' -f4 /proc/$PPID/stat); wait
"""
    (home / "programs/give-keys").write_text(asking)
    command = [*COMMAND, "token", "--show", host]
    status, shown = at_terminal(
        command, executable.environment | variables, [("code: ", "123456\n")]
    )
    assert status == -signal.SIGKILL
    assert "read 123456" in shown
    assert "debug" not in shown
    assert all(has_ended(int(pid)) for pid in pids.read_text().split())


def test_a_signal_that_a_shell_has_ignored_stays_ignored(machine: Machine) -> None:
    machine.cloud.delay_s = 1
    ignoring = f"trap '' INT HUP; exec {' '.join(COMMAND)} get"
    process = subprocess.Popen(
        ["/bin/sh", "-c", ignoring],
        env=machine.executable.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(EXAMPLE_HOST.encode())
    process.stdin.close()
    process.stdin = None
    machine.wait_for_request()
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGHUP)
    stdout, stderr = process.communicate(timeout=_LATE_S)
    assert (process.returncode, stderr) == (0, b"")
    assert machine.cloud.issued("AWS", json.loads(stdout)["Secret"], EXAMPLE_HOST)


def test_a_signal_at_any_moment_leaves_no_half_token(
    machine: Machine, record_property: Record
) -> None:
    begun_s = time.monotonic()
    assert machine.get().credential
    usual_s = time.monotonic() - begun_s
    chance = random.Random(5)
    ended = answered = 0
    for _ in range(24):
        signum = chance.choice(SIGNALS)
        machine.age(13 * 3600.0)
        started = Started(machine.executable.environment)
        started.ask(EXAMPLE_HOST)
        started.finish_asking()
        time.sleep(chance.uniform(0, usual_s))
        status, stdout, stderr = started.end(signum)
        assert stderr == b""
        assert status in (0, -signum)
        ended += status != 0
        answered += status == 0 and bool(stdout)
        assert _litter(machine.cache) == []
        begun_s = time.monotonic()
        assert machine.get().credential
    record_property(FIGURES, f"signals at random moments of a get: {ended} ended, {answered} late")


def test_a_signal_at_any_moment_leaves_a_whole_store(home: Path, record_property: Record) -> None:
    environment = pinned_environment(home)
    folder = home / ".local" / "share" / "docker-credential-multi"
    chance = random.Random(6)
    kept: set[str] = set()
    ended = 0
    for number in range(40):
        login = {"ServerURL": f"https://{number}.example", "Username": "u", "Secret": "s" * 5000}
        started = Started(environment, "store")
        started.ask(json.dumps(login))
        started.finish_asking()
        time.sleep(chance.uniform(0, 0.015))
        status, _, stderr = started.end(chance.choice(SIGNALS))
        assert stderr == b""
        ended += status != 0
        if status == 0:
            kept.add(login["ServerURL"])
        names = set(os.listdir(folder)) if folder.exists() else set()
        assert names <= {"credentials.json", "credentials.json.lock"}, names
        listed = Executable(environment).run("list").document
        assert kept <= set(listed) <= {f"https://{n}.example" for n in range(number + 1)}
    record_property(
        FIGURES, f"signals at random moments of a store: {ended} ended, {len(kept)} late"
    )


# --- A client that is gone ------------------------------------------------------------------------


def _with_closed_stdout(
    environment: dict[str, str], *arguments: str, server_url: str = EXAMPLE_HOST
) -> tuple[int, bytes]:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*COMMAND, *arguments],
            env=environment,
            input=server_url.encode(),
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=_LATE_S,
            check=False,
        )
    finally:
        os.close(writing)
    return done.returncode, done.stderr


def test_a_get_whose_client_has_gone_exits_with_1_and_caches_its_token(machine: Machine) -> None:
    assert _with_closed_stdout(machine.executable.environment, "get") == (1, b"")
    assert _litter(machine.cache) == []
    assert machine.get().credential
    assert machine.cloud.exchanges == 1


@pytest.mark.parametrize("verb", ["get", "list", "version"])
def test_a_verb_whose_client_has_gone_writes_nothing(executable: Executable, verb: str) -> None:
    done = _with_closed_stdout(executable.environment, verb, server_url="registry.test")
    assert done == (1, b"")


_COMMANDS = (
    *(("explain", EXAMPLE_HOST), ("token", EXAMPLE_HOST), ("providers",), ("doctor",)),
    *(("cache", "list"), ("--help",)),
)


@pytest.mark.parametrize("arguments", _COMMANDS)
def test_a_command_without_an_output_is_an_error(
    executable: Executable, arguments: tuple[str, ...]
) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, *arguments],
        env=executable.environment,
        capture_output=True,
        text=True,
        timeout=_LATE_S,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.endswith("[client.output-closed]\n")
    # The reader is gone.
    status, stderr = _with_closed_stdout(executable.environment, *arguments)
    assert status == 1
    assert b"Traceback" not in stderr
    assert b"Exception ignored" not in stderr
