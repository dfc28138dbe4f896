"""Writers that are killed at random moments and replaced, and a pipe on which they report it.

A subclass defines what they write and how it is checked.
"""

from __future__ import annotations

import os
import random
import signal
import time
from typing import NoReturn, Self

from cred_helper.files.atomic_file import final_name
from cred_helper.files.fingerprints import digest

WRITERS = 8
# A line of a report is shorter than what a pipe takes in one piece.
ABOUT_TO, HAS = "about-to", "has"


def secret_of(name: str, stamp: int, most: int) -> str:
    """A secret in which a foreign byte is visible; its length depends on the stamp."""
    return f"{stamp} " + digest([name, str(stamp)]) * (1 + stamp % most)


class Writers:
    """The writers, their reports, and the faults found. The writers start with the first kill."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.kills = self.checks = 0
        self.torn: list[str] = []
        self.lost: list[str] = []
        self._said = b""
        self._report, self._reporting = os.pipe()
        os.set_blocking(self._report, False)
        self._writers: list[int] = []

    def write_for_ever(self, writer: int, report: int) -> NoReturn:
        """Write until killed, and report each line before it is done and after."""
        raise NotImplementedError

    def check(self) -> None:
        """Compare the stored content with the reports."""
        raise NotImplementedError

    def hear(self, said: str, *what: str) -> None:
        """Process one line of a report."""
        raise NotImplementedError

    def replaced(self, writer: int) -> None:
        """Record that a writer was killed and its content checked."""

    @property
    def litter(self) -> list[str]:
        """The files that killed writers left behind."""
        return [name for name in os.listdir(self.folder) if final_name(name)]

    def run(self, kills: int) -> Self:
        self._writers = [self._start(writer) for writer in range(WRITERS)]
        try:
            while self.kills < kills:
                self._kill_one()
        finally:
            self._end()
        return self

    def _start(self, writer: int) -> int:
        pid = os.fork()
        if pid == 0:
            self.write_for_ever(writer, self._reporting)
        return pid

    def _kill_one(self) -> None:
        """Kill a writer at a random moment, check the content, and replace the writer."""
        time.sleep(random.uniform(0.0, 0.02))
        at = random.randrange(WRITERS)
        os.kill(self._writers[at], signal.SIGKILL)
        os.waitpid(self._writers[at], 0)
        self.kills += 1
        self.check()
        self.replaced(at)
        self._writers[at] = self._start(at)

    def _end(self) -> None:
        for pid in self._writers:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self._writers = []
        self.check()
        os.close(self._report)
        os.close(self._reporting)

    def listen(self) -> None:
        """Process all reports so far."""
        while True:
            try:
                heard = os.read(self._report, 1 << 16)
            except BlockingIOError:
                return
            self._said += heard
            *lines, self._said = self._said.split(b"\n")
            for line in lines:
                self.hear(*line.decode().split())
