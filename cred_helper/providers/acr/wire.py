"""The wire under azure-identity and the exchange: every request of one ``get``, and how it ended.

Every request has a time limit; no redirect is followed and ``~/.netrc`` is not read, so that a
token goes nowhere but where it is sent.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from azure.core.pipeline.transport import RequestsTransport

if TYPE_CHECKING:
    from cred_helper.providers.common.interface import Deadline

# Signing in takes up to two requests and the exchange one more: each gets a part of what is left,
# so that whoever is silent is named before the time is up.
_STEP_SHARE = 0.3
_CONNECT_TIMEOUT_S = 5.0
_READ_TIMEOUT_S = 10.0


class Session(requests.Session):
    """What both the SDK and the exchange talk through; remembers how its last request ended.

    Proxies and certificate bundles come from the environment as ever, unless ``direct``: a metadata
    service is a hop away and must not be asked for through a proxy.
    """

    def __init__(self, deadline: Deadline, *, direct: bool = False) -> None:
        super().__init__()
        self.trust_env = not direct
        self.auth = _no_auth
        self.host = ""
        self.answer: requests.Response | None = None
        self.failure: Exception | None = None
        self._deadline = deadline

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send, without following a redirect, for no longer than a step may take."""
        self.host = urlsplit(request.url or "").netloc
        self.answer = self.failure = None
        step_s = self._deadline.step_s(self._deadline.remaining_s() * _STEP_SHARE)
        kwargs["timeout"] = (min(_CONNECT_TIMEOUT_S, step_s), min(_READ_TIMEOUT_S, step_s))
        kwargs["allow_redirects"] = False
        try:
            self.answer = super().send(request, **kwargs)
        except Exception as error:
            self.failure = error
            raise
        return self.answer


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Authenticate with nothing: where a session has any ``auth``, requests reads no .netrc."""
    return request


class Transport(RequestsTransport):  # type: ignore[misc] # azure-core loads it too lazily for mypy
    """The SDK's transport over our session, which does not sleep the user's time away."""

    def __init__(self, session: Session, bundle: str | bool, deadline: Deadline) -> None:
        super().__init__(session=session, session_owner=False, connection_verify=bundle)
        self._deadline = deadline

    def sleep(self, duration: float) -> None:
        """Wait before a retry, unless that takes too long to be worth it."""
        if duration > self._deadline.remaining_s() * _STEP_SHARE:
            raise TimeoutError
        time.sleep(duration)
