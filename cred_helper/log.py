"""The debug log: one line per event, at the place that the setting ``log`` names.

It holds: which source was asked for which host, the result and how long it took; the identity that
a provider asked its cloud with; of the SDKs, where in their code they logged something, and the
method, host, path and status of each request of urllib3. It never holds the SDKs' own words, header
fields or queries, which may be secrets, nor a secret of ours, nor the content of a file. If it
cannot be written, there is one warning, and nothing fails.
"""

from __future__ import annotations

import logging
import os
import re
import threading

from cred_helper.credential import Credential
from cred_helper.errors import CredentialError, NotFound
from cred_helper.files.log_file import LogFile, now
from cred_helper.watcher import Watcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cred_helper.keychain import Source
    from cred_helper.providers.common.interface import Identity, TokenRequest
    from cred_helper.server_url import ServerURL
    from cred_helper.watcher import Outcome

    Warn = Callable[[CredentialError], None]

# Weeks of a busy machine. A larger file is renamed to .old, and a new one is begun.
MAX_FILE_BYTES = 1 << 20
_PREFIX = "docker-credential-multi: debug: "
# A part of a path that could be a token or a session's number. A tenant's id is shorter.
_OPAQUE = re.compile(r"[\w.+=~%-]{40,}")
# The arguments of urllib3's records: of a new connection (its number, host, port), and of a reply
# (scheme, host, port, method, target, version, status, length).
_URLLIB3 = "urllib3.connectionpool"


class Log(Watcher):
    """Where events go: standard error, or a file."""

    def __init__(self, file: LogFile) -> None:
        self._file = file

    @classmethod
    def to(cls, place: str, warn: Warn) -> Log | None:
        """The log at ``stderr`` or a path; ``None`` if it cannot be written.

        It receives the SDKs' records as well, and stays open as long as the process lives.
        """
        with _OPENING:
            if place not in _OPENED:
                _OPENED[place] = cls._open(place, warn)
            return _OPENED[place]

    @classmethod
    def _open(cls, place: str, warn: Warn) -> Log | None:
        file = LogFile.at(place, MAX_FILE_BYTES, warn)
        if file is None:
            return None
        log = cls(file)
        logging.getLogger().addHandler(_SdkHandler(log))
        logging.getLogger().setLevel(logging.DEBUG)
        return log

    def event(self, text: str) -> None:
        lead = _PREFIX if self._file.is_stderr else f"{now()} {os.getpid()} "
        self._file.write(f"{lead}{' '.join(text.split())}")

    def watching(
        self, sources: Iterable[Source], server_url: ServerURL, settings_files: Iterable[str]
    ) -> Iterator[Source]:
        self.event(f"settings from {', '.join(settings_files) or 'no file'}")
        self.event(f"asked for {server_url.redacted_host}")
        yield from super().watching(sources, server_url, settings_files)
        self.event("no source is left")

    def ended(self, source: str, outcome: Outcome, took_s: float) -> None:
        self.event(f"{source}: {_result(outcome)}, in {took_s * 1000:.0f} ms")

    def asking(self, provider: str, request: TokenRequest, identity: Identity) -> None:
        known = f"{identity.source} ({identity.detail})" if identity.source else "no known identity"
        self.event(f"{provider}: asking for {request.route.host} as {known}")


_OPENED: dict[str, Log | None] = {}
_OPENING = threading.Lock()


def _result(outcome: Outcome) -> str:
    if isinstance(outcome, Credential):
        expires_at = outcome.expires_at
        until = f" until {expires_at:%Y-%m-%dT%H:%M:%SZ}" if expires_at else ""
        return f"{outcome.words}{until} from {outcome.source}"
    if isinstance(outcome, NotFound):
        return f"nothing ({outcome.reason})"
    return f"{type(outcome).__name__} ({outcome.reason})"


class _SdkHandler(logging.Handler):
    """Receives the SDKs' records, and logs what cannot be a secret."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log
        self._places: set[tuple[str, str, int]] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Log each request, and of any other record its place, once."""
        request = _request(record)
        place = (record.name, record.funcName or "", record.lineno)
        if request:
            self._log.event(f"http: {request}")
        elif place not in self._places:
            self._places.add(place)
            error = record.exc_info[0] if record.exc_info else None
            raised = f", {error.__name__}" if error else ""
            self._log.event(f"sdk: {record.name}, {record.funcName}, line {record.lineno}{raised}")


def _request(record: logging.LogRecord) -> str | None:
    """The request that a record of urllib3 is about; ``None`` for any other record."""
    match record.args:
        case (int(), str(host), port) if record.name == _URLLIB3:
            return f"connecting to {host}:{port}"
        case (scheme, host, port, method, str(target), _, int(status), _) if (
            record.name == _URLLIB3
        ):
            path = _OPAQUE.sub("…", target.partition("?")[0])
            return f"{method} {scheme}://{host}:{port}{path}, status {status}"
    return None
