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
from time import monotonic

from cred_helper.credential import Credential
from cred_helper.errors import CredentialError, NotFound
from cred_helper.files.log_file import LogFile, now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cred_helper.keychain import Source
    from cred_helper.providers.common.interface import Identity, TokenRequest
    from cred_helper.providers.common.protocols import Provider
    from cred_helper.server_url import ServerURL

    Warn = Callable[[CredentialError], None]

# Weeks of a busy machine. A larger file is renamed to .old, and a new one is begun.
MAX_FILE_BYTES = 1 << 20
_PREFIX = "docker-credential-multi: debug: "
# A part of a path that could be a token or a session's number. A tenant's id is shorter.
_OPAQUE = re.compile(r"[\w.+=~%-]{40,}")
# The arguments of urllib3's records: of a new connection (its number, host, port), and of a reply
# (scheme, host, port, method, target, version, status, length).
_URLLIB3 = "urllib3.connectionpool"


class Log:
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
        """Write one line."""
        lead = _PREFIX if self._file.is_stderr else f"{now()} {os.getpid()} "
        self._file.write(f"{lead}{' '.join(text.split())}")

    def watching(
        self, sources: Callable[[ServerURL], Iterable[Source]]
    ) -> Callable[[ServerURL], Iterator[Source]]:
        """The same sources, with an event for each result."""

        def watched(server_url: ServerURL) -> Iterator[Source]:
            self.event(f"asked for {server_url.redacted_host}")
            for source in sources(server_url):
                yield _WatchedSource(source, self)
            self.event("no source is left")

        return watched

    def watched(self, provider: Provider) -> Provider:
        """The same provider, with an event for each request to its cloud."""
        return _WatchedProvider(provider, self)


_OPENED: dict[str, Log | None] = {}
_OPENING = threading.Lock()


class _WatchedSource:
    """A source with an event for each result."""

    __slots__ = ("_log", "_source", "name")

    def __init__(self, source: Source, log: Log) -> None:
        self.name = source.name
        self._source = source
        self._log = log

    def get(self, server_url: ServerURL) -> Credential:
        """Ask the source."""
        begun_s = monotonic()
        outcome: Credential | CredentialError
        try:
            outcome = self._source.get(server_url)
        except CredentialError as error:
            outcome = error
        took_ms = (monotonic() - begun_s) * 1000
        self._log.event(f"{self.name}: {_result(outcome)}, in {took_ms:.0f} ms")
        if isinstance(outcome, CredentialError):
            raise outcome
        return outcome


class _WatchedProvider:
    """A provider with an event for each request to its cloud; a cached answer has none."""

    __slots__ = ("_log", "_provider", "name")

    def __init__(self, provider: Provider, log: Log) -> None:
        self.name = provider.name
        self._provider = provider
        self._log = log

    def identify(self, request: TokenRequest) -> Identity:
        """Ask the provider."""
        return self._provider.identify(request)

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        """Ask the provider."""
        known = f"{identity.source} ({identity.detail})" if identity.source else "no known identity"
        self._log.event(f"{self.name}: asking for {request.route.host} as {known}")
        return self._provider.get(request, identity)


def _result(outcome: Credential | CredentialError) -> str:
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
