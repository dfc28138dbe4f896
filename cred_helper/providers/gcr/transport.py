"""google-auth's transport on a wire: what it may ask, and how often.

Plain http goes only to this machine and to metadata services, and never through a proxy. Loads
google-auth and urllib3, and none of the SDK's own transports.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from google.auth import transport
from google.auth.exceptions import TransportError

from cred_helper.errors import BadReply, CredentialError, Misconfigured, ProviderError
from cred_helper.files.json_file import parse_object
from cred_helper.providers.common import proxy
from cred_helper.providers.common.http_client import HttpClient
from cred_helper.providers.common.interface import Deadline
from cred_helper.providers.common.network_errors import no_reply_error, status_error
from cred_helper.providers.common.trust import CaFile
from cred_helper.providers.common.wire import RoundTrip, Wire, hostname
from cred_helper.providers.gcr.errors import is_metadata
from cred_helper.providers.gcr.metadata import configured_address

# The SDK tries a token endpoint three times and the metadata service five, after one, two, four and
# eight seconds (google.auth._exponential_backoff). Three are enough for both.
_ATTEMPTS = 3
_FIRST_PAUSE_S = 1.1
_RETRIED_BY_SDK = (408, 429, 500, 503, 504)

# The lifetime of a token whose issuer does not state one: the lifetime of the shortest-lived
# subject token in wide use, GitHub's, which such a token inherits.
_DEFAULT_LIFETIME_S = 300

_TIMEOUTS = ("network.connect-timeout", "network.timeout")
# Metadata services whose addresses are not link-local: Google's and Amazon's.
_METADATA_HOSTS = ("metadata.google.internal", "fd20:ce::254", "fd00:ec2::254")


class GoogleWire(Wire):
    """The requests of one ``get``; ``place`` is the file or variable that names their addresses."""

    def __init__(self, deadline: Deadline, environ: Mapping[str, str], *, place: str) -> None:
        super().__init__(
            deadline,
            ca_file=CaFile.of(environ),
            name_of=self._name,
            admit=self._admit,
            judge=self._judge,
        )
        named = (configured_address(environ), environ.get("GCE_METADATA_IP", ""))
        self._metadata_is_named = bool(named[0])
        self._metadata_hosts = (*_METADATA_HOSTS, *(hostname(f"//{name}") for name in named))
        self._place = place
        self.transport = _Request(self)

    def begin(self, method: str, url: str) -> RoundTrip:
        trip = super().begin(method, url)
        if self._is_local(hostname(url)):
            trip.proxy = None
        return trip

    def may_try_again(self, url: str) -> bool:
        """Whether the SDK's next attempt is within its number and the time that is left."""
        attempts = self.attempts(url)
        pause_s = _FIRST_PAUSE_S * 2 ** (attempts - 1)
        return attempts < _ATTEMPTS and self.deadline.remaining_s() > pause_s

    def is_patient(self, url: str, error: ProviderError) -> bool:
        """Whether the SDK may ask again: a metadata service may be loaded, or not ready yet.

        A refused connection at an address that the user gave is an error at once.
        """
        is_late = error.code in _TIMEOUTS or not self._metadata_is_named
        return is_late and is_metadata(url)

    def _name(self, url: str) -> str:
        return "the metadata service" if is_metadata(url) else hostname(url)

    def _is_local(self, host: str) -> bool:
        return host in self._metadata_hosts or proxy.is_local(host)

    def _admit(self, url: str) -> None:
        host = hostname(url)
        if not host:
            raise Misconfigured("gcr.bad-address", place=self._place)
        if not (url.lower().startswith("https://") or self._is_local(host)):
            raise Misconfigured("gcr.insecure-address", host=host, place=self._place)

    def _judge(self, trip: RoundTrip) -> None:
        """Refuse replies that no class of the SDK would understand."""
        is_retried = trip.status in _RETRIED_BY_SDK and self.may_try_again(trip.url)
        if is_retried:
            return
        # A failure of what stands before a metadata service has no header of its own.
        # Source: https://github.com/googleapis/google-cloud-python/issues/15188
        flavor = trip.headers.get("metadata-flavor", "").lower()
        if is_metadata(trip.url) and flavor != "google" and trip.status < 500:
            raise BadReply("gcr.not-the-metadata-service", host=trip.host)
        if error := status_error(trip):
            raise error


class _Request(transport.Request):
    """Sends the requests of google-auth's classes over a wire."""

    def __init__(self, wire: GoogleWire) -> None:
        self._wire = wire
        self._clients: dict[Any, HttpClient] = {}

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: object = None,  # noqa: ARG002 - the wire's is sooner
        *,
        cert: tuple[str, str] | None = None,
        **_: Any,
    ) -> _Response:
        """Send one request; the SDK sees a failure only if it may try again.

        Raises:
            ProviderError: the request is not to be sent, or no attempt is left.
            TransportError: the SDK may ask again.
        """
        wire = self._wire
        client = self._clients.setdefault(cert, HttpClient(wire, cert))
        try:
            return _Response(client.send(method, url, headers, body))
        except CredentialError:
            raise
        except Exception as error:
            failure = no_reply_error(wire, error)
            if failure is None:
                raise
            if wire.is_patient(url, failure) and wire.may_try_again(url):
                raise TransportError(error) from error
            raise failure from None


class _Response(transport.Response):
    """A reply as google-auth reads it."""

    status, data = 0, b""
    headers: Mapping[str, str] = {}

    def __init__(self, trip: RoundTrip) -> None:
        self.status, self.headers = trip.status, trip.headers
        self.data = _with_lifetime(trip)


def _with_lifetime(trip: RoundTrip) -> bytes:
    """The body of a reply, with a short lifetime if its token has none: the SDK needs one.

    Source: https://www.rfc-editor.org/rfc/rfc8693#section-2.2.1 (expires_in is only recommended)
    """
    if trip.method != "POST" or trip.status != 200:
        return trip.body
    document = parse_object(trip.body)
    if not document or document.get("expires_in") is not None:
        return trip.body
    return json.dumps({**document, "expires_in": _DEFAULT_LIFETIME_S}).encode()
