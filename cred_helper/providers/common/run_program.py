"""Runs a program that gives a token or keys, with limits in time and in output.

The program gets no input and the user's environment; its standard error is kept apart from its
output. ``timeout`` ends it where the deadline of the whole passes first.
"""

from __future__ import annotations

import os

from cred_helper.errors import BadReply, Misconfigured, Unreachable
from cred_helper.providers.common import waiting
from cred_helper.providers.common.interface import seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

# The longest answers are a token of some kilobytes and a page of warnings.
MAX_OUTPUT_BYTES = 1 << 20
# A program that has ended may have started another, which keeps the pipes open.
_LINGER_S = 1.0
_POLL_S = 0.05


class Finished:
    """A program that has ended: its exit status (negative: a signal) and what it wrote."""

    __slots__ = ("errors", "output", "status")

    def __init__(self, status: int, output: bytes, errors: bytes) -> None:
        self.status = status
        self.output = output
        self.errors = errors


def run(
    command: list[str],
    environ: Mapping[str, str],
    timeout_s: float,
    name: str,
    *,
    folder: str | None = None,
) -> Finished:
    """Run a program to its end, in a folder. ``name`` is what messages call it.

    Raises:
        Misconfigured: it cannot be started.
        Unreachable: it did not end in time.
        BadReply: it wrote more than the limit.
    """
    import subprocess
    from time import monotonic

    ends_at_s = monotonic() + timeout_s
    waiting.start(name)
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environ),
            cwd=folder,
        )
    except (OSError, ValueError) as error:
        waiting.end()
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else ""
        reason = reason.lower() or "its command cannot be used"
        raise Misconfigured("provider.program-not-started", program=name, reason=reason) from None
    output, errors = _Pipe(process.stdout), _Pipe(process.stderr)
    try:
        while process.poll() is None and monotonic() < ends_at_s and not output.is_too_long:
            output.join(min(_POLL_S, max(0.001, ends_at_s - monotonic())))
            if not output.is_open:
                _wait(process, min(_POLL_S, max(0.001, ends_at_s - monotonic())))
        if process.returncode is None and not output.is_too_long:
            waited = seconds(timeout_s)
            raise Unreachable("provider.program-timeout", program=name, seconds=waited)
        for pipe in (output, errors):
            pipe.join(_LINGER_S)
        if output.is_too_long:
            limit = f"{MAX_OUTPUT_BYTES >> 20} MiB"
            raise BadReply("provider.program-output-too-long", program=name, limit=limit)
    finally:
        waiting.end()
        if process.poll() is None:
            process.kill()
            _wait(process, _LINGER_S)
    return Finished(process.returncode, output.content, errors.content)


def _wait(process: subprocess.Popen[bytes], timeout_s: float) -> None:
    import subprocess

    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        pass


class _Pipe:
    """One output of the program, read in a thread of its own up to the limit."""

    def __init__(self, pipe: object) -> None:
        import threading

        self._chunks: list[bytes] = []
        self._pipe = pipe
        self.is_too_long = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        left = MAX_OUTPUT_BYTES
        descriptor: int = self._pipe.fileno()  # type: ignore[attr-defined]
        while chunk := os.read(descriptor, 1 << 16):
            left -= len(chunk)
            if left < 0:
                self.is_too_long = True
                return
            self._chunks.append(chunk)

    @property
    def is_open(self) -> bool:
        return self._reader.is_alive()

    def join(self, timeout_s: float) -> None:
        self._reader.join(timeout_s)

    @property
    def content(self) -> bytes:
        return b"".join(self._chunks)
