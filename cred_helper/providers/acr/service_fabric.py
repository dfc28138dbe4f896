"""The transport for a Service Fabric cluster, whose certificate MSAL knows by its thumbprint.

MSAL derives a session of its own from a ``requests`` session, for that certificate alone. What it
takes along keeps the wire's limits: no proxy and no ``~/.netrc``, and a hook that reads the reply.
Loads requests.

Source: msal.managed_identity._create_service_fabric_http_client
"""

from __future__ import annotations

from typing import Any

import requests
from azure.core.pipeline.transport import RequestsTransport
from urllib3.exceptions import HTTPError

from cred_helper.providers.common.http_client import secrets_of
from cred_helper.providers.common.wire import Wire


def transport(wire: Wire) -> Any:
    """The transport of the SDK's class."""

    def read(response: requests.Response, **_: Any) -> None:
        request = response.request
        trip = wire.begin(request.method or "", response.url)
        trip.secrets = tuple(secrets_of(request.headers, b""))
        try:
            body = wire.receive(trip, response.status_code, response.headers, response.raw)
        except (HTTPError, OSError) as error:
            # The SDK knows the exceptions of requests only.
            raise requests.exceptions.ConnectionError(error, request=request) from error
        finally:
            response.close()
            wire.end(trip)
        # As requests itself has it once a body is read.
        response._content = body  # noqa: SLF001
        response._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001

    session = requests.Session()
    session.trust_env = False
    session.stream = True
    session.hooks["response"] = [read]
    return RequestsTransport(session=session, session_owner=False)
