"""Classifies the network failures of every SDK.

The SDKs wrap one cause in different exception classes. The classification reads the whole chain of
exceptions: the operating system's error, OpenSSL's code, the proxy's status. Messages never contain
an SDK's text. Loads no SDK: it compares the names of their classes.

Source: https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/ (codes of certificates)
"""

from __future__ import annotations

import errno
import re
import socket
import ssl

from cred_helper.errors import BadReply, Misconfigured, ProviderError, Unreachable
from cred_helper.providers.common.interface import seconds
from cred_helper.providers.common.proxy import shown
from cred_helper.providers.common.trust import openssl_problem
from cred_helper.providers.common.wire import host_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeVar

    from cred_helper.providers.common.trust import CaFile
    from cred_helper.providers.common.wire import RoundTrip, Wire

    Found = TypeVar("Found", bound=BaseException)

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
# OpenSSL's reasons for a server whose first bytes are not TLS.
_NOT_TLS = (
    *("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "UNKNOWN_PROTOCOL"),
    *("RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "INVALID_ALERT"),
)
_NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL)
_CLOSED = (errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE)
# Classes of urllib3, requests and botocore for an address that they cannot use.
_BAD_ADDRESS = ("InvalidSchema", "InvalidURL", "LocationValueError", "MissingSchema")
_AT_PROXY = ("ProxyError", "ProxyConnectionError")
_BROKEN_OFF = ("ProtocolError", "ChunkedEncodingError", "ConnectionClosedError")
_TIMED_OUT = ("TimeoutError", "Timeout", "ConnectTimeoutError", "ReadTimeoutError")


def network_error(
    error: BaseException, trip: RoundTrip, *, ca_file: CaFile | None = None
) -> ProviderError:
    """The error for a request without a reply. ``error`` is the exception of the SDK."""
    if isinstance(error, ProviderError):
        return error
    chain = list(_chain(error))
    if unusable := next(filter(None, map(openssl_problem, chain)), None):
        return unusable
    if ca_file and _may_be_ca_file(chain) and (problem := ca_file.problem()):
        return problem
    if _has(chain, *_BAD_ADDRESS):
        return Misconfigured("network.bad-address", upstream=trip.upstream)
    proxy = shown(trip.proxy) or "the proxy" if trip.proxy else ""
    for one in chain:
        # The proxy's answer to CONNECT.
        if refusal := re.search(r"Tunnel connection failed: (\d{3})", str(one)):
            code = "network.proxy-login" if refusal[1] == "407" else "network.proxy-forbids"
            values = {"upstream": trip.upstream, "status": refusal[1]}
            return Unreachable(code, proxy=proxy or "the proxy", **values)
    host = trip.host.rpartition(":")[0] or trip.host
    server_code = _certificate_code(chain, trip.host) or _tls_code(chain)
    code = server_code or _connection_code(chain) or _reply_code(chain) or "network.failed"
    upstream = trip.upstream
    if proxy and (_has(chain, *_AT_PROXY) or any(map(_is_from_connect, chain))):
        # Until the tunnel is open, only the proxy can be the cause.
        host = proxy.partition(":")[0]
        name = proxy if proxy == "the proxy" else f"the proxy {proxy}"
        upstream = f"{name} (for {upstream})"
    elif proxy:
        upstream = f"{upstream} through the proxy {proxy}"
    return Unreachable(
        code,
        upstream=upstream,
        host=host,
        reason=_tls_reason(chain),
        error=type(trip.failure or chain[0]).__name__,
        within=f"within {seconds(trip.took_s)} s" if trip.took_s else "in time",
        tries=f", after {trip.attempt} attempts" if trip.attempt > 1 else "",
    )


def no_reply_error(wire: Wire, error: BaseException) -> ProviderError | None:
    """The error if the last request got no reply; ``error`` is the exception of the SDK."""
    trip = wire.last
    if trip is None or (trip.failure is None and trip.status):
        return None
    return network_error(trip.failure or error, trip, ca_file=wire.ca_file)


def status_error(trip: RoundTrip) -> ProviderError | None:
    """The error for a status that does not depend on the identity: redirect, limit, outage."""
    status, upstream = trip.status, trip.upstream
    if 300 <= status < 400:
        host = host_of(trip.headers.get("Location", ""))
        target = f" to {host}" if host and host.isprintable() else ""
        return BadReply("network.redirect", upstream=upstream, status=status, target=target)
    if status == 429 or status >= 500:
        asked = trip.headers.get("Retry-After", "")
        wait = f"; it asks to wait {asked} s" if asked.isdecimal() and len(asked) < 6 else ""
        code = "network.throttled" if status == 429 else "network.server-error"
        return Unreachable(code, upstream=upstream, status=status, wait=wait)
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and every error that it contains or was raised from, outermost first."""
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


def _may_be_ca_file(chain: list[BaseException]) -> bool:
    """Whether a CA bundle that cannot be read can be the cause."""
    return _has(chain, "SSLError") or any(
        isinstance(one, ssl.SSLError | FileNotFoundError)
        or type(one) is OSError  # what requests raises for a bundle that does not exist
        for one in chain
    )


def _has(chain: list[BaseException], *names: str) -> bool:
    """Whether the error's class has one of these names, in any library."""
    return any(kind.__name__ in names for one in chain for kind in type(one).__mro__)


def _first(chain: list[BaseException], kind: type[Found]) -> Found | None:
    return next((one for one in chain if isinstance(one, kind)), None)


def _is_from_connect(error: BaseException) -> bool:
    """Whether the error was raised while http.client waited for the answer to CONNECT."""
    frames = error.__traceback__
    while frames is not None:
        if frames.tb_frame.f_code.co_name == "_tunnel":
            return True
        frames = frames.tb_next
    return False


def _certificate_code(chain: list[BaseException], host: str) -> str | None:
    if verification := _first(chain, ssl.SSLCertVerificationError):
        return _CERTIFICATE_CODES.get(verification.verify_code, "network.certificate-invalid")
    # botocore turns off OpenSSL's check of the host name, and urllib3 does it instead.
    if not _has(chain, "CertificateError"):
        return None
    is_address = re.fullmatch(r"([\d.]+|\[.*\])(:\d+)?", host)
    return f"network.certificate-wrong-{'address' if is_address else 'name'}"


def _tls_code(chain: list[BaseException]) -> str | None:
    failure = _first(chain, ssl.SSLError)
    if failure is None or isinstance(failure, TimeoutError):
        return None
    reason = failure.reason or ""
    if reason in _NOT_TLS:
        return "network.not-tls"
    is_end = isinstance(failure, ssl.SSLEOFError | ssl.SSLZeroReturnError) or "EOF" in reason
    return "network.broken-off" if is_end else "network.tls-failed"


def _tls_reason(chain: list[BaseException]) -> str:
    failure = _first(chain, ssl.SSLError)
    reason = getattr(failure, "verify_message", "") or getattr(failure, "reason", "")
    return str(reason or "no reason").lower().replace("_", " ").rstrip(".")


def _connection_code(chain: list[BaseException]) -> str | None:
    if unknown := _first(chain, socket.gaierror):
        is_silent = unknown.errno == socket.EAI_AGAIN
        return "network.no-name-server" if is_silent else "network.unknown-host"
    for one in chain:
        if isinstance(one, ConnectionRefusedError):
            return "network.refused"
        if isinstance(one, OSError) and one.errno in _NO_ROUTE:
            return "network.no-route"
        if isinstance(one, OSError) and one.errno in _CLOSED:
            return "network.reset"
    if not _has(chain, *_TIMED_OUT):
        return None
    is_connecting = _has(chain, "ConnectTimeoutError", "ConnectTimeout")
    return "network.connect-timeout" if is_connecting else "network.timeout"


def _reply_code(chain: list[BaseException]) -> str | None:
    if _has(chain, "RemoteDisconnected", "IncompleteRead"):
        return "network.broken-off"
    if _has(chain, "HTTPException", "DecodeError", "ContentDecodingError"):
        return "network.not-http"
    return "network.broken-off" if _has(chain, *_BROKEN_OFF) else None
