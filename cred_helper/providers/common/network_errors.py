"""Why a request got no reply: one classification for every SDK.

The cause is read from the evidence at the bottom of an exception chain (the operating system's
error, OpenSSL's code, the proxy's status), because the SDKs wrap the same cause in different
classes. Their texts are not passed on. Loads no SDK: urllib3's and the SDKs' classes are known by
their names.

Source: https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/ (codes of certificates)
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from http.client import HTTPException, IncompleteRead, RemoteDisconnected

from cred_helper.errors import BadReply, Misconfigured, ProviderError, Unreachable
from cred_helper.providers.common.interface import seconds
from cred_helper.providers.common.proxy import shown
from cred_helper.providers.common.wire import host_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cred_helper.providers.common.trust import CaFile
    from cred_helper.providers.common.wire import Exchange

# OpenSSL's X509_V_ERR_… codes.
_CERTIFICATE_CODES = {
    9: "network.certificate-not-yet-valid",
    10: "network.certificate-expired",
    18: "network.certificate-untrusted",  # self-signed
    19: "network.certificate-untrusted",  # self-signed, in the chain
    20: "network.certificate-untrusted",  # no issuer
    21: "network.certificate-untrusted",  # no chain to verify
    62: "network.certificate-wrong-name",
    64: "network.certificate-wrong-address",
}
# What OpenSSL says of a peer whose first bytes are not TLS.
_NOT_TLS = (
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "HTTPS_PROXY_REQUEST",
    "UNKNOWN_PROTOCOL",
    "RECORD_LAYER_FAILURE",
    "PACKET_LENGTH_TOO_LONG",
    "INVALID_ALERT",
)
_NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL)
_CLOSED = (errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE)
# Classes of urllib3, requests and botocore for an address that they cannot use.
_BAD_ADDRESS = (
    "LocationValueError",
    "InvalidURL",
    "InvalidSchema",
    "MissingSchema",
    "URLSchemeUnknown",
)
_BROKEN_OFF = ("IncompleteRead", "ProtocolError", "ChunkedEncodingError", "ConnectionClosedError")
_TIMED_OUT = ("TimeoutError", "Timeout", "ConnectTimeoutError", "ReadTimeoutError")


def network_error(
    error: BaseException, exchange: Exchange, *, ca_file: CaFile | None = None
) -> ProviderError:
    """The error for a request without a reply. ``error`` is what the SDK raised for it."""
    if isinstance(error, ProviderError):
        return error
    chain = list(_chain(error))
    if ca_file and (problem := _ca_problem(chain, ca_file)):
        return problem
    return _Case(chain, exchange).error()


def status_error(exchange: Exchange) -> ProviderError | None:
    """The error for a status that says something about the server, and nothing of the identity."""
    status, upstream = exchange.status, exchange.upstream
    if 300 <= status < 400:
        host = host_of(exchange.headers.get("Location", ""))
        target = f" to {host}" if host and host.isprintable() else ""
        return BadReply("network.redirect", upstream=upstream, status=status, target=target)
    if status == 429 or status >= 500:
        asked = exchange.headers.get("Retry-After", "")
        wait = f"; it asks to wait {asked} s" if asked.isdecimal() and len(asked) < 6 else ""
        code = "network.throttled" if status == 429 else "network.server-error"
        return Unreachable(code, upstream=upstream, status=status, wait=wait)
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and every error that it holds or was raised from, outermost first."""
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        one = pending.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        held = getattr(one, "kwargs", None)  # botocore
        pending += [
            *one.args,
            getattr(one, "reason", None),  # urllib3
            getattr(one, "original_error", None),
            getattr(one, "inner_exception", None),  # azure-core
            held.get("error") if isinstance(held, dict) else None,
            one.__cause__,
            one.__context__,
        ]


def _ca_problem(chain: list[BaseException], ca_file: CaFile) -> ProviderError | None:
    """What is wrong with the CA bundle, where that can be the cause."""
    doubtful = any(
        isinstance(one, ssl.SSLError | FileNotFoundError)
        or type(one) is OSError  # what requests raises for a bundle that does not exist
        or _named(one, ("SSLError",))
        for one in chain
    )
    return ca_file.problem() if doubtful else None


def _named(error: BaseException, names: tuple[str, ...]) -> bool:
    """Whether a class of the error has one of these names, from whichever library it is."""
    return any(kind.__name__ in names for kind in type(error).__mro__)


def _is_of_tunnel(error: BaseException) -> bool:
    """Whether the error was raised while http.client waited for the answer to CONNECT."""
    frames = error.__traceback__
    while frames is not None:
        if frames.tb_frame.f_code.co_name == "_tunnel":
            return True
        frames = frames.tb_next
    return False


