"""The debug log: one line an event, where the setting ``log`` says. Loaded only where it says so.

Told are: which source was asked for which host, what came of it and how long it took; as whom a
provider asked its cloud; and of the SDKs, where in their code they had something to say, and what
urllib3 sent by method, host, path and status. Never told are the SDKs' own words, header fields
and queries: whoever means to take the secrets out of those has to know them all. Nor is a secret of
ours, nor what a file holds. A log that cannot be written is told of once, and nothing fails for it.
"""

from __future__ import annotations

import logging
import os
import re
import stat
import threading
from time import gmtime, monotonic, strftime, time

from cred_helper.credential import Credential
from cred_helper.errors import CredentialError, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cred_helper.keychain import Source
    from cred_helper.providers.common.interface import Identity, Provider, TokenRequest
    from cred_helper.server_url import ServerURL

    Warn = Callable[[str, str | None], None]

# Weeks of a busy machine. A file that has grown beyond it goes on as a new one; the one before is
# kept as .old, and no other.
MAX_FILE_BYTES = 1 << 20
_STDERR = 2
_PREFIX = "docker-credential-multi: debug: "
_APPEND = (
    os.O_WRONLY
    | os.O_APPEND
    | os.O_CREAT
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
)
# A part of a path that could be a token or the number of a session. A tenant's id is shorter.
_OPAQUE = re.compile(r"[\w.+=~%-]{40,}")
# How urllib3 tells of a new connection (its number, host, port), and of a reply (scheme, host,
# port, method, target, version, status, length).
_URLLIB3 = "urllib3.connectionpool"


class Log:
    """Where events go: standard error, or a file."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def to(cls, place: str, warn: Warn) -> Log | None:
        """The log at ``stderr`` or a path; ``None`` where it cannot be written.

        One that is opened hears the SDKs, and stays open as long as the process lives.
        """
        with _OPENING:
            if place not in _OPENED:
                _OPENED[place] = cls._open(place, warn)
            return _OPENED[place]

    @classmethod
    def _open(cls, place: str, warn: Warn) -> Log | None:
        try:
            log = cls(_STDERR if place == "stderr" else _open_file(place))
        except OSError as error:
            reason = f"{place} is no place for a log: {(error.strerror or str(error)).lower()}"
            warn(reason, "set DOCKER_CREDENTIAL_MULTI_LOG to stderr or to a file of your own")
            return None
        logging.getLogger().addHandler(_SdkHandler(log))
        logging.getLogger().setLevel(logging.DEBUG)
        return log

    def event(self, text: str) -> None:
        """Write one line down."""
        now = time()
        lead = f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(now))}.{int(now * 1000) % 1000:03}Z"
        lead = _PREFIX if self._fd == _STDERR else f"{lead} {os.getpid()} "
        try:
            os.write(self._fd, f"{lead}{' '.join(text.split())}\n".encode("utf-8", "replace"))
        except OSError:
            pass  # a full disk is no reason for a client to get no answer

    def watching(
        self, sources: Callable[[ServerURL], Iterable[Source]]
    ) -> Callable[[ServerURL], Iterator[Source]]:
        """The same sources, each telling what comes of it."""

        def watched(server_url: ServerURL) -> Iterator[Source]:
            self.event(f"asked for {server_url.redacted_host}")
            for source in sources(server_url):
                yield _WatchedSource(source, self)
            self.event("nobody is left to ask")

        return watched

    def watched(self, provider: Provider) -> Provider:
        """The same provider, telling that it asks its cloud and as whom."""
        return _WatchedProvider(provider, self)


_OPENED: dict[str, Log | None] = {}
_OPENING = threading.Lock()


def _open_file(path: str) -> int:
    """Open a file of this user's that nobody else can read; raise ``OSError`` for any other."""
    fd = os.open(path, _APPEND, 0o600)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is no plain file")
        if hasattr(os, "fchmod"):
            os.fchmod(fd, 0o600)  # another user's cannot be closed to others, and is none for us
        if status.st_size <= MAX_FILE_BYTES:
            return fd
        os.replace(path, f"{path}.old")
    except OSError:
        os.close(fd)
        raise
    os.close(fd)
    return os.open(path, _APPEND | os.O_EXCL, 0o600)


class _WatchedSource:
    """A source that tells what comes of asking it."""

    __slots__ = ("_log", "_source", "name")

    def __init__(self, source: Source, log: Log) -> None:
        self.name = source.name
        self._source = source
        self._log = log

    def get(self, server_url: ServerURL) -> Credential:
        """As the source answers."""
        begun_s = monotonic()
        outcome: Credential | CredentialError
        try:
            outcome = self._source.get(server_url)
        except CredentialError as error:
            outcome = error
        took_ms = (monotonic() - begun_s) * 1000
        self._log.event(f"{self.name}: {_told(outcome)}, in {took_ms:.0f} ms")
        if isinstance(outcome, CredentialError):
            raise outcome
        return outcome


class _WatchedProvider:
    """A provider that tells of each question to its cloud; what is cached is none."""

    __slots__ = ("_log", "_provider", "name")

    def __init__(self, provider: Provider, log: Log) -> None:
        self.name = provider.name
        self._provider = provider
        self._log = log

    def identify(self, request: TokenRequest) -> Identity:
        """As the provider says."""
        return self._provider.identify(request)

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        """As the provider answers."""
        whom = f"{identity.source} ({identity.detail})" if identity.source else "nobody"
        self._log.event(f"{self.name}: asking for {request.route.host} as {whom}")
        return self._provider.get(request, identity)


def _told(outcome: Credential | CredentialError) -> str:
    if isinstance(outcome, Credential):
        expires_at = outcome.expires_at
        until = f" until {expires_at:%Y-%m-%dT%H:%M:%SZ}" if expires_at else ""
        return f"a credential for {outcome.username}{until} from {outcome.source}"
    if isinstance(outcome, NotFound):
        return f"nothing ({outcome.reason})"
    return f"{type(outcome).__name__} ({outcome.reason})"


class _SdkHandler(logging.Handler):
    """Hears what the SDKs log, and passes on what cannot hold a secret."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log
        self._places: set[tuple[str, str, int]] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of a request each time, of any other record where it came from, once."""
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
    """What a record of urllib3's says of a request; ``None`` for any other record."""
    match record.args:
        case (int(), str(host), port) if record.name == _URLLIB3:
            return f"connecting to {host}:{port}"
        case (scheme, host, port, method, str(target), _, int(status), _) if (
            record.name == _URLLIB3
        ):
            path = _OPAQUE.sub("…", target.partition("?")[0])
            return f"{method} {scheme}://{host}:{port}{path}, status {status}"
    return None
