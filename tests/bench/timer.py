"""Starts programs and times them: `python -I -S timer.py`. Requests and replies are marshalled.

A process of its own, because the threads of the loopback clouds would delay it; and a small one,
because a program's peak memory is never less than its parent's.
"""

import marshal
import os
import sys
from time import perf_counter

Command = tuple[list[str], dict[str, str], str]
"""Arguments, environment, file for standard input."""
Finished = tuple[int, bytes, float, int]
"""Exit status, output, processor seconds, peak memory in KiB."""


def start(command: Command) -> tuple[int, int]:
    arguments, environment, stdin = command
    reading, writing = os.pipe()
    pid = os.posix_spawn(
        arguments[0],
        arguments,
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, writing, 1),
            (os.POSIX_SPAWN_DUP2, writing, 2),
        ],
    )
    os.close(writing)
    return pid, reading


def finish(pid: int, reading: int) -> Finished:
    """Wait for a program to end."""
    printed = b""
    while data := os.read(reading, 65536):
        printed += data
    os.close(reading)
    _, status, used = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return code, printed, used.ru_utime + used.ru_stime, used.ru_maxrss


def run(commands: list[Command]) -> tuple[float, list[Finished]]:
    started_at_s = perf_counter()
    finished = [finish(*child) for child in [start(command) for command in commands]]
    return perf_counter() - started_at_s, finished


def main() -> None:
    while True:
        try:
            commands = marshal.load(sys.stdin.buffer)
        except EOFError:
            return
        marshal.dump(run(commands), sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
