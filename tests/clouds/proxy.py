"""An HTTP proxy on loopback that serves the hosts routed to it, and refuses all others.

`CONNECT host:443` is answered by terminating TLS with a certificate for that host and handing the
requests inside to a LoopbackServer. Nothing is ever forwarded off loopback: a host that was not
registered gets 403 and is kept in `refused`, so that a test can assert that no client asked for
another host.
"""

from __future__ import annotations

import selectors
import socket
import ssl

from tests.clouds.authority import Authority
from tests.clouds.server import Listener, LoopbackServer, Received, Reply, read_request

Destination = LoopbackServer | int
"""A server of ours, or the port of another plain HTTP server on loopback."""


class TerminatingProxy(Listener):
    def __init__(self, authority: Authority) -> None:
        super().__init__()
        self._authority = authority
        self._destinations: dict[str, Destination] = {}
        self._refused: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def refused(self) -> list[str]:
        """`host:port` of every attempt to reach a host that is not registered here."""
        with self._lock:
            return list(self._refused)

    def route(self, host: str, server: LoopbackServer) -> None:
        """Send requests for `host` or `*.suffix`, with a port if it is not 443, to this server."""
        self._destinations[host] = server

    def tunnel(self, host: str, port: int) -> None:
        """Send the decrypted bytes for `host` to the plain HTTP server on a loopback port."""
        self._destinations[host] = port

    def environment(self) -> dict[str, str]:
        """The variables that send an SDK or a Go program here, with trust in our authority.

        Plain http goes here too: a request to a real metadata service must be noticed.
        """
        names = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
        loopback = "127.0.0.1,localhost,::1"
        # requests and botocore read their own variable; Go, curl and OpenSSL the last.
        bundles = ("REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "SSL_CERT_FILE")
        return {
            **dict.fromkeys(names, self.url),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), loopback),
            **dict.fromkeys(bundles, str(self._authority.ca_file)),
        }

    def serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while request := read_request(stream, "http"):
                if request.method == "CONNECT":
                    self._connect(connection, request)
                    return
                if not self._forward(connection, request):
                    return

    def _connect(self, connection: socket.socket, request: Received) -> None:
        destination = self._destination(request.host, "443")
        if destination is None:
            self._refuse(connection, request.host)
            return
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        context = self._authority.server_context(request.host.partition(":")[0])
        with self.terminating(connection, context) as secured:
            if isinstance(destination, LoopbackServer):
                destination.serve_http(secured, "https")
            else:
                self._relay(secured, destination)

    def _forward(self, connection: socket.socket, request: Received) -> bool:
        destination = self._destination(request.host, "80")
        if isinstance(destination, LoopbackServer):
            return destination.answer_one(connection, request)
        self._refuse(connection, request.host if ":" in request.host else f"{request.host}:80")
        return False

    def _destination(self, address: str, usual_port: str) -> Destination | None:
        name = address.removesuffix(f":{usual_port}")
        labels = name.split(".")
        wildcards = ("*." + ".".join(labels[start:]) for start in range(1, len(labels)))
        found = (self._destinations.get(candidate) for candidate in (name, *wildcards))
        return next((destination for destination in found if destination is not None), None)

    def _refuse(self, connection: socket.socket, address: str) -> None:
        with self._lock:
            self._refused.append(address)
        connection.sendall(Reply(403).head())

    def _relay(self, secured: ssl.SSLSocket, port: int) -> None:
        # One thread for both directions: OpenSSL does not allow two on one connection.
        plain = socket.create_connection(("127.0.0.1", port))
        with self.keeping(plain), selectors.DefaultSelector() as selector:
            selector.register(secured, selectors.EVENT_READ, plain)
            selector.register(plain, selectors.EVENT_READ, secured)
            while True:
                for key, _ in selector.select():
                    source, sink = key.fileobj, key.data
                    assert isinstance(source, socket.socket)
                    # Larger than a TLS record: select() does not report decrypted bytes that stay
                    # in OpenSSL.
                    data = source.recv(65536)
                    if not data:
                        return
                    sink.sendall(data)
