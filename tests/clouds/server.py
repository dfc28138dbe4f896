"""An HTTP server on loopback that records each request and fails the test if one is wrong.

It speaks HTTP/1.1 with keep-alive, one thread per connection, and closes at once. It never
listens off 127.0.0.1 and never guesses: a request without a handler is a failure of the test.
"""

from __future__ import annotations

import base64
import http
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from io import BytesIO
from itertools import repeat
from typing import Any, BinaryIO, Self
from urllib.parse import parse_qsl, unquote

# A client may open dozens of connections before the first is accepted.
BACKLOG = 256

# Only a handler that hangs takes this long: a shut-down socket ends everything else.
JOIN_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Received:
    """One request as it arrived. `path` is unquoted; `target` is that of the request line.

    `headers` are by their names in lower case; repeated fields are joined as RFC 9110 allows.
    """

    method: str
    host: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes
    scheme: str
    target: str

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def basic(self) -> tuple[str, str] | None:
        """User name and password of `Authorization: Basic`, if that is what was sent."""
        encoded = self._authorization("basic")
        if encoded is None:
            return None
        username, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        return username, password

    @property
    def bearer(self) -> str | None:
        """The token of `Authorization: Bearer`, if that is what was sent."""
        return self._authorization("bearer")

    def _authorization(self, scheme: str) -> str | None:
        sent, _, value = self.headers.get("authorization", "").partition(" ")
        return value if sent.lower() == scheme else None


@dataclass(frozen=True)
class Reply:
    """A handler's answer. Content-Length is added; a HEAD request gets it without the body."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def head(self) -> bytes:
        """The status line and the header fields, up to the empty line."""
        lines = [f"HTTP/1.1 {self.status} {_reason(self.status)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.status not in (204, 304) and "Content-Length" not in self.headers:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def json_reply(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A reply that carries `value` as JSON; a Content-Type in `headers` wins."""
    fields = {"Content-Type": "application/json", **(headers or {})}
    return Reply(status, fields, json.dumps(value).encode())


Handler = Callable[[Received], Reply]


@dataclass(frozen=True)
class RoundTrip:
    request: Received
    answer: Callable[[], Reply]
    """Asks the handler for the reply that would have been sent."""
    send: Callable[[bytes], None]
    pause: Callable[[float | None], None]
    """Waits that many seconds, for ever if None; raises ConnectionError when the server closes."""


Fault = Reply | Callable[[RoundTrip], None]
"""A reply to give instead of the handler's, or a routine that answers as badly as it likes and
after which the connection is closed. `faults.py` has them all."""


