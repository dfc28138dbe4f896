"""Clients that keep pipes open or merge them, machines with little of something, and no home."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.core_dumps import core_dumps
from tests.support.executable import COMMAND, NOT_FOUND, ROOT, Executable

__all__ = ["core_dumps"]

# Less than the 30 seconds that a get may take in all.
_MOST_S = 25.0


def _python(code: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run code in a process of its own."""
    prelude = "import os, resource, sys\nfrom cred_helper import cli, stdio\n"
    return subprocess.run(
        [sys.executable, "-c", prelude + code],
        capture_output=True,
        timeout=60,
        check=False,
        **options,
    )


def _codes(stderr: bytes) -> list[str]:
    return re.findall(r"\[([a-z-]+\.[a-z-]+)\]$", stderr.decode(), re.MULTILINE)


@pytest.mark.parametrize("is_blocked", [False, True], ids=["plain", "SIGALRM blocked"])
@pytest.mark.parametrize(
    ("verb", "text", "status"),
    [
        ("get", b"registry.example\n", 1),
        ("erase", b"registry.example", 0),
        ("store", b'{"ServerURL":"r.example","Username":"u","Secret":"s"}', 0),
    ],
)
def test_a_client_that_does_not_close_standard_input_is_answered(
    executable: Executable, verb: str, text: bytes, status: int, is_blocked: bool
) -> None:
    def block() -> None:
        if is_blocked:
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
            signal.signal(signal.SIGALRM, signal.SIG_IGN)

    began_s = time.monotonic()
    with subprocess.Popen(
        [*COMMAND, verb],
        env=executable.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=block,  # noqa: PLW1509 - this process has one thread
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(text)
        process.stdin.flush()
        stdout, stderr = process.stdout.read(), process.stderr.read()
        assert process.wait() == status
    assert (stdout, stderr) == (NOT_FOUND if verb == "get" else b"", b"")
    assert time.monotonic() - began_s < _MOST_S


def test_a_client_that_writes_nothing_gets_an_error() -> None:
    reader, writer = os.pipe()
    try:
        done = _python(
            'stdio.WRITE_WITHIN_S = 0.2\nstdio.leave(cli.protocol(["get"]))', stdin=reader
        )
    finally:
        os.close(reader)
        os.close(writer)
    assert (done.returncode, _codes(done.stderr)) == (1, ["client.no-input"])


def test_a_slow_client_is_read_to_its_end() -> None:
    writer = "import time\nfor n in range(5): print(n, end='', flush=True); time.sleep(0.3)"
    code = "stdio.CLOSE_WITHIN_S = 5; print(stdio.read_input().text)"
    with subprocess.Popen([sys.executable, "-c", writer], stdout=subprocess.PIPE) as process:
        done = _python(code, stdin=process.stdout)
    assert done.stdout == b"b'01234'\n"


def _merged(executable: Executable, verb: str, text: str, **environment: str) -> bytes:
    """What a client reads that has both outputs in one pipe."""
    return subprocess.run(
        [*COMMAND, verb],
        env=executable.environment | environment,
        input=text.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    ).stdout


def test_standard_output_and_error_in_one_pipe_have_the_reply_alone(
    executable: Executable, home: Path
) -> None:
    # A registry with anonymous pulls, and an identity that does not work: a warning.
    broken = {"AWS_PROFILE": "nowhere"}
    assert executable.get("public.ecr.aws", broken).stderr
    assert _merged(executable, "get", "public.ecr.aws", **broken) == NOT_FOUND
    (home / ".docker").mkdir()
    (home / ".docker/config.json").write_text("{")
    assert executable.run("list").stderr
    assert _merged(executable, "list", "") == b"{}\n"
    assert _merged(executable, "get", "registry.example").count(b"\n") == 1


@pytest.mark.usefixtures("core_dumps")
def test_no_process_of_ours_leaves_a_core_dump(executable: Executable, home: Path) -> None:
    folder = home / "bin"
    folder.mkdir()
    helper = folder / "docker-credential-limits"
    answer = r"""printf '{"Username":"u","Secret":"%s"}' "$(ulimit -c)" """
    helper.write_text(f"#!/bin/sh\n{answer}\n")
    helper.chmod(0o755)
    (home / ".docker").mkdir()
    (home / ".docker/config.json").write_text('{"credsStore": "limits"}')
    environment = executable.environment | {"PATH": f"{folder}:/usr/bin:/bin"}
    assert Executable(environment).get("registry.example").credential == ("u", "0")


@pytest.mark.parametrize("descriptors", [4, 5, 6, 8])
@pytest.mark.parametrize("stderr", [subprocess.PIPE, subprocess.STDOUT], ids=["apart", "merged"])
def test_a_lack_of_descriptors_is_an_error_of_one_line(
    executable: Executable, descriptors: int, stderr: int
) -> None:
    limit = (descriptors, descriptors)
    done = subprocess.run(
        [*COMMAND, "get"],
        env=executable.environment,
        input=b"123456789012.dkr.ecr.us-east-1.amazonaws.com",
        stdout=subprocess.PIPE,
        stderr=stderr,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit),
        check=False,
    )
    assert done.returncode == 1
    printed = done.stdout + (done.stderr or b"")
    assert b"internal.fault" not in printed
    assert b"Traceback" not in printed or b"cred_helper" not in printed


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("MemoryError()", "internal.no-memory"),
        ("OSError(24, 'x')", "internal.no-descriptors"),
        ("OSError(27, 'x')", "internal.file-size-limit"),
        ("OSError(28, 'x')", "internal.disk-full"),
        ("ImportError('a.so: Too many open files')", "internal.no-descriptors"),
        ("ImportError('a.so: failed to map segment from shared object')", "internal.no-memory"),
        ('RuntimeError("can\'t start new thread")', "internal.no-threads"),
        ("ZeroDivisionError('secret')", "internal.fault"),
        ("SystemError()", "internal.fault"),
        (
            "(resource.setrlimit(resource.RLIMIT_AS, (1, 1)), SystemError())[1]",
            "internal.no-memory",
        ),
    ],
)
def test_an_error_names_the_resource_that_the_machine_lacks(error: str, code: str) -> None:
    done = _python(
        f'def fail(): raise {error}\ncli.VERBS["get"] = fail\nstdio.leave(cli.protocol(["get"]))'
    )
    assert (done.returncode, _codes(done.stderr)) == (1, [code])
    assert b"secret" not in done.stderr + done.stdout


