"""The loopback server, the authority and the proxy, asked by ordinary clients."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.clouds import faults
from tests.clouds.authority import Authority
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.server import LoopbackServer, Received, Reply, json_reply

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"

# Much longer than any answer on loopback takes, and shorter than a poll or a timeout.
PROMPT_S = 2.0


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as running:
        running.on("GET", "/hello", lambda _: json_reply({"hello": "world"}))
        running.on("POST", "/echo", lambda request: Reply(200, body=request.body))
        yield running


def get(url: str, **headers: str) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as reply:
        body: bytes = reply.read()
        return body


def get_through(proxy: TerminatingProxy, authority: Authority, url: str) -> bytes:
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({"http": proxy.url, "https": proxy.url}),
        urllib.request.HTTPSHandler(context=strict_context(authority)),
    )
    with opener.open(url, timeout=10) as reply:
        body: bytes = reply.read()
        return body


def open_through(
    proxy: TerminatingProxy, authority: Authority, host: str
) -> http.client.HTTPSConnection:
    connection = http.client.HTTPSConnection(
        "127.0.0.1", proxy.port, context=strict_context(authority), timeout=10
    )
    connection.set_tunnel(host, 443)
    connection.request("GET", "/hello")
    assert json.loads(connection.getresponse().read()) == {"hello": "world"}
    return connection


def strict_context(authority: Authority) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def test_a_request_is_recorded_as_it_arrived(server: LoopbackServer) -> None:
    get(f"{server.url}/hello?scope=a%20b&empty=", Authorization="Basic dTpwOnE=", **{"X-One": "1"})
    [received] = server.received
    assert (received.method, received.scheme) == ("GET", "http")
    assert received.host == f"127.0.0.1:{server.port}"
    assert (received.path, received.target) == ("/hello", "/hello?scope=a%20b&empty=")
    assert received.query == {"scope": "a b", "empty": ""}
    assert received.headers["x-one"] == "1"
    assert (received.basic, received.bearer) == (("u", "p:q"), None)


def test_one_connection_carries_many_requests_of_either_framing(server: LoopbackServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.connect()
    only = connection.sock
    for body in (b"by length", iter([b"in ", b"chunks"]), b""):
        connection.request("POST", "/echo", body=body, encode_chunked=True)
        connection.getresponse().read()
        assert connection.sock is only
    connection.close()
    bodies = [request.body for request in server.received_at("/echo")]
    assert bodies == [b"by length", b"in chunks", b""]


def test_the_latest_route_wins_and_a_route_may_name_a_host(server: LoopbackServer) -> None:
    server.on("GET", "/*/hello", lambda _: Reply(body=b"pattern"))
    server.on("GET", "/v1/hello", lambda _: Reply(body=b"exact"))
    server.on("GET", "/v1/hello", lambda _: Reply(body=b"host"), host="*.example")
    assert get(f"{server.url}/v2/hello") == b"pattern"
    assert get(f"{server.url}/v1/hello") == b"exact"
    assert get(f"{server.url}/v1/hello", Host="a.example") == b"host"


def test_an_assertion_in_a_handler_answers_500_and_fails_the_test() -> None:
    def insist(request: Received) -> Reply:
        assert request.form["grant_type"] == "refresh_token"
        return Reply()

    def use_it_wrongly() -> None:
        with LoopbackServer() as server:
            server.on("POST", "/token", insist)
            with pytest.raises(urllib.error.HTTPError, match="500"):
                urllib.request.urlopen(f"{server.url}/token", b"grant_type=password", timeout=10)

    with pytest.raises(AssertionError, match="refresh_token"):
        use_it_wrongly()


def test_an_unexpected_request_fails_the_test(server: LoopbackServer) -> None:
    with pytest.raises(urllib.error.HTTPError, match="500"):
        get(f"{server.url}/unexpected")
    with pytest.raises(AssertionError, match=r"LoopbackServer does not expect GET .*/unexpected"):
        server.check()
    server.check()


def test_sixty_clients_are_answered_at_once(server: LoopbackServer) -> None:
    everyone = threading.Barrier(60)

    def together(_: Received) -> Reply:
        everyone.wait(timeout=30)
        return Reply(body=b"together")

    server.on("GET", "/together", together)
    with ThreadPoolExecutor(60) as clients:
        bodies = list(clients.map(get, [f"{server.url}/together"] * 60))
    assert bodies == [b"together"] * 60


def test_a_slow_server_closes_without_waiting_for_its_clients() -> None:
    with LoopbackServer(delay_s=3600) as server:
        asking = [
            socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(3)
        ]
        asking[0].sendall(b"GET /half-a-request HTTP/1.1\r\n")
        asking[1].sendall(b"GET /a-request HTTP/1.1\r\n\r\n")
        while not server.received:
            time.sleep(0.01)
        started = time.monotonic()
    assert time.monotonic() - started < PROMPT_S
    for client in asking:
        client.close()


@pytest.mark.parametrize(
    "cut",
    [
        b"POST /json HT",
        b"POST /json HTTP/1.1\r\nHost: a.example\r\n",
        b"POST /json HTTP/1.1\r\nContent-Length: 2\r\n\r\n",
        b"POST /json HTTP/1.1\r\nContent-Length: 2\r\n\r\n{",
        b"POST /json HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{",
        b"POST /json HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n",
    ],
)
def test_a_request_that_is_cut_short_is_not_counted(server: LoopbackServer, cut: bytes) -> None:
    server.on("POST", "/json", lambda request: json_reply(request.json))
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(cut)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
    assert server.received == []


def test_each_fault_changes_the_answer_in_its_own_way(server: LoopbackServer) -> None:
    url = f"{server.url}/hello"
    server.fail("/hello", faults.cut_body)
    with pytest.raises(http.client.IncompleteRead):
        get(url)
    server.fail("/hello", faults.drip(interval_s=0.001))
    assert json.loads(get(url)) == {"hello": "world"}
    server.fail("/hello", faults.huge_body(3 * faults.MIB + 1))
    assert len(get(url)) == 3 * faults.MIB + 1
    server.fail("/hello", faults.wrong_json())
    assert json.loads(get(url)) == ["unexpected"]
    server.fail("/hello", faults.html())
    assert b"<h1>" in get(url)
    server.fail("/hello", faults.redirect_to(f"{server.url}/elsewhere"))
    server.on("GET", "/elsewhere", lambda _: Reply(body=b"elsewhere"))
    assert get(url) == b"elsewhere"
    server.fail("/hello", faults.never_answer)
    with pytest.raises(TimeoutError):
        urllib.request.urlopen(url, timeout=0.1)


def test_the_proxy_serves_the_hosts_routed_to_it(
    authority: Authority, proxy: TerminatingProxy, server: LoopbackServer
) -> None:
    for host in (HOST, "*.azurecr.io", "metadata.google.internal", "registry.example:5000"):
        proxy.route(host, server)
    origins = [
        *(("https", host) for host in (HOST, "myreg.azurecr.io", "registry.example:5000")),
        ("http", "metadata.google.internal"),
    ]
    for scheme, host in origins:
        found = get_through(proxy, authority, f"{scheme}://{host}/hello")
        assert json.loads(found) == {"hello": "world"}
    assert [(request.scheme, request.host) for request in server.received] == origins
    assert proxy.refused == []


@pytest.mark.parametrize(
    ("url", "refused"),
    [
        ("https://azurecr.io/hello", "azurecr.io:443"),
        ("https://myreg.azurecr.io.evil.example/hello", "myreg.azurecr.io.evil.example:443"),
        ("https://myreg.azurecr.io:8443/hello", "myreg.azurecr.io:8443"),
        ("http://169.254.169.254/latest", "169.254.169.254:80"),
    ],
)
def test_the_proxy_refuses_and_remembers_every_other_host(
    authority: Authority, server: LoopbackServer, url: str, refused: str
) -> None:
    with TerminatingProxy(authority) as proxy:
        proxy.route("*.azurecr.io", server)
        with pytest.raises(OSError, match="403"):
            get_through(proxy, authority, url)
        assert proxy.refused == [refused]
    assert server.received == []


def test_a_tunnel_hands_a_host_to_a_plain_server(
    authority: Authority, proxy: TerminatingProxy, server: LoopbackServer
) -> None:
    server.on("GET", "/large", lambda _: Reply(body=bytes(3 * faults.MIB)))
    proxy.tunnel("us-docker.pkg.dev", server.port)
    assert len(get_through(proxy, authority, "https://us-docker.pkg.dev/large")) == 3 * faults.MIB
    [received] = server.received
    assert (received.scheme, received.host) == ("http", "us-docker.pkg.dev")


def test_closing_the_proxy_cuts_what_goes_through_it(
    authority: Authority, server: LoopbackServer
) -> None:
    with TerminatingProxy(authority) as proxy:
        proxy.route(HOST, server)
        proxy.tunnel("us-docker.pkg.dev", server.port)
        clients = [open_through(proxy, authority, host) for host in (HOST, "us-docker.pkg.dev")]
        started = time.monotonic()
    assert time.monotonic() - started < PROMPT_S
    for client in clients:
        client.close()
