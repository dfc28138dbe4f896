"""A ``requests`` session on a wire: for azure-identity's and google-auth's own transports.

Follows no redirect, reads no ``~/.netrc`` and keeps no cookies. Time, size, proxy and CA bundle are
the wire's. Loads requests.
"""

from __future__ import annotations

from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import requests
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from cred_helper.providers.common.wire import Exchange, Wire


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
