"""A ``requests`` session on a wire: for azure-identity's and google-auth's own transports.

Follows no redirect, reads no ``~/.netrc`` and keeps no cookies. Time, size, proxy and CA bundle are
the wire's. Loads requests.
"""

from __future__ import annotations

from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import requests

from cred_helper.errors import CredentialError

if TYPE_CHECKING:
    from cred_helper.providers.common.wire import Wire


class WireSession(requests.Session):
    """Sends each request over the wire."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self.wire = wire
        # Proxies, bundle and netrc of the environment: the wire has chosen the first two.
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send one request and read its whole reply.

        Raises:
            CredentialError: the request is not to be sent, or its reply is over a limit.
            requests.RequestException: no reply, or half of one.
        """
        wire = self.wire
        exchange = wire.begin(request.method or "", request.url or "")
        # A compressed reply of a few bytes can be gigabytes.
        request.headers["Accept-Encoding"] = "identity"
        kwargs["timeout"] = wire.timeouts(exchange)
        kwargs["verify"] = kwargs.get("verify", True) and wire.verify
        kwargs["proxies"] = dict.fromkeys(("http", "https"), exchange.proxy or "")
        kwargs["allow_redirects"] = False
        kwargs["stream"] = True
        failure: BaseException | None = None
        try:
            response = super().send(request, **kwargs)
            body = wire.receive(exchange, response.status_code, response.headers, response.raw)
        except requests.RequestException as error:
            failure = error
            raise
        except Exception as error:
            failure = error
            if isinstance(error, CredentialError):
                raise
            # urllib3's own, while the body was read; the SDKs know requests' only.
            raise requests.exceptions.ConnectionError(error, request=request) from error
        finally:
            wire.end(exchange, failure)
        # As requests itself has it once a body is read.
        response._content = body  # noqa: SLF001
        response._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001
        response.close()
        return response
