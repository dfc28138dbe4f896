"""Runs a program that gives a token or keys, and names it where it fails or is waited for."""

from __future__ import annotations

from cred_helper.errors import BadReply, Misconfigured, Unreachable
from cred_helper.files.os_errors import os_reason
from cred_helper.programs import running
from cred_helper.programs.running import Finished, TimedOut, TooMuchOutput
from cred_helper.providers.common import waiting
from cred_helper.providers.common.interface import seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# The longest answers are a token of some kilobytes and a page of warnings.
MAX_OUTPUT_BYTES = 1 << 20


def run(
    command: list[str],
    environ: Mapping[str, str],
    timeout_s: float,
    name: str,
    *,
    folder: str | None = None,
) -> Finished:
    """Run a program to its end, in a folder, without input. ``name`` is what messages call it.

    Raises:
        Misconfigured: it cannot be started.
        Unreachable: it did not end in time.
        BadReply: it wrote more than the limit.
    """
    waiting.start(name)
    try:
        return running.run(command, environ, timeout_s, MAX_OUTPUT_BYTES, folder=folder)
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
