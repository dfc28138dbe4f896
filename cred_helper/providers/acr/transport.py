"""azure-core's transport on a wire; it refuses long pauses.

Loads azure-core and urllib3, and not the SDK's own transport, which brings requests along.
"""

from __future__ import annotations

import time
from typing import Any

from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import HttpResponse, HttpTransport
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError

from cred_helper.providers.common.http_client import HttpClient
from cred_helper.providers.common.wire import RoundTrip, Wire

# The largest part of the time left that a pause before a retry may take.
_PAUSE_SHARE = 0.3


class WireTransport(HttpTransport[Any, Any]):
    """Sends the requests of the SDK's pipelines over a wire."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._client = HttpClient(wire)

    def __exit__(self, *_: object) -> None:
        """Do nothing: the connections end with the ``get``."""

    open = close = lambda _: None

    def send(self, request: Any, **_: Any) -> HttpResponse:
        """Send one request.

        Raises:
            CredentialError: the request is not to be sent, or its reply is over a limit.
            ServiceRequestError, ServiceResponseError: no reply; which of them decides whether the
                SDK asks again.
        """
        try:
            trip = self._client.send(request.method, request.url, request.headers, request.data)
        except (ProtocolError, ReadTimeoutError) as error:
            raise ServiceResponseError(error, error=error) from error
        except (HTTPError, OSError) as error:
            raise ServiceRequestError(error, error=error) from error
        return _Response(request, trip)

    def sleep(self, duration: float) -> None:
        """Wait, unless that takes too much of the time that is left.

        Raises:
            TimeoutError: it does.
        """
        if duration > self._wire.deadline.remaining_s() * _PAUSE_SHARE:
            raise TimeoutError
        time.sleep(duration)


class _Response(HttpResponse):
    """A reply as azure-core reads it."""

    def __init__(self, request: Any, trip: RoundTrip) -> None:
        super().__init__(request, trip)
        self.status_code = trip.status
        self.headers: Any = trip.headers
        self.content_type = trip.headers.get("content-type")

    def body(self) -> bytes:
        body: bytes = self.internal_response.body
        return body
