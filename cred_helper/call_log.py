"""The log of calls: one JSON object a line for each call, at the place that ``log`` names.

It holds when and for which server URL a call was made, how long it took, which source answered,
whether from the cache, and the codes of its errors and warnings. It never holds a secret, the text
of a message, a user name or the content of a file. The line is written after the reply.

``packaging/docs/schemas/log.json`` describes the line.
"""

from __future__ import annotations

import json
import os
from time import monotonic

from cred_helper import __version__, clouds
from cred_helper.credential import Credential
from cred_helper.files.log_file import LogFile, now
from cred_helper.watcher import Watcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cred_helper.errors import CredentialError
    from cred_helper.providers.common.interface import Identity, TokenRequest
    from cred_helper.server_url import ServerURL
    from cred_helper.watcher import Outcome

# The other calls are about none or several server URLs, such as the example of each cloud.
_ABOUT_ONE = (
    *("get", "store", "erase", "kubelet", "bazel get"),
    *("explain", "login", "logout", "token"),
)
# A line has 300 bytes: 28,000 calls, and as many in the file before.
MAX_FILE_BYTES = 8 << 20


class CallLog(Watcher):
    def __init__(self, file: LogFile) -> None:
        self._file = file
        self._server_url: str | None = None
        self._source: str | None = None
        self._has_asked = False

    def about(self, server_url: ServerURL) -> None:
        """Note the server URL that the call is about: the first one."""
        self._server_url = self._server_url or server_url.redacted

    def ended(self, source: str, outcome: Outcome, _took_s: float) -> None:
        if isinstance(outcome, Credential):
            self._source = source

    def asking(self, _provider: str, _request: TokenRequest, _identity: Identity) -> None:
        self._has_asked = True

    def end(self, words: str, status: int, codes: list[tuple[str, str]], took_s: float) -> None:
        """Write the line. ``words`` are the verb or command, ``codes`` its errors and warnings."""
        errors = [code for kind, code in codes if kind == "error"]
        is_cloud = self._source in clouds.NAMES
        line = {
            "time": now(),
            "pid": os.getpid(),
            "version": __version__,
            "verb": words,
            "server_url": self._server_url if words in _ABOUT_ONE else None,
            "duration_ms": round(took_s * 1000, 1),
            "source": self._source,
            "cached": not self._has_asked if is_cloud else None,
            "code": errors[0] if errors else None,
            "warnings": [code for kind, code in codes if kind == "warning"],
            "exit": status,
        }
        self._file.write(json.dumps(line))


_CALLS: list[CallLog | None] = []


def begin(place: str, warn: Callable[[CredentialError], None]) -> CallLog | None:
    """The log of this process's call, begun if it is not yet; ``None`` if it cannot be written."""
    if not _CALLS:
        file = LogFile.at(place, MAX_FILE_BYTES, warn)
        _CALLS.append(CallLog(file) if file else None)
    return _CALLS[0]


def end(words: str, status: int, codes: list[tuple[str, str]], begun_s: float) -> None:
    """Write the line of this process's call, if there is a log of calls."""
    for call in _CALLS:
        if call is not None:
            call.end(words, status, codes, monotonic() - begun_s)
