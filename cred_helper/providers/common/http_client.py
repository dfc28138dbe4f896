"""Requests over a wire by urllib3: for google-auth, azure-core, and what has no SDK.

Follows no redirect, reads no ``~/.netrc`` and keeps no cookies. Time, size, proxy and CA bundle are
the wire's. Loads urllib3.
"""

from __future__ import annotations

import os
import ssl
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus, urlencode, urlsplit

from urllib3 import PoolManager, ProxyManager, Timeout
from urllib3.exceptions import LocationParseError
from urllib3.util.retry import Retry
from urllib3.util.ssl_ import create_urllib3_context

from cred_helper.errors import CredentialError
from cred_helper.providers.common.wire import RoundTrip, Wire, login_header

# The headers and the fields of a form that hold no secret. Any other may hold one.
_OPEN_HEADERS = (
    *("accept", "accept-encoding", "connection", "content-length", "content-type", "host"),
    *("metadata", "metadata-flavor", "user-agent"),
)
_OPEN_FIELDS = (
    *("audience", "client_assertion_type", "client_id", "grant_type", "requested_token_type"),
    *("resource", "scope", "service", "subject_token_type", "tenant", "username"),
)
# No retry, no redirect, and the wire reads the body.
_ONCE: dict[str, Any] = {
    "retries": Retry(total=False, redirect=False),
    "redirect": False,
    "preload_content": False,
}
# A bundle of 140 authorities takes milliseconds to read.
_trust: dict[str | bool, ssl.SSLContext] = {}


class HttpClient:
    """Sends requests over a wire. Connections are used again.

    ``certificate`` is the client's: the paths of the certificate and of its key.
    """

    def __init__(self, wire: Wire, certificate: tuple[str, str] | None = None) -> None:
        self._wire = wire
        self._certificate = certificate
        self._pools: dict[str | None, PoolManager] = {}

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | Mapping[str, str | None] | None = None,
    ) -> RoundTrip:
        """Send one request and read its whole reply; a mapping is sent as a form.

        Raises:
            CredentialError: the request is not to be sent, or its reply is over a limit.
            urllib3.exceptions.HTTPError, OSError, ValueError: no reply, or half of one.
        """
        sent = {"Accept": "*/*", **_latin(headers or {})}
        # A compressed reply of a few bytes can be gigabytes.
        sent["Accept-Encoding"] = "identity"
        if body is not None and not isinstance(body, bytes | str):
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
            body = urlencode({name: value for name, value in body.items() if value is not None})
        if isinstance(body, str):
            body = body.encode()
        trip = self._wire.begin(method, url)
        failure: BaseException | None = None
        response = None
        try:
            if not urlsplit(url).scheme:
                raise LocationParseError(url)
            sent |= login_header("Authorization", url)
            trip.secrets = tuple(secrets_of(sent, body or b""))
            connect_s, read_s = self._wire.timeouts(trip)
            timeout = Timeout(connect=connect_s, read=read_s)
            pool = self._pool(trip.proxy)
            response = pool.request(method, url, body=body, headers=sent, timeout=timeout, **_ONCE)
            self._wire.receive(trip, response.status, response.headers, response)
        except BaseException as error:
            failure = error
            if response is not None:
                response.close()
            raise
        finally:
            self._wire.end(trip, failure)
        return trip

    def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, str | None] | None = None,
    ) -> RoundTrip:
        """Send one request, as ``send`` does.

        Raises:
            CredentialError: the request is not to be sent, or it got no reply.
        """
        try:
            return self.send(method, url, headers, body)
        except CredentialError:
            raise
        except Exception as error:  # noqa: BLE001 - urllib3 raises what it likes
            from cred_helper.providers.common.network_errors import no_reply_error

            raise no_reply_error(self._wire, error) or error from None

    def _pool(self, proxy: str | None) -> PoolManager:
        """The connections through a proxy, or without one."""
        if proxy not in self._pools:
            context = _context(self._wire.verify, self._certificate)
            self._pools[proxy] = (
                PoolManager(ssl_context=context)
                if proxy is None
                else ProxyManager(
                    proxy if "://" in proxy else f"http://{proxy}",
                    proxy_headers=login_header("Proxy-Authorization", proxy),
                    ssl_context=context,
                    proxy_ssl_context=_context(self._wire.verify),
                )
            )
        return self._pools[proxy]


def _context(verify: str | bool, certificate: tuple[str, str] | None = None) -> ssl.SSLContext:
    """The TLS settings that trust a CA bundle: a file, a folder, or certifi's file."""
    if certificate is None and verify in _trust:
        return _trust[verify]
    context = create_urllib3_context()
    if isinstance(verify, bool):
        import certifi

        path = certifi.where()
    else:
        path = verify
    kind = "capath" if os.path.isdir(path) else "cafile"
    context.load_verify_locations(**{kind: path})
    if certificate is None:
        _trust[verify] = context
    else:
        context.load_cert_chain(*certificate)
    return context


def _latin(headers: Mapping[str, str | bytes]) -> dict[str, str]:
    """Headers as they can be sent.

    Raises:
        ValueError: a value has a line break, or a character that no header can have.
    """
    found = {}
    for name, value in headers.items():
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        if "\n" in text or "\r" in text:
            raise ValueError
        text.encode("latin-1")
        found[name] = text
    return found


def secrets_of(headers: Mapping[str, str | bytes], body: bytes) -> Iterator[str]:
    """The values of a request that may be secret, in the forms in which a reply may repeat them."""
    for name, value in headers.items():
        if name.lower() in _OPEN_HEADERS:
            continue
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        yield text
        scheme, _, credentials = text.partition(" ")
        if name.lower() == "authorization":
            yield credentials
        if scheme == "Basic":
            try:
                yield a2b_base64(credentials).decode("utf-8", "replace").partition(":")[2]
            except Base64Error:
                pass
    for field in body.decode("utf-8", "replace").split("&"):
        name, _, text = field.partition("=")
        if name not in _OPEN_FIELDS:
            yield from (text, unquote_plus(text))
