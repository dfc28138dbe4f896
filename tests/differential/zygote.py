"""Runs the program many times in a row without loading the SDKs each time.

One process imports the SDKs, then forks a child for each call. A child is the whole program, with
its own environment, arguments, standard input and exit. Requests and replies are lines of JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from tests.support.executable import ROOT

# Longer than any deadline that the machines set.
_HUNG_S = 60


@dataclass(frozen=True)
class Answer:
    """What one call wrote, and its exit status."""

    status: int
    stdout: str
    stderr: str


class Zygote:
    """The process that forks; use it as a context manager, from one thread.

    ``home`` is the HOME of every call: botocore reads it when it is imported.
    """

    def __init__(self, home: Path) -> None:
        self._home = home

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(ROOT), "PATH": os.defpath, "HOME": str(self._home)},
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(_HUNG_S)

    def call(
        self, environment: dict[str, str], *arguments: str, stdin: str = "", name: str = ""
    ) -> Answer:
        """Run the program once, called by that name."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        argv = [name or "docker-credential-multi", *arguments]
        request = {"environment": environment, "argv": argv, "stdin": stdin}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Answer(**json.loads(self._process.stdout.readline()))


def _preload() -> None:
    """Import what every child would import by itself."""
    import azure.identity
    import botocore.session
    import google.auth.transport.requests
    import google.oauth2.service_account
    import requests

    import cred_helper.cli

    del azure, botocore, google, requests, cred_helper


def _run(request: dict[str, Any]) -> Answer:
    readers = {}
    ends = [os.pipe() for _ in range(3)]
    pid = os.fork()
    if pid == 0:
        _become(request, ends)
    (stdin_reader, stdin_writer), *outputs = ends
    os.close(stdin_reader)
    os.write(stdin_writer, request["stdin"].encode())
    os.close(stdin_writer)
    for name, (reader, writer) in zip(("stdout", "stderr"), outputs, strict=True):
        os.close(writer)
        readers[name] = os.fdopen(reader, "rb")
    # A few hundred bytes each: one pipe cannot fill up while the other is read.
    texts = {name: stream.read().decode() for name, stream in readers.items()}
    for stream in readers.values():
        stream.close()
    _, status = os.waitpid(pid, 0)
    return Answer(os.waitstatus_to_exitcode(status), **texts)


def _become(request: dict[str, Any], ends: list[tuple[int, int]]) -> None:
    """Be the program. Does not return."""
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = request["argv"]
    os.dup2(ends[0][0], 0)
    os.dup2(ends[1][1], 1)
    os.dup2(ends[2][1], 2)
    for end in ends:
        os.close(end[0])
        os.close(end[1])
    os.chdir(os.environ["HOME"])
    try:
        from cred_helper.cli import main

        main()
    finally:
        os._exit(99)


def _serve(requests: IO[str], replies: IO[str]) -> None:
    for line in requests:
        replies.write(json.dumps(vars(_run(json.loads(line)))) + "\n")
        replies.flush()


if __name__ == "__main__":
    _preload()
    _serve(sys.stdin, sys.stdout)
