"""Each way in which a request gets no reply has one code, whichever SDK sent the request."""

from __future__ import annotations

import base64
import errno
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from cred_helper.errors import CredentialError, Unreachable
from cred_helper.providers.common import waiting
from cred_helper.providers.common.interface import Deadline
from cred_helper.providers.common.network_errors import no_reply_error
from cred_helper.providers.common.trust import CaFile
from cred_helper.providers.common.wire import MAX_REPLY_BYTES, Wire
from tests.clouds.authority import Authority
from tests.clouds.fixtures import authority, proxy

__all__ = ["authority", "proxy"]

DAY = timedelta(days=1)
Behaviour = Callable[[socket.socket], None]
Stack = Callable[[Wire, str], object]


# --- The stacks -----------------------------------------------------------------------------------


def by_urllib3(wire: Wire, url: str) -> object:
    from cred_helper.providers.common.http_client import HttpClient

    return HttpClient(wire).send("GET", url)


def by_azure_core(wire: Wire, url: str) -> object:
    from azure.core.pipeline.transport import HttpRequest

    from cred_helper.providers.acr.transport import WireTransport

    with WireTransport(wire) as transport:
        return transport.send(HttpRequest("GET", url))


def by_botocore(wire: Wire, url: str) -> object:
    from botocore.awsrequest import AWSRequest

    from cred_helper.providers.ecr.botocore_session import WireSession

    return WireSession(wire).send(AWSRequest(method="GET", url=url).prepare())


STACKS = [by_urllib3, by_azure_core, by_botocore]
every_stack = pytest.mark.parametrize("stack", STACKS)


# --- The servers ----------------------------------------------------------------------------------


