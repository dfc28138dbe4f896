"""Runs a program that gives a token or keys, and names it if it fails or hangs.

What it writes to its standard error is not shown, but for a question to the person at this
terminal: without it the program would seem to hang.

Source: https://github.com/99designs/aws-vault/issues/1015
"""

from __future__ import annotations

import os

from cred_helper.errors import BadReply, Misconfigured, Unreachable
from cred_helper.files.os_errors import os_reason
from cred_helper.programs import running
from cred_helper.programs.running import ProgramResult, TimedOut, TooMuchOutput
from cred_helper.providers.common import waiting
from cred_helper.providers.common.interface import seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# The longest answers are a token of some kilobytes and a page of warnings.
MAX_OUTPUT_BYTES = 1 << 20
# A line that is not finished after this time is a question.
_QUESTION_S = 0.25
_MAX_QUESTION_BYTES = 200


def run(
    command: list[str],
    environ: Mapping[str, str],
    timeout_s: float,
    name: str,
    *,
    folder: str | None = None,
) -> ProgramResult:
    """Run a program to its end, in a folder, without input. ``name`` is what messages call it.

    Raises:
        Misconfigured: it cannot be started.
        Unreachable: it did not end in time.
        BadReply: it wrote more than the limit.
    """
    waiting.start(name)
    listen = _Question().listen if os.isatty(2) else None
    limits = (timeout_s, MAX_OUTPUT_BYTES)
    try:
        return running.run(command, environ, *limits, folder=folder, listen=listen)
    except OSError as error:
        reason = os_reason(error)
        raise Misconfigured("provider.program-not-started", program=name, reason=reason) from None
    except TimedOut:
        waited = seconds(timeout_s)
        raise Unreachable("provider.program-timeout", program=name, seconds=waited) from None
    except TooMuchOutput:
        limit = f"{MAX_OUTPUT_BYTES >> 20} MiB"
        raise BadReply("provider.program-output-too-long", program=name, limit=limit) from None
    finally:
        waiting.end()


class _Question:
    """The unfinished line of a program that waits for a person."""

    def __init__(self) -> None:
        self._line = b""
        self._asked_at_s = 0.0

    def listen(self, chunk: bytes) -> None:
        """Take what the program wrote since the last call; show a question once."""
        from time import monotonic

        if chunk:
            self._line = (self._line + chunk).rpartition(b"\n")[2][-_MAX_QUESTION_BYTES:]
            self._asked_at_s = monotonic()
        elif self._line and monotonic() - self._asked_at_s > _QUESTION_S:
            os.write(2, self._line)
            self._line = b""
