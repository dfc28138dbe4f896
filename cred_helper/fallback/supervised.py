"""A program that cannot outlive us: a process in between ends it when we end, in whatever way.

That process, the supervisor, is a copy of ours. It starts the program in a process group of its
own, tells us how it ended, and waits for the end of a pipe that we hold open: we have closed it, or
have been killed. It then asks the group to end, and kills it after a moment. Windows has no such
copies: there the program is ended only while we live.
"""

from __future__ import annotations

import os
import sys

from cred_helper.signals import NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from typing import NoReturn

# Between asking the group to end and killing it.
GRACE_S = 0.5
_POLL_S = 0.01
_STDERR = 2


if sys.platform == "win32":

    class Program:
        """One run of a program, whose ``input`` and ``output`` are pipes that the caller closes."""

        def __init__(self) -> None:
            self._process: subprocess.Popen[bytes] | None = None
            self.input = self.output = -1

        def start(self, command: list[str], environ: dict[str, str]) -> None:
            """Start it. Raises ``OSError``."""
            import subprocess

            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environ,
                creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,
            )
            self.input = os.dup(self._process.stdin.fileno())
            self.output = os.dup(self._process.stdout.fileno())
            self._process.stdin.close()
            self._process.stdout.close()

        def poll(self) -> int | None:
            """Its exit status; ``None`` while it runs."""
            return self._process.poll()

        def wait(self, timeout_s: float) -> int | None:
            """Its exit status; ``None`` if it still runs after this time."""
            import subprocess

            try:
                return self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                return None

        def end(self) -> None:
            """End it, with all that it started, if it still runs."""
            process, self._process = self._process, None
            if process is None or process.poll() is not None:
                return
            import subprocess

            command = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
            subprocess.run(command, capture_output=True, check=False)

else:

    class Program:
        """One run of a program, whose ``input`` and ``output`` are pipes that the caller closes."""

        def __init__(self) -> None:
            self._supervisor = 0
            self._life = self._report = -1
            self._status: int | None = None
            self.input = self.output = -1

        def start(self, command: list[str], environ: dict[str, str]) -> None:
            """Start it. Raises ``OSError`` now, or from ``poll`` and ``wait``."""
            import signal
            from select import select
            from time import monotonic

            # Loaded before the copy is made, which is a copy of one thread alone.
            _ = select, monotonic
            restored = [
                number
                for name in (*NAMES, "SIGPIPE", "SIGXFSZ")
                if signal.getsignal(number := getattr(signal, name)) is not signal.SIG_IGN
                or name not in NAMES
            ]
            stdin, self.input = os.pipe()
            self.output, stdout = os.pipe()
            life, self._life = os.pipe()
            self._report, report = os.pipe()
            pid = os.fork()
            if pid == 0:
                _supervise(command, environ, restored, stdin, stdout, life, report)
            self._supervisor = pid
            for fd in (stdin, stdout, life, report):
                os.close(fd)

        def poll(self) -> int | None:
            """Its exit status (negative: a signal); ``None`` while it runs. Raises ``OSError``."""
            return self.wait(0)

        def wait(self, timeout_s: float) -> int | None:
            """Its exit status; ``None`` if it still runs after this time. Raises ``OSError``."""
            from select import select

            if self._status is None and select([self._report], [], [], timeout_s)[0]:
                kind, _, number = os.read(self._report, 64).decode().partition(" ")
                if kind == "failed":
                    raise OSError(int(number), os.strerror(int(number)))
                # An empty report: the supervisor has been killed.
                self._status = int(number or -9)
            return self._status

        def end(self) -> None:
            """End it, with all that it started, if it still runs."""
            supervisor, self._supervisor = self._supervisor, 0
            if not supervisor:
                return
            from time import monotonic, sleep

            os.close(self._life)
            ends_at_s = monotonic() + 2 * GRACE_S
            while not _is_gone(supervisor) and monotonic() < ends_at_s:
                sleep(_POLL_S / 5)
            os.close(self._report)


def _is_gone(pid: int) -> bool:
    """Whether a child has ended, and is waited for."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True  # where SIGCHLD is ignored, children are not waited for


def _supervise(
    command: list[str],
    environ: dict[str, str],
    restored: list[int],
    stdin: int,
    stdout: int,
    life: int,
    report: int,
) -> NoReturn:
    """Start the program, report how it ends, and end it when ``life`` ends."""
    import signal
    from select import select

    try:
        for name in NAMES:
            signal.signal(getattr(signal, name), signal.SIG_IGN)
        os.setpgid(0, 0)
        ended, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        _close_all_but({_STDERR, stdin, stdout, life, report, ended, wake})
        try:
            pid = os.posix_spawn(
                command[0],
                command,
                environ,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, stdin, 0),
                    (os.POSIX_SPAWN_DUP2, stdout, 1),
                ],
                setsigdef=restored,
                setsigmask=mask,
            )
        except OSError as error:
            os.write(report, f"failed {error.errno}".encode())
            os._exit(0)
        for fd in (_STDERR, stdin, stdout):
            os.close(fd)
        while not (status := _status(pid)) and life not in select([life, ended], [], [])[0]:
            os.read(ended, 64)
        if not status:
            os.killpg(0, signal.SIGTERM)
            _wait_for_end(pid)
            os.killpg(0, signal.SIGKILL)
        os.write(report, status)
    finally:
        os._exit(0)


def _status(pid: int) -> bytes:
    """The report of a program that has ended; empty while it runs."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    return f"ended {os.waitstatus_to_exitcode(status)}".encode() if ended else b""


def _wait_for_end(pid: int) -> None:
    """Wait a moment for a program to end, then kill it; no trace of it is left to others."""
    import signal
    from time import monotonic, sleep

    ends_at_s = monotonic() + GRACE_S
    while monotonic() < ends_at_s:
        if _status(pid):
            return
        sleep(_POLL_S)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _close_all_but(kept: set[int]) -> None:
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            fds = [int(name) for name in os.listdir(folder)]
            break
        except OSError:
            continue
    else:
        fds = list(range(1024))
    for fd in fds:
        if fd not in kept:
            try:
                os.close(fd)
            except OSError:
                pass  # not open, or the one that listed them
