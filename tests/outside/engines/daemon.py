"""A daemon that runs as long as a client is tried."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_STARTS_IN_S = 120


@contextmanager
def daemon(
    folder: Path, variables: Mapping[str, str], command: Sequence[str], ready: Sequence[str]
) -> Iterator[None]:
    """Start a daemon, and wait until a command of its client succeeds; its log is in the folder.

    Raises:
        RuntimeError: it does not start, or ends early; the text has the end of the log.
    """
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=dict(variables), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        ends_at_s = time.monotonic() + _STARTS_IN_S
        while not _succeeds(ready, variables):
            if process.poll() is not None or time.monotonic() > ends_at_s:
                raise RuntimeError(f"{command[0]} does not start: {log.read_text()[-3000:]}")
            time.sleep(0.2)
        yield
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} ended: {log.read_text()[-3000:]}")
    finally:
        process.terminate()
        process.wait()


def _succeeds(command: Sequence[str], variables: Mapping[str, str]) -> bool:
    done = subprocess.run(command, env=dict(variables), capture_output=True, check=False)
    return done.returncode == 0
