"""Waits for the writer of a pipe with a token or key, and names a pipe whose writer is silent.

Opening such a pipe would wait for a writer without end, and the cloud would be blamed.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import sys

from cred_helper.files import fingerprints
from cred_helper.providers.common import waiting

# A program that asks a network for a token writes within seconds. Less than a get may take.
WRITER_TIMEOUT_S = 15.0


def read(path: str, shown: str, at_most: int) -> bytes:
    """Read a file; wait for the writer of a pipe until ``WRITER_TIMEOUT_S``.

    ``shown`` is what messages may show of the path.

    Raises:
        OSError: it cannot be read, or nothing is written to the pipe.
    """
    if sys.platform != "win32" and stat.S_ISFIFO(os.stat(path).st_mode):
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as pipe:
            waiting.start(f"the writer of the pipe {shown}")
            try:
                poll = select.poll()
                poll.register(pipe, select.POLLIN)
                if not poll.poll(WRITER_TIMEOUT_S * 1000):
                    reason = f"nothing is written to this pipe in {WRITER_TIMEOUT_S:.0f} s"
                    raise OSError(errno.ETIMEDOUT, reason)
                os.set_blocking(pipe.fileno(), True)
                return pipe.read(at_most)
            finally:
                waiting.end()
    with open(path, "rb") as file:
        return file.read(at_most)


def is_pipe(path: str) -> bool:
    """Whether a path is a pipe or a device; false where nothing is there."""
    try:
        return fingerprints.is_pipe(path)
    except OSError:
        return False


def hand_on(path: str, shown: str, at_most: int) -> None:
    """Read a pipe, and write the same to it for the SDK that opens it next.

    The SDK would wait for a writer without end.

    Raises:
        OSError: it cannot be read, or nothing is written to it.
    """
    from threading import Thread

    content = read(path, shown, at_most)

    def write() -> None:
        with open(path, "wb") as file:
            file.write(content)

    Thread(target=write, daemon=True).start()
