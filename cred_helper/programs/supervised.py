"""A program that cannot outlive us: a process in between ends it when we end, in whatever way.

That process, the supervisor, is a copy of ours. It starts the program, reports how it ended, and
waits for the end of a pipe that we hold open: we have closed it, or have been killed. It then asks
the program and all that it started to end, and kills them after a moment. Windows has no such
copies: there the program is ended only while we live.

The program has a process group of its own. In the foreground of a terminal it stays in ours: only
there can it ask for a password or a code.
"""

from __future__ import annotations

import errno
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


if sys.platform == "win32":

    class Program:
        """One run of a program. The caller closes its ``input``, ``output`` and ``errors``."""

        def __init__(self) -> None:
            self._process: subprocess.Popen[bytes] | None = None
            self.input = self.output = self.errors = -1

        def start(self, command: list[str], environ: dict[str, str], folder: str | None) -> None:
            """Start it in a folder. Raises ``OSError``."""
            import subprocess

            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environ,
                cwd=folder,
                creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,
            )
            pipes = (self._process.stdin, self._process.stdout, self._process.stderr)
            opened = [pipe for pipe in pipes if pipe is not None]
            self.input, self.output, self.errors = (os.dup(pipe.fileno()) for pipe in opened)
            for pipe in opened:
                pipe.close()

        def wait(self, timeout_s: float) -> int | None:
            """Its exit status; ``None`` if it still runs after this time."""
            import subprocess

            assert self._process is not None
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

        def close(self) -> None:
            """Release what this object holds."""

else:

    class Program:
        """One run of a program. The caller closes its ``input``, ``output`` and ``errors``."""

        def __init__(self) -> None:
            self._supervisor = 0
            self._life = self._report = -1
            self._status: int | None = None
            self.input = self.output = self.errors = -1

        def start(self, command: list[str], environ: dict[str, str], folder: str | None) -> None:
            """Start it in a folder. Raises ``OSError`` now, or from ``wait``."""
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
            self.errors, stderr = os.pipe()
            pipes = (stdin, stdout, stderr)
            life, self._life = os.pipe()
            self._report, report = os.pipe()
            pid = os.fork()
            if pid == 0:
                _supervise(command, environ, folder, restored, pipes, life, report)
            self._supervisor = pid
            for fd in (*pipes, life, report):
                os.close(fd)

        def wait(self, timeout_s: float) -> int | None:
            """Its exit status (negative: a signal); ``None`` if it still runs after this time.

            Raises ``OSError``.
            """
            from select import select

            if self._status is None and select([self._report], [], [], timeout_s)[0]:
                kind, _, number = os.read(self._report, 64).decode().partition(" ")
                if kind == "failed":
                    raise OSError(int(number), os.strerror(int(number)))
                # An empty report: the supervisor has been killed.
                self._status = int(number or -9)
            return self._status

        def end(self) -> None:
            """End it, with all that it started, if it still runs. Any thread may call this."""
            life, self._life = self._life, -1
            if life < 0:
                return
            from time import monotonic, sleep

            os.close(life)
            ends_at_s = monotonic() + 2 * GRACE_S
            while self._supervisor and not _is_gone(self._supervisor) and monotonic() < ends_at_s:
                sleep(_POLL_S / 5)

        def close(self) -> None:
            """Release what this object holds; ``wait`` cannot be called any more."""
            report, self._report = self._report, -1
            if report >= 0:
                os.close(report)

    def _is_gone(pid: int) -> bool:
        """Whether a child has ended, and is waited for."""
        try:
            return os.waitpid(pid, os.WNOHANG)[0] != 0
        except ChildProcessError:
            return True  # where SIGCHLD is ignored, children are not waited for

    def _supervise(
        command: list[str],
        environ: dict[str, str],
        folder: str | None,
        restored: list[int],
        pipes: tuple[int, int, int],
        life: int,
        report: int,
    ) -> NoReturn:
        """Start the program, report how it ends, and end it when ``life`` ends."""
        import signal
        from select import select

        try:
            for name in NAMES:
                signal.signal(getattr(signal, name), signal.SIG_IGN)
            has_group = not _is_in_foreground()
            if has_group:
                os.setpgid(0, 0)
            ended, wake = os.pipe()
            os.set_blocking(wake, False)
            signal.set_wakeup_fd(wake)
            signal.signal(signal.SIGCHLD, lambda *_: None)
            mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            _close_all_but({*pipes, life, report, ended, wake})
            if folder is not None:
                os.chdir(folder)
            pid = os.posix_spawn(
                command[0],
                command,
                environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, fd, to) for to, fd in enumerate(pipes)],
                setsigdef=restored,
                setsigmask=mask,
            )
            for fd in pipes:
                os.close(fd)
            while not (status := _status(pid)) and life not in select([life, ended], [], [])[0]:
                os.read(ended, 64)
            if not status:
                _end(pid, has_group=has_group)
            os.write(report, status)
        except (OSError, ValueError) as error:
            number = getattr(error, "errno", errno.EINVAL)  # a NUL byte in the command
            os.write(report, f"failed {number}".encode())
        finally:
            os._exit(0)

    def _is_in_foreground() -> bool:
        """Whether this process may read from its terminal."""
        try:
            terminal = os.open("/dev/tty", os.O_RDONLY)
            try:
                return os.tcgetpgrp(terminal) == os.getpgrp()
            finally:
                os.close(terminal)
        except OSError:
            return False

    def _status(pid: int) -> bytes:
        """The report of a program that has ended; empty while it runs."""
        ended, status = os.waitpid(pid, os.WNOHANG)
        return f"ended {os.waitstatus_to_exitcode(status)}".encode() if ended else b""

    def _end(pid: int, *, has_group: bool) -> None:
        """Ask the program and all that it started to end; kill after a moment what still runs."""
        import signal
        from time import monotonic, sleep

        # 0 is the group of this process: killed last, for this process is in it.
        others = [*_descendants(pid), *([0] if has_group else [])]
        _signal([pid, *others], signal.SIGTERM)
        ends_at_s = monotonic() + GRACE_S
        while not (has_ended := _status(pid)) and monotonic() < ends_at_s:
            sleep(_POLL_S)
        if not has_ended:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        _signal(others, signal.SIGKILL)

    def _signal(pids: list[int], signum: int) -> None:
        for pid in pids:
            try:
                os.kill(pid, signum)
            except OSError:
                pass  # it has ended

    def _descendants(pid: int) -> list[int]:
        """The processes that a process started, and those that they started.

        Only Linux lists them.
        """
        found = [pid]
        for parent in found:
            try:
                for thread in os.listdir(f"/proc/{parent}/task"):
                    with open(f"/proc/{parent}/task/{thread}/children", encoding="ascii") as file:
                        found.extend(map(int, file.read().split()))
            except OSError:
                pass  # it has ended
        return found[1:]

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
