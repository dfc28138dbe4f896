"""The HTTP requests of one ``get``, with the same limits for every SDK.

Each request has a time limit within the deadline of the ``get``, and each reply a size limit. The
proxy and the CA bundle are chosen here. A failure is classified by the last request, not by the
text of an SDK's exception. ``http_client`` sends with urllib3, ``botocore_session`` with the AWS
SDK's own session. Never follows a redirect, never reads ``~/.netrc``.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any
from urllib.parse import unquote, urlsplit

from cred_helper.errors import BadReply, Unreachable
from cred_helper.providers.common import proxy, waiting
from cred_helper.providers.common.interface import Deadline, seconds
from cred_helper.providers.common.trust import CaFile

# Tokens have up to 12 KiB. Google may issue longer ones.
MAX_REPLY_BYTES = 1 << 20
# A distant region answers within two seconds, and a busy proxy within a few more.
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 10.0
# A token takes up to three requests. Each may use this fraction of the remaining time, so that the
# message names the server that does not answer, before the deadline ends the call.
STEP_FRACTION = 0.3
_CHUNK_BYTES = 1 << 16


class RoundTrip:
    """One request and its reply, or its failure.

    ``secrets`` are those that the request contains. A reply can repeat them, and messages must not.
    """

    def __init__(self, method: str, url: str, *, upstream: str, attempt: int) -> None:
        self.method = method
        self.url = url
        self.host = host_of(url)
        self.upstream = upstream
        self.attempt = attempt
        self.proxy = proxy.proxy_for(url)
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.body = b""
        self.secrets: tuple[str, ...] = ()
        self.failure: BaseException | None = None
        self.step_s = 0.0
        self.started_s = monotonic()
        self.took_s = 0.0


class Wire:
    """The requests of one ``get``.

    ``name_of`` returns the name of a URL's server for messages. ``admit`` raises an error for a URL
    to which nothing must be sent, and ``judge`` for a reply that the SDK must not parse. With
    ``direct``, requests use no proxy.
    """

    def __init__(
        self,
        deadline: Deadline,
        *,
        ca_file: CaFile | None = None,
        name_of: Callable[[str], str] | None = None,
        admit: Callable[[str], None] | None = None,
        judge: Callable[[RoundTrip], None] | None = None,
        direct: bool = False,
    ) -> None:
        self.deadline = deadline
        self.ca_file = ca_file
        self.last: RoundTrip | None = None
        self._attempts: dict[str, int] = {}
        self._name_of = name_of or host_of
        self._admit = admit
        self._judge = judge
        self._direct = direct

    @property
    def verify(self) -> str | bool:
        """The CA bundle for the SDKs: a path, or ``True`` for the one that they contain."""
        return self.ca_file.path if self.ca_file else True

    def attempts(self, url: str) -> int:
        """The number of requests to a URL, with any query."""
        return self._attempts.get(url.partition("?")[0], 0)

    def begin(self, method: str, url: str) -> RoundTrip:
        """Start a request.

        Raises:
            Unreachable: no time is left for it.
            Misconfigured: the proxy has a kind of URL that is not supported.
            CredentialError: ``admit`` refuses the URL.
        """
        if self._admit:
            self._admit(url)
        address = url.partition("?")[0]
        attempt = self._attempts[address] = self._attempts.get(address, 0) + 1
        trip = RoundTrip(method, url, upstream=self._name_of(url), attempt=attempt)
        if self._direct:
            trip.proxy = None
        self.last = trip
        left_s = self.deadline.remaining_s()
        trip.failure = proxy.problem(trip.proxy) if trip.proxy else None
        if not trip.failure and left_s <= 0:
            trip.failure = Unreachable("network.no-time-left", upstream=trip.upstream)
        if trip.failure:
            raise trip.failure
        trip.step_s = self.deadline.step_s(min(left_s * STEP_FRACTION, READ_TIMEOUT_S))
        waiting.start(trip.upstream)
        return trip

    def timeouts(self, trip: RoundTrip) -> tuple[float, float]:
        """Seconds to wait for the connection, and for each part of the reply."""
        return min(CONNECT_TIMEOUT_S, trip.step_s), trip.step_s

    def receive(self, trip: RoundTrip, status: int, headers: Mapping[str, str], raw: Any) -> bytes:
        """Read a reply's body from urllib3, within the limits, and record the reply.

        Raises:
            BadReply: the reply is too long, or ``judge`` raises it.
            Unreachable: the reply takes too long.
            Exception: of urllib3, if the connection closes or times out.
        """
        trip.status, trip.headers = status, headers
        # Without it, botocore accepts a reply that is cut short.
        raw.enforce_content_length = True
        body = bytearray()
        while chunk := raw.read1(_CHUNK_BYTES, decode_content=True):
            body += chunk
            if len(body) > MAX_REPLY_BYTES:
                raw.close()
                limit = f"{MAX_REPLY_BYTES >> 20} MiB"
                raise BadReply("network.reply-too-large", upstream=trip.upstream, limit=limit)
            took_s = monotonic() - trip.started_s
            if took_s > sum(self.timeouts(trip)):
                raw.close()
                values = {"upstream": trip.upstream, "seconds": seconds(took_s)}
                raise Unreachable("network.slow-reply", **values)
        trip.body = bytes(body)
        if self._judge:
            self._judge(trip)
        return trip.body

    def end(self, trip: RoundTrip, failure: BaseException | None = None) -> None:
        trip.failure = failure
        trip.took_s = monotonic() - trip.started_s
        waiting.end()


def hostname(url: str) -> str:
    """The host of a URL, without a port; ``""`` if it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def host_of(url: str) -> str:
    """The host of a URL, with a port that is not its scheme's; ``""`` if it has no host."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or ""), parts.port
    except ValueError:
        return ""
    host = f"[{host}]" if ":" in host else host
    usual = 443 if parts.scheme.lower() == "https" else 80
    return host if port in (None, usual) else f"{host}:{port}"


def login_header(name: str, url: str) -> dict[str, str]:
    """The header for user name and password in a URL, in UTF-8 as Go does; empty without them."""
    login, at, _ = urlsplit(url if "://" in url else f"http://{url}").netloc.rpartition("@")
    if not at:
        return {}
    login = unquote(login) if ":" in login else f"{unquote(login)}:"
    return {name: f"Basic {b2a_base64(login.encode(), newline=False).decode()}"}
