"""The edges of the process, each tested in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from tests.support.executable import COMMAND


def _python(code: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    prelude = "import os, subprocess, sys, warnings\nfrom cred_helper import errors, stdio\n"
    return subprocess.run(
        [sys.executable, "-c", prelude + code],
        capture_output=True,
        timeout=60,
        check=False,
        **options,
    )


def test_only_the_reply_reaches_standard_output() -> None:
    done = _python(
        """
reply = stdio.guard()
print("an SDK says hello")
os.write(1, b"raw noise\\n")
warnings.warn("careful")
subprocess.run(["sh", "-c", "echo a child says hello"], check=True)
sys.__stdout__.write("by the old handle\\n"); sys.__stdout__.flush()
assert reply.send(b"the reply")
"""
    )
    assert (done.returncode, done.stdout) == (0, b"the reply")
    for noise in (b"SDK says", b"raw noise", b"careful", b"child says", b"old handle"):
        assert noise in done.stderr


def test_no_child_inherits_the_reply_handle() -> None:
    done = _python(
        """
reply = stdio.guard()
subprocess.run(["sh", "-c", "for fd in 3 4 5 6 7 8 9; do echo leak >&$fd; done 2>&-"],
               close_fds=False, stderr=subprocess.DEVNULL)
reply.send(b"the reply")
"""
    )
    assert done.stdout == b"the reply"


def _close_all_but_standard_output() -> None:
    os.close(0)
    os.close(2)


def test_no_opened_file_takes_a_descriptor_that_the_client_closed() -> None:
    done = _python(
        """
reply = stdio.guard()
taken = os.open(os.devnull, os.O_RDONLY)
assert taken > 2, taken
stdio.error(errors.NotFound("client.no-credential"))
assert reply.send(b"the reply")
""",
        preexec_fn=_close_all_but_standard_output,
    )
    assert (done.returncode, done.stdout) == (0, b"the reply")


def test_an_output_that_cannot_be_written_is_one_line_with_a_code() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, "list"],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"[client.cannot-write]" in done.stderr
    done = subprocess.run(
        [*COMMAND, "list"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: os.close(1),
        check=False,
    )
    assert done.returncode == 1
    assert b"[client.cannot-write]" in done.stderr


def test_a_message_is_one_line_whatever_is_in_it() -> None:
    done = _python(
        "stdio.error(errors.CredentialError("
        "'client.cannot-list', source='a\\nb\\r\\n', reason='\\tc \\ud800', hint='try\\nthis'))"
    )
    assert done.stderr == (
        b"docker-credential-multi: error: a b cannot be listed: c \\ud800 [client.cannot-list]\n"
        b"docker-credential-multi: hint: try this\n"
    )


def test_a_request_that_never_ends_is_cut_off() -> None:
    with open("/dev/zero", "rb") as endless:
        done = subprocess.run(
            [*COMMAND, "store"], stdin=endless, capture_output=True, timeout=60, check=False
        )
    assert (done.returncode, done.stdout.count(b"\n")) == (1, 1)
    assert b"[client.too-long]" in done.stderr


def test_the_program_answers_in_an_image_without_devices() -> None:
    done = _python(
        """
os.devnull = "/there/is/no/such/device"
reply = stdio.guard()
assert stdio.read_input().text == b"request"
assert os.read(0, 1) == b""
assert reply.send(b"the reply")
""",
        input=b"request",
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"the reply", b"")
