"""A ``requests`` session on a wire: for azure-identity's and google-auth's own transports.

Follows no redirect, reads no ``~/.netrc`` and keeps no cookies. Time, size, proxy and CA bundle are
the wire's. Loads requests.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import requests
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cred_helper.providers.common.wire import Exchange, Wire

# The headers and the fields of a form that hold no secret. Any other may hold one.
_OPEN_HEADERS = (
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "host",
    "metadata",
    "metadata-flavor",
    "user-agent",
)
_OPEN_FIELDS = (
    "audience",
    "client_assertion_type",
    "client_id",
    "grant_type",
    "requested_token_type",
    "resource",
    "scope",
    "service",
    "subject_token_type",
    "tenant",
    "username",
)


class WireSession(requests.Session):
    """Sends each request over the wire.

    The replies are read by a response hook, which a session that an SDK derives from this one
    (MSAL's for Service Fabric) takes along.
    """

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self.wire = wire
        # Proxies, bundle and netrc of the environment: the wire has chosen the first two.
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.stream = True
        self.hooks["response"] = [self._read]
        self._exchange: Exchange | None = None

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send one request and read its whole reply.

        Raises:
            CredentialError: the request is not to be sent, or its reply is over a limit.
            requests.RequestException: no reply, or half of one.
        """
        wire = self.wire
        exchange = self._exchange = wire.begin(request.method or "", request.url or "")
        # A compressed reply of a few bytes can be gigabytes.
        request.headers["Accept-Encoding"] = "identity"
        kwargs["timeout"] = wire.timeouts(exchange)
        kwargs["verify"] = kwargs.get("verify", True) and wire.verify
        kwargs["proxies"] = dict.fromkeys(("http", "https"), exchange.proxy or "")
        kwargs["allow_redirects"] = False
        kwargs["stream"] = True
        failure: BaseException | None = None
        try:
            return super().send(request, **kwargs)
        except Exception as error:
            failure = error
            raise
        finally:
            self._exchange = None
            wire.end(exchange, failure)

    def _read(self, response: requests.Response, **_: Any) -> None:
        """Read a reply within the limits of the wire."""
        exchange = self._exchange
        if exchange is None:  # from a derived session
            exchange = self.wire.begin(response.request.method or "", response.url)
        exchange.secrets = tuple(_secrets(response.request))
        try:
            body = self.wire.receive(exchange, response.status_code, response.headers, response.raw)
        except (HTTPError, OSError) as error:
            # The SDKs know the exceptions of requests only.
            raise requests.exceptions.ConnectionError(error, request=response.request) from error
        finally:
            response.close()
        # As requests itself has it once a body is read.
        response._content = body  # noqa: SLF001
        response._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001


def _secrets(request: requests.PreparedRequest) -> Iterator[str]:
    """The values of a request that may be secret, in the forms in which a reply may repeat them."""
    headers: Mapping[str, str | bytes] = request.headers
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
    body = request.body or b""
    form = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    for field in form.split("&"):
        name, _, value = field.partition("=")
        if name not in _OPEN_FIELDS:
            yield from (value, unquote_plus(value))