class _Case:
    """One chain of exceptions, and the request that it ended."""

    def __init__(self, chain: list[BaseException], exchange: Exchange) -> None:
        self._chain = chain
        self._exchange = exchange
        self._proxy = shown(exchange.proxy) or "the proxy" if exchange.proxy else ""
        # Before the tunnel stands, the proxy is the one that does not answer.
        self._at_proxy = bool(self._proxy) and (
            self._has(("ProxyError", "ProxyConnectionError")) or any(map(_is_of_tunnel, chain))
        )

    def error(self) -> ProviderError:
        """The error that the evidence shows."""
        return (
            self._address()
            or self._tunnel()
            or self._certificate()
            or self._tls()
            or self._connection()
            or self._reply()
            or self._made(
                "network.failed", error=type(self._exchange.failure or self._chain[0]).__name__
            )
        )

    def _has(self, names: tuple[str, ...]) -> bool:
        return any(_named(one, names) for one in self._chain)

    def _first(self, kind: type[BaseException]) -> BaseException | None:
        return next((one for one in self._chain if isinstance(one, kind)), None)

    def _made(self, code: str, **values: str) -> Unreachable:
        """An error that names the server, and the proxy where one is in between."""
        exchange = self._exchange
        host = exchange.host.rpartition(":")[0] or exchange.host
        upstream = exchange.upstream
        if self._at_proxy:
            host = self._proxy.partition(":")[0]
            upstream = f"the proxy {self._proxy}" if self._proxy != "the proxy" else self._proxy
            upstream = f"{upstream} (for {exchange.upstream})"
        elif self._proxy:
            upstream = f"{upstream} through the proxy {self._proxy}"
        within = f"within {seconds(exchange.took_s)} s" if exchange.took_s else "in time"
        tries = f", after {exchange.attempt} attempts" if exchange.attempt > 1 else ""
        values |= {"upstream": upstream, "host": host, "within": within, "tries": tries}
        return Unreachable(code, **values)

    def _address(self) -> ProviderError | None:
        if self._has(_BAD_ADDRESS):
            return Misconfigured("network.bad-address", upstream=self._exchange.upstream)
        return None

    def _tunnel(self) -> ProviderError | None:
        """What the proxy answered to CONNECT."""
        for one in self._chain:
            refusal = re.search(r"Tunnel connection failed: (\d{3})", str(one))
            if refusal:
                code = "proxy-login" if refusal[1] == "407" else "proxy-forbids"
                return Unreachable(
                    f"network.{code}",
                    proxy=self._proxy or "the proxy",
                    upstream=self._exchange.upstream,
                    status=refusal[1],
                )
        return None

    def _certificate(self) -> ProviderError | None:
        verification = self._first(ssl.SSLCertVerificationError)
        if isinstance(verification, ssl.SSLCertVerificationError):
            code = _CERTIFICATE_CODES.get(verification.verify_code, "network.certificate-invalid")
            return self._made(code, reason=str(verification.verify_message).lower().rstrip("."))
        for one in self._chain:
            # urllib3 compares the names itself where botocore has OpenSSL not do it.
            if _named(one, ("CertificateError",)):
                address = re.fullmatch(
                    r"[\d.]+|\[.*\]", self._exchange.host.rpartition(":")[0]
                ) or (re.fullmatch(r"[\d.]+|\[.*\]", self._exchange.host))
                kind = "address" if address else "name"
                return self._made(f"network.certificate-wrong-{kind}")
        return None

    def _tls(self) -> ProviderError | None:
        failure = self._first(ssl.SSLError)
        if not isinstance(failure, ssl.SSLError) or isinstance(failure, TimeoutError):
            return None
        reason = failure.reason or ""
        if reason in _NOT_TLS:
            return self._made("network.not-tls")
        if isinstance(failure, ssl.SSLEOFError | ssl.SSLZeroReturnError) or "EOF" in reason:
            return self._made("network.broken-off")
        return self._made(
            "network.tls-failed", reason=reason.lower().replace("_", " ") or "no reason"
        )

    def _connection(self) -> ProviderError | None:
        unknown = self._first(socket.gaierror)
        if isinstance(unknown, socket.gaierror):
            silent = unknown.errno == socket.EAI_AGAIN
            return self._made("network.no-name-server" if silent else "network.unknown-host")
        for one in self._chain:
            if isinstance(one, ConnectionRefusedError):
                return self._made("network.refused")
            if isinstance(one, OSError) and one.errno in _NO_ROUTE:
                return self._made("network.no-route")
            if isinstance(one, OSError) and one.errno in _CLOSED:
                return self._made("network.reset")
        if self._first(TimeoutError) or self._has(_TIMED_OUT):
            connecting = self._has(("ConnectTimeoutError", "ConnectTimeout"))
            return self._made("network.connect-timeout" if connecting else "network.timeout")
        return None

    def _reply(self) -> ProviderError | None:
        if self._first(RemoteDisconnected) or self._first(IncompleteRead):
            return self._made("network.broken-off")
        if self._first(HTTPException):
            return self._made("network.not-http")
        if self._has(("DecodeError", "ContentDecodingError")):
            return self._made("network.not-http")
        return self._made("network.broken-off") if self._has(_BROKEN_OFF) else None
