"""The debug log: one line per event, at the place that the setting ``log`` names.

It holds: which source was asked for which host, the result and how long it took; the identity that
a provider asked its cloud with; of the SDKs, where in their code they logged something, and the
method, host, path and status of each request of urllib3. It never holds the SDKs' own words, header
fields or queries, which may be secrets, nor a secret of ours, nor the content of a file. If it
cannot be written, there is one warning, and nothing fails.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import stat
import threading
from time import gmtime, monotonic, sleep, strftime, time

from cred_helper.credential import Credential
from cred_helper.errors import CredentialError, Misconfigured, NotFound
from cred_helper.files import path_values
from cred_helper.files.locks import Locks
from cred_helper.files.os_errors import invalid_path, os_reason

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
# A rename takes milliseconds. A process that cannot rename the file writes to it as it is.
_RENAME_TIMEOUT_S = 1.0
_RENAME_POLL_S = 0.01
_LOCK = "0"
# How often a process looks for the new file that another has begun.
_ATTEMPTS = 3
_STDERR = 2
_PREFIX = "docker-credential-multi: debug: "
_APPEND = (
    os.O_WRONLY
    | os.O_APPEND
    | os.O_CREAT
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
)
# A part of a path that could be a token or a session's number. A tenant's id is shorter.
_OPAQUE = re.compile(r"[\w.+=~%-]{40,}")
# The arguments of urllib3's records: of a new connection (its number, host, port), and of a reply
# (scheme, host, port, method, target, version, status, length).
_URLLIB3 = "urllib3.connectionpool"


class Log:
    """Where events go: standard error, or a file."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

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
        try:
            log = cls(_STDERR if place == "stderr" else _open_file(place))
        except OSError as error:
            shown = path_values.shown("DOCKER_CREDENTIAL_MULTI_LOG", place)
            warn(Misconfigured("settings.log-unusable", place=shown, problem=os_reason(error)))
            return None
        logging.getLogger().addHandler(_SdkHandler(log))
        logging.getLogger().setLevel(logging.DEBUG)
        return log

    def event(self, text: str) -> None:
        """Write one line."""
        now = time()
        lead = f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(now))}.{int(now * 1000) % 1000:03}Z"
        lead = _PREFIX if self._fd == _STDERR else f"{lead} {os.getpid()} "
        try:
            os.write(self._fd, f"{lead}{' '.join(text.split())}\n".encode("utf-8", "replace"))
        except OSError:
            pass  # a full disk must not stop the answer to a client

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


def _open_file(path: str) -> int:
    """Open a file that only this user can read, and rename one that is too large before.

    Raises:
        OSError: it is another kind of file, or another user's.
    """
    for _ in range(_ATTEMPTS):
        try:
            fd = os.open(path, _APPEND, 0o600)
        except ValueError:
            raise invalid_path() from None
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "not a regular file")
            if hasattr(os, "fchmod"):
                os.fchmod(fd, 0o600)  # fails for another user's file
            if status.st_size <= MAX_FILE_BYTES or not _is_renamed(path, fd):
                return fd
        except OSError:
            os.close(fd)
            raise
        os.close(fd)
    return os.open(path, _APPEND, 0o600)


def _is_renamed(path: str, fd: int) -> bool:
    """Rename a file that is too large, unless another process has; false if that is impossible."""
    locks = Locks(os.dup(fd))
    try:
        ends_at_s = monotonic() + _RENAME_TIMEOUT_S
        while not locks.acquire(_LOCK):
            if monotonic() > ends_at_s:
                return False
            sleep(_RENAME_POLL_S)
        if locks.are_missing:
            return False
        if os.path.samestat(os.stat(path), os.fstat(fd)):
            os.replace(path, f"{path}.old")
    except FileNotFoundError:
        pass  # renamed, and the new one is not there yet
    finally:
        locks.close()
    return True


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