@contextmanager
def peer(behave: Behaviour) -> Iterator[int]:
    """A server on loopback that does one thing to each connection, and closes it."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                behave(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        ended.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def says(reply: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(reply)

    return behave


def drips(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
    for _ in range(500):
        connection.sendall(b"x")
        time.sleep(0.05)


def resets(connection: socket.socket) -> None:
    connection.recv(65536)
    # Linger for no time: what closes is a reset, not an end.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def closes(connection: socket.socket) -> None:
    connection.recv(65536)


def is_silent(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.settimeout(5)
    connection.recv(1)


def tls(context: ssl.SSLContext) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(65536)
            secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    return behave


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def wire(authority: Authority) -> Wire:
    return new_wire(CaFile("SSL_CERT_FILE", str(authority.ca_file)))


def new_wire(ca_file: CaFile | None = None, within_s: float = 4.0) -> Wire:
    return Wire(Deadline(within_s, time.monotonic), ca_file=ca_file)


def failure(stack: Stack, wire: Wire, url: str) -> CredentialError:
    """What a request fails with."""
    with pytest.raises(Exception) as raised:  # noqa: PT011 - each SDK raises its own
        stack(wire, url)
    found = no_reply_error(wire, raised.value)
    assert found is not None
    assert found.reason  # the catalogue has every placeholder
    return found


# --- Tests ----------------------------------------------------------------------------------------


@every_stack
@pytest.mark.parametrize(
    ("behave", "code"),
    [
        (resets, "network.reset"),
        (closes, "network.broken-off"),
        (says(OK + b"Content-Length: 100\r\n\r\n{"), "network.broken-off"),
        (says(OK + b"Transfer-Encoding: chunked\r\n\r\n40\r\n{"), "network.broken-off"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "network.not-http"),
        (says(b"\x15\x03\x01\x00\x02\x02\x46" * 9), "network.not-http"),
        (is_silent, "network.timeout"),
        (drips, "network.slow-reply"),
        (says(OK + b"\r\n" + b"x" * (MAX_REPLY_BYTES + 1)), "network.reply-too-large"),
    ],
)
def test_a_bad_reply_over_plain_http_has_its_code(
    stack: Stack, behave: Behaviour, code: str
) -> None:
    with peer(behave) as port:
        error = failure(stack, new_wire(), f"http://127.0.0.1:{port}/token?key=secret")
    assert error.code == code
    assert f"127.0.0.1:{port}" in error.reason
    assert "secret" not in error.reason


@every_stack
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ECONNREFUSED, "refused"), "network.refused"),
        (OSError(errno.ENETUNREACH, "unreachable"), "network.no-route"),
        (OSError(errno.EHOSTUNREACH, "unreachable"), "network.no-route"),
        (TimeoutError("timed out"), "network.connect-timeout"),
        (socket.gaierror(socket.EAI_NONAME, "no such name"), "network.unknown-host"),
        (socket.gaierror(socket.EAI_AGAIN, "no such name"), "network.no-name-server"),
    ],
)
def test_each_failure_to_connect_has_its_code(
    stack: Stack, error: OSError, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    of_name = isinstance(error, socket.gaierror)
    owner: object = socket if of_name else socket.socket
    monkeypatch.setattr(owner, "getaddrinfo" if of_name else "connect", fails)
    host = "registry.example" if of_name else "127.0.0.1"
    found = failure(stack, new_wire(), f"https://{host}/")
    assert (type(found), found.code) == (Unreachable, code)
    assert host in found.reason


@every_stack
@pytest.mark.parametrize(
    ("named", "asked", "from_now", "until", "code"),
    [
        ("127.0.0.1", "127.0.0.1", -2 * DAY, -DAY, "expired"),
        ("127.0.0.1", "127.0.0.1", DAY, 2 * DAY, "not-yet-valid"),
        ("other.example", "127.0.0.1", -2 * DAY, 2 * DAY, "wrong-address"),
        ("other.example", "localhost", -DAY, 3 * DAY, "wrong-name"),
    ],
)
def test_each_invalid_certificate_has_its_code(
    stack: Stack,
    named: str,
    asked: str,
    from_now: timedelta,
    until: timedelta,
    code: str,
    authority: Authority,
    wire: Wire,
) -> None:
    context = authority.odd_context(named, valid_from=from_now, valid_until=until)
    with peer(tls(context)) as port:
        error = failure(stack, wire, f"https://{asked}:{port}/")
    assert error.code == f"network.certificate-{code}"
    assert asked in error.reason


@every_stack
@pytest.mark.parametrize(
    ("behave", "code"),
    [
        (says(OK + b"Content-Length: 2\r\n\r\n{}"), "network.not-tls"),
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "network.not-tls"),
        (closes, "network.broken-off"),
        (resets, "network.reset"),
        (is_silent, "network.timeout"),
        (says(b"\x15\x03\x03\x00\x02\x02\x28"), "network.tls-failed"),
    ],
)
def test_each_failed_handshake_has_its_code(
    stack: Stack, behave: Behaviour, code: str, wire: Wire
) -> None:
    with peer(behave) as port:
        assert failure(stack, wire, f"https://127.0.0.1:{port}/").code == code


def test_a_certificate_in_the_place_of_a_path_is_not_shown(authority: Authority) -> None:
    problem = CaFile("SSL_CERT_FILE", authority.ca_file.read_text()).problem()
    assert problem is not None
    assert problem.code == "network.ca-file-not-a-path"
    assert "BEGIN" not in problem.line


# --- Proxies --------------------------------------------------------------------------------------


@every_stack
@pytest.mark.parametrize(
    ("behave", "code"),
    [
        (closes, "network.broken-off"),
        (is_silent, "network.timeout"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "network.not-http"),
        (None, "network.refused"),
    ],
)
def test_a_proxy_that_does_not_answer_is_named_and_not_the_server(
    stack: Stack, behave: Behaviour | None, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with peer(behave or closes) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        if behave:
            error = failure(stack, new_wire(), "https://registry.example/")
    if not behave:  # its port is closed now
        error = failure(stack, new_wire(), "https://registry.example/")
    assert error.code == code
    assert error.reason.startswith(f"the proxy 127.0.0.1:{port} (for registry.example)")


@every_stack
@pytest.mark.parametrize(
    ("login", "sent"),
    [
        ("user:pass", b"user:pass"),
        ("user:p%40ss%3A%23", b"user:p@ss:#"),
        ("us%3Aer:", b"us:er:"),
        ("token", b"token:"),
        ("m:%C4%98dward%C4%84", "m:\u0118dward\u0104".encode()),
        ("m:\u0118dward\u0104", "m:\u0118dward\u0104".encode()),
    ],
)
def test_a_proxy_gets_the_user_name_and_password_of_its_url(
    stack: Stack, login: str, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        received.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

    for scheme in ("http://", ""):
        with peer(behave) as port:
            monkeypatch.setenv("HTTPS_PROXY", f"{scheme}{login}@127.0.0.1:{port}")
            failure(stack, new_wire(), "https://registry.example/")
    found = [re.findall(rb"(?i)\r\nproxy-authorization: Basic (\S+)", it) for it in received]
    assert found == [[base64.b64encode(sent)]] * 2
    assert all(it.startswith(b"CONNECT registry.example:443 ") for it in received)


@every_stack
def test_a_proxy_that_is_reached_by_tls_is_trusted_as_a_server_is(
    stack: Stack, authority: Authority, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connects(connection: socket.socket) -> None:
        context = authority.server_context("127.0.0.1")
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
            received.append(secured.recv(65536))
            secured.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    received: list[bytes] = []
    for trusting, code in ((wire, "network.proxy-login"), (new_wire(), "certificate-untrusted")):
        with peer(connects) as port:
            monkeypatch.setenv("HTTPS_PROXY", f"https://127.0.0.1:{port}")
            assert failure(stack, trusting, "https://registry.example/").code.endswith(code)
    assert [it.partition(b" ")[0] for it in received] == [b"CONNECT"]


@every_stack
def test_a_server_that_closes_the_connection_is_named_with_its_proxy(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connects(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        connection.recv(65536)

    with peer(connects) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        error = failure(stack, new_wire(), "https://registry.example/")
    assert error.code == "network.broken-off"
    assert error.reason.startswith("registry.example through the proxy")


@every_stack
@pytest.mark.parametrize(
    ("no_proxy", "is_direct"),
    [
        (None, False),
        (".corp.test", True),
        ("*.corp.test", True),
        ("corp.test", True),
        ("a.example, *.CORP.test", True),
        ("*", True),
        ("orp.test", False),
        ("*.api.corp.test", False),
        ("10.0.0.0/8", False),
    ],
)
def test_no_proxy_is_read_as_docker_reads_it(
    stack: Stack, no_proxy: str | None, is_direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(host: str, *_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, f"no {host}")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    if no_proxy:
        monkeypatch.setenv("NO_PROXY", no_proxy)
    error = failure(stack, new_wire(), "https://api.corp.test/")
    assert error.reason.startswith("api.corp.test" if is_direct else "the proxy proxy.example:3128")


@every_stack
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_address_of_this_machine_is_not_asked_through_a_proxy(
    stack: Stack, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with peer(says(OK + b"Content-Length: 2\r\n\r\n{}")) as port:
        wire = new_wire()
        stack(wire, f"http://{host}:{port}/")
    assert wire.last is not None
    assert (wire.last.status, wire.last.body, wire.last.failure) == (200, b"{}", None)


# --- The wire -------------------------------------------------------------------------------------


@every_stack
def test_netrc_and_cookies_are_not_used(stack: Stack, home: Path) -> None:
    received: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        received.append(connection.recv(65536))
        connection.sendall(OK + b"Set-Cookie: a=b\r\nContent-Length: 2\r\n\r\n{}")

    netrc = home / ".netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n")
    netrc.chmod(0o600)
    with peer(behave) as port:
        wire = new_wire()
        for _ in range(2):
            stack(wire, f"http://127.0.0.1:{port}/")
    assert len(received) == 2
    assert not any(b"authorization" in one.lower() or b"cookie" in one.lower() for one in received)


@every_stack
def test_attempts_are_counted_whatever_the_query(stack: Stack) -> None:
    with peer(says(OK + b"Content-Length: 2\r\n\r\n{}")) as port:
        wire = new_wire()
        for number in range(3):
            stack(wire, f"http://127.0.0.1:{port}/token?n={number}")
    assert wire.attempts(f"http://127.0.0.1:{port}/token") == 3


@every_stack
def test_nothing_is_sent_after_the_deadline(stack: Stack) -> None:
    error = failure(stack, new_wire(within_s=0), "https://registry.example/")
    assert error.code == "network.no-time-left"


@every_stack
def test_the_server_that_is_waited_for_can_be_named_by_another_thread(stack: Stack) -> None:
    named: list[str] = []
    with peer(is_silent) as port:
        wire = new_wire()
        thread = threading.Thread(target=ask_and_fail, args=(stack, wire, port), daemon=True)
        thread.start()
        until_s = time.monotonic() + 3
        while not named and time.monotonic() < until_s:
            named = [found for found in [waiting.of_thread(thread.ident)] if found]
            time.sleep(0.02)
        thread.join(5)
    assert named == [f"127.0.0.1:{port}"]
    assert waiting.of_thread(thread.ident) == ""


def ask_and_fail(stack: Stack, wire: Wire, port: int) -> None:
    with suppress(Exception):
        stack(wire, f"http://127.0.0.1:{port}/")