_IN_NAMESPACE = ("unshare", "--user", "--map-root-user")
_ALLOWED = sys.platform == "linux" and subprocess.call([*_IN_NAMESPACE, "true"]) == 0


@pytest.mark.skipif(not _ALLOWED, reason="no user namespaces are allowed here")
def test_a_rootless_engine_starts_helpers_as_root_of_a_user_namespace(
    executable: Executable, home: Path
) -> None:
    """https://github.com/containers/podman/issues/4123"""
    if os.geteuid() == 0:
        # Folders above a user's home belong to root, whom the namespace does not have.
        os.chown(home.parent, 12345, 12345)
        home.parent.chmod(0o755)
    login = {"ServerURL": "r.example", "Username": "u", "Secret": "s"}
    for verb, text, reply in (
        ("store", json.dumps(login), None),
        ("get", "r.example", login),
        ("list", "", {"r.example": "u"}),
    ):
        done = subprocess.run(
            [*_IN_NAMESPACE, *COMMAND, verb],
            env=executable.environment,
            input=text.encode(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert json.loads(done.stdout or "null") == reply


@pytest.mark.parametrize("value", [None, "", "~", ".", "home"])
def test_without_an_absolute_home_folder_no_file_of_the_working_folder_is_read(
    tmp_path: Path, value: str | None
) -> None:
    for folder in ("~", ".", "home"):
        (tmp_path / folder / ".docker").mkdir(parents=True, exist_ok=True)
        login = '{"auths":{"quay.io":{"username":"planted","password":"p"}}}'
        (tmp_path / folder / ".docker/config.json").write_text(login)
    done = _python(
        "import pwd\n"
        "def missing(_uid): raise KeyError\n"
        "pwd.getpwuid = missing\n"
        f"value = {value!r}\n"
        'os.environ.pop("HOME", None)\n'
        'if value is not None: os.environ["HOME"] = value\n'
        "cli._prepare_process()\n"
        'assert os.path.isabs(os.path.expanduser("~/.aws/config"))\n'
        'stdio.leave(cli.protocol(["get"]))',
        input=b"quay.io",
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stdout) == (1, NOT_FOUND)