class Listener:
    """A listening socket on loopback with a thread for each connection; both end promptly."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self.port: int = self._listening.getsockname()[1]
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def serve(self, connection: socket.socket) -> None:
        """Serve one client until the client or this listener closes the connection."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop listening, cut every connection and wait for the threads."""
        self._closing.set()
        # Closing alone would not wake a thread that waits in accept() or recv().
        _cut(self._listening)
        self._listening.close()
        with self._lock:
            connections, threads = list(self._connections), list(self._threads)
        for connection in connections:
            _cut(connection)
        for thread in threads:
            thread.join(JOIN_TIMEOUT_S)

    @contextmanager
    def keeping(self, connection: socket.socket) -> Iterator[None]:
        """Have close() cut this connection as well, and close it at the end of the block."""
        with self._lock:
            self._connections.add(connection)
        try:
            if self._closing.is_set():
                raise ConnectionAbortedError("the listener is closing")
            yield
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    @contextmanager
    def terminating(
        self, connection: socket.socket, context: ssl.SSLContext
    ) -> Iterator[ssl.SSLSocket]:
        """Serve TLS on this connection inside the block."""
        secured = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self.keeping(secured):
            secured.do_handshake()
            yield secured

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._spawn(self._converse, connection)

    def _converse(self, connection: socket.socket) -> None:
        # The test checks for a client that hangs up or does not trust our certificate.
        with suppress(OSError), self.keeping(connection):
            self.serve(connection)

    def _spawn(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        with self._lock:
            self._threads = [known for known in self._threads if known.is_alive()] + [thread]
            thread.start()


class LoopbackServer(Listener):
    """A server of registered handlers; base of every loopback cloud.

    Every reply is delayed by `delay_s`, as by a network. With `tls` the server speaks
    HTTPS on its own port; behind a TerminatingProxy it need not.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, delay_s: float = 0.0) -> None:
        super().__init__()
        self.delay_s = delay_s
        self._tls = tls
        self._routes: list[tuple[str, str, str, Handler]] = []
        self._faults: list[tuple[str, Iterator[Fault]]] = []
        self._received: list[Received] = []
        self._failures: list[BaseException] = []

    def __exit__(self, *exc_info: object) -> None:
        super().__exit__(*exc_info)
        self.check()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def received(self) -> list[Received]:
        with self._lock:
            return list(self._received)

    def received_at(self, path: str) -> list[Received]:
        """Every request so far to a path, or to paths matching a pattern."""
        return [request for request in self.received if fnmatchcase(request.path, path)]

    def on(self, method: str, path: str, handler: Handler, *, host: str = "*") -> None:
        """Answer these requests with this handler; of several that fit, the latest wins.

        Each may be a pattern: `*` stands for any characters, slashes included.
        """
        self._routes.insert(0, (method, path, host, handler))

    def fail(self, path: str, fault: Fault, *, times: int | None = None) -> None:
        """Apply a fault at a path (or pattern), to all requests or to so many; the latest wins."""
        chosen = repeat(fault) if times is None else repeat(fault, times)
        self._faults.insert(0, (path, chosen))

    def behave(self) -> None:
        self._faults.clear()

    def check(self) -> None:
        """Raise the first exception that a handler raised, once."""
        with self._lock:
            failures, self._failures = self._failures, []
        if failures:
            for other in failures[1:]:
                failures[0].add_note(f"and then: {other!r}")
            raise failures[0]

    def handle(self, request: Received) -> Reply:
        """The reply to a request. A cloud with a grammar of its own may override this."""
        for method, path, host, handler in self._routes:
            pairs = ((request.method, method), (request.path, path), (request.host, host))
            if all(fnmatchcase(text, pattern) for text, pattern in pairs):
                return handler(request)
        raise AssertionError(
            f"{type(self).__name__} does not expect {request.method} {request.host}{request.path}"
        )

    def serve(self, connection: socket.socket) -> None:
        if self._tls is None:
            self.serve_http(connection, "http")
        else:
            with self.terminating(connection, self._tls) as secured:
                self.serve_http(secured, "https")

    def serve_http(self, connection: socket.socket, scheme: str) -> None:
        """Answer the requests of a connection, accepted here or elsewhere, until it closes."""
        with self.keeping(connection), connection.makefile("rb") as stream:
            while request := read_request(stream, scheme):
                if not self.answer_one(connection, request):
                    return

    def answer_one(self, connection: socket.socket, request: Received) -> bool:
        """Answer one request; true if the connection may carry another."""
        with self._lock:
            self._received.append(request)
            fault = self._next_fault(request.path)
        self._pause(self.delay_s)
        if fault is not None and not isinstance(fault, Reply):
            answer = partial(self._answer, request)
            fault(RoundTrip(request, answer, connection.sendall, self._pause))
            return False
        reply = fault or self._answer(request)
        connection.sendall(reply.head() + (b"" if request.method == "HEAD" else reply.body))
        return request.headers.get("connection", "").lower() != "close"

    def _answer(self, request: Received) -> Reply:
        try:
            return self.handle(request)
        except BaseException as error:  # pytest's own outcomes are not Exceptions
            with self._lock:
                self._failures.append(error)
            return Reply(500, body=b"the loopback cloud objects; the test raises the reason\n")

    def _next_fault(self, path: str) -> Fault | None:
        for pattern, faults in self._faults:
            if fnmatchcase(path, pattern) and (fault := next(faults, None)) is not None:
                return fault
        return None

    def _pause(self, seconds: float | None) -> None:
        if self._closing.wait(seconds):
            raise ConnectionAbortedError("the server is closing")


def read_request(stream: BinaryIO, scheme: str) -> Received | None:
    """The next request of a connection; ``None`` if the client closes it or sends no HTTP.

    An incomplete request, as of a client that was killed, does not count.
    """
    try:
        method, target, _ = _read_line(stream).decode("latin-1").split()
        headers = _read_headers(stream)
        body = _read_body(stream, headers)
    except (ValueError, EOFError, http.client.HTTPException):
        return None
    host, resource = headers.get("host", ""), target
    if method == "CONNECT":
        host, resource = target, ""
    elif not target.startswith("/"):  # absolute form, as sent to a proxy
        host, slash, rest = target.partition("://")[2].partition("/")
        resource = slash + rest
    if scheme == "https":  # nerdctl sends the usual port
        host = host.removesuffix(":443")
    path, _, query = resource.partition("?")
    asked = dict(parse_qsl(query, keep_blank_values=True))
    return Received(method, host.lower(), unquote(path), asked, headers, body, scheme, target)


def _read_headers(stream: BinaryIO) -> dict[str, str]:
    lines = []
    while (line := _read_line(stream)).strip():
        lines.append(line)
    found: dict[str, str] = {}
    for name, value in http.client.parse_headers(BytesIO(b"".join(lines))).items():
        known = found.get(name.lower())
        found[name.lower()] = value if known is None else f"{known}, {value}"
    return found


def _read_body(stream: BinaryIO, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return _read_whole(stream, int(headers.get("content-length", "0")))
    chunks = []
    while size := int(_read_line(stream).partition(b";")[0], 16):
        chunks.append(_read_whole(stream, size))
        _read_line(stream)
    while _read_line(stream).strip():
        pass  # trailers are ignored
    return b"".join(chunks)


def _read_line(stream: BinaryIO) -> bytes:
    line = stream.readline(65536)
    if not line.endswith(b"\n"):
        raise EOFError
    return line


def _read_whole(stream: BinaryIO, size: int) -> bytes:
    body = stream.read(size)
    if len(body) < size:
        raise EOFError
    return body


def _cut(connection: socket.socket) -> None:
    # SSLSocket.shutdown() would drop its TLS state under the thread that is reading.
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _reason(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return ""
