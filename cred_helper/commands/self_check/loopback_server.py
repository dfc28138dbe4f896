"""A server on loopback that stands in for every host: a proxy that ends TLS itself.

The SDKs come to it by the proxy variables, ask for the clouds' real names, and trust its authority
by the variable for a CA bundle. Both are made up in this process and for its environment alone. It
listens on 127.0.0.1 and opens no connection.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.client import HTTPException, parse_headers
from typing import TYPE_CHECKING, BinaryIO, Self

from cred_helper.providers.common.loopback import ReceivedRequest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey


# The client is this process: only a defect makes it slower.
_TIMEOUT_S = 10.0
_MAX_REQUEST_BYTES = 1 << 20
_LIFE = timedelta(days=1)


class Authority:
    """A made-up certificate authority, whose key never leaves this process."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec

        self._key = ec.generate_private_key(ec.SECP256R1())
        self.pem = self._issue(self._key)

    def certificate(self, host: str) -> bytes:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        return self._issue(key, host) + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def _issue(self, key: EllipticCurvePrivateKey, host: str = "") -> bytes:
        """The certificate of a host or, without one, of the authority."""
        from cryptography import x509
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import Encoding
        from cryptography.x509.oid import NameOID

        now = datetime.now(UTC)
        title = x509.NameAttribute(NameOID.COMMON_NAME, "docker-credential-multi self-check")
        own, is_authority = self._key.public_key(), not host
        usage = {"digital_signature": not is_authority, "key_cert_sign": is_authority}
        others = (
            "content_commitment", "crl_sign", "data_encipherment", "decipher_only",
            "encipher_only", "key_agreement", "key_encipherment",
        )  # fmt: skip
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([title]))
            .issuer_name(x509.Name([title]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _LIFE)
            .not_valid_after(now + _LIFE)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**usage, **dict.fromkeys(others, False)), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(own), False)
        )
        if host:
            names = x509.SubjectAlternativeName([x509.DNSName(host)])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM)


class LoopbackServer:
    """The server: ``answer`` gives the reply to a request, or ``None`` to refuse it.

    ``keep`` makes a file and returns its path. ``refused`` is the last request that was refused.
    """

    def __init__(
        self,
        authority: Authority,
        keep: Callable[[str, bytes], str],
        answer: Callable[[ReceivedRequest], object | None],
    ) -> None:
        self._authority = authority
        self._keep = keep
        self._answer = answer
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.refused: ReceivedRequest | None = None
        self.answered = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        """Serve one tunnel. A client that gives up has its own error."""
        connection.settimeout(_TIMEOUT_S)
        try:
            with connection, connection.makefile("rb") as stream:
                method, target, _ = _first_line(stream)
                parse_headers(stream)
                host = target.rpartition(":")[0].lower()
                if method != "CONNECT" or not host:
                    return
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                context = self._context(host)
                with context.wrap_socket(connection, server_side=True) as secured:
                    self._serve(secured, host)
        except (OSError, HTTPException, ValueError):
            return

    def _serve(self, connection: ssl.SSLSocket, host: str) -> None:
        with connection.makefile("rb") as stream:
            method, target, _ = _first_line(stream)
            headers = {name.lower(): value for name, value in parse_headers(stream).items()}
            size = min(int(headers.get("content-length", "0")), _MAX_REQUEST_BYTES)
            asked = ReceivedRequest(
                method, host, target.partition("?")[0], headers, stream.read(size)
            )
        reply = self._answer(asked)
        if reply is None:
            self.refused = asked
        self.answered += 1
        status = "400 Bad Request" if reply is None else "200 OK"
        body = json.dumps(reply or {}).encode()
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode("ascii") + body)

    def _context(self, host: str) -> ssl.SSLContext:
        if host not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            # The module reads a certificate from a file alone.
            context.load_cert_chain(self._keep("server.pem", self._authority.certificate(host)))
            self._contexts[host] = context
        return self._contexts[host]


def _first_line(stream: BinaryIO) -> tuple[str, str, str]:
    method, target, version = stream.readline(_MAX_REQUEST_BYTES).decode("ascii").split()
    return method, target, version
