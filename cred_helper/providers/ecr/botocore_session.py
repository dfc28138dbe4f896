"""The AWS SDK's HTTP session on a wire: for its clients and for the metadata services it asks.

Loads botocore.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import ProxyConfiguration, URLLib3Session
from urllib3 import Timeout
from urllib3.exceptions import HTTPError
from urllib3.exceptions import ReadTimeoutError as SilentError

from cred_helper.providers.common.wire import RoundTrip, Wire, login_header

# Where the SDK's sources of container and instance credentials keep what they send by.
_FETCHERS = (("container-role", "_fetcher"), ("iam-role", "_role_fetcher"))


class WireSession(URLLib3Session):  # type: ignore[misc]
    """Sends each request over the wire."""

    def __init__(self, wire: Wire, timeout: Any = None) -> None:
        super().__init__(timeout=timeout)
        self._wire = wire
        self._trip: RoundTrip | None = None

    def send(self, request: Any) -> Any:
        """Send one request and read its whole reply.

        Raises:
            CredentialError: the request is not to be sent, or its reply is over a limit.
            botocore.exceptions.HTTPClientError: no reply, or half of one.
        """
        wire = self._wire
        trip = self._trip = wire.begin(request.method, request.url)
        self._verify = wire.verify
        scheme = request.url.partition("://")[0].lower()
        self._proxy_config = _Proxy({scheme: trip.proxy} if trip.proxy else {})
        # Without this the SDK reads the whole reply by itself.
        request.stream_output = True
        failure: BaseException | None = None
        try:
            response = super().send(request)
            response._content = self._body(trip, response)  # noqa: SLF001 - what the SDK reads
        except Exception as error:
            failure = error
            raise
        finally:
            wire.end(trip, failure)
        return response

    def _body(self, trip: RoundTrip, response: Any) -> bytes:
        """Read a reply; urllib3's errors become those that the SDK raises itself."""
        status, headers = response.status_code, response.headers
        try:
            return self._wire.receive(trip, status, headers, response.raw)
        except (SilentError, TimeoutError) as error:
            raise ReadTimeoutError(endpoint_url=trip.url, error=error) from error
        except (HTTPError, OSError) as error:
            raise ConnectionClosedError(endpoint_url=trip.url, error=error) from error

    def _get_request_timeout(self, request: Any) -> Any:
        asked: Any = super()._get_request_timeout(request) or self._timeout
        if not isinstance(asked, Timeout):
            asked = Timeout(connect=asked, read=asked)
        assert self._trip is not None
        connect_s, read_s = self._wire.timeouts(self._trip)
        connect_s = min(asked.connect_timeout or connect_s, connect_s)
        return Timeout(connect=connect_s, read=min(asked.read_timeout or read_s, read_s))


class _Proxy(ProxyConfiguration):  # type: ignore[misc]
    """The proxy of one request, with any user name and password: the SDK takes them in ASCII."""

    def proxy_headers_for(self, proxy_url: str) -> dict[str, str]:
        return login_header("Proxy-Authorization", proxy_url)


def use_wire(wire: Wire, session: Any, chain: Any = None) -> None:
    """Have an SDK session's clients, and the sources of its chain, send over the wire."""
    own = WireSession(wire)
    session.register("before-send", lambda request, **_: own.send(request))
    for source, attribute in _FETCHERS if chain else ():
        try:
            fetcher = getattr(chain.get_provider(source), attribute)
        except Exception:  # noqa: BLE001, S112 - the chain has no such source
            continue
        fetcher._session = WireSession(wire, fetcher._session._timeout)  # noqa: SLF001
