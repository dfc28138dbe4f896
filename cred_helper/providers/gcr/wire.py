"""The wire under google-auth: every request one ``get`` makes at Google, and what became of it.

Every exchange has a time limit and every reply a size limit; no redirect is followed, since it
would repeat the assertion elsewhere; ``~/.netrc`` is not read; plain http goes to this machine and
to metadata services only, and goes there directly, whatever proxy the environment names.

The last answer is kept: refusals are told from it, not from the SDK's exceptions, whose texts mix
what helps with what must not be shown.
"""

from __future__ import annotations

import ipaddress
import json
from binascii import a2b_base64
from urllib.parse import parse_qs

import requests
from google.auth.transport.requests import Request

from cred_helper.errors import BadReply, Misconfigured, Unreachable
from cred_helper.providers.common.trust import CaFile
from cred_helper.providers.gcr import configured_metadata_host
from cred_helper.providers.gcr.answer import METADATA_PATH, Answer, host_of
from cred_helper.providers.gcr.failures import no_answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cred_helper.providers.common.interface import Deadline

# A token endpoint answers within a second; a loaded one, or a corporate proxy, within a few.
STEP_S = 10.0
# Today's tokens are up to 12 KiB, and Google reserves the right to longer ones.
MAX_REPLY_BYTES = 1 << 20

# The SDK tries a token endpoint three times and the metadata service five, after one, two, four and
# eight seconds (google.auth._exponential_backoff). Three are enough for both.
_ATTEMPTS = 3
RETRIED_BY_SDK = (408, 429, 500, 503, 504)

# For how long a token is good whose issuer does not say: as long as the shortest-lived subject
# token in wide use, GitHub's, whose end such a token inherits.
_UNSAID_LIFETIME_S = 300

# Metadata services at addresses that are not link-local; the numbers are Google's and Amazon's.
_METADATA_HOSTS = ("metadata.google.internal", "fd20:ce::254", "fd00:ec2::254")
_SECRET_FIELDS = ("assertion", "client_secret", "refresh_token", "subject_token")


class Wire:
    """The exchanges of one ``get``; ``addresses_from`` is what named the addresses, in words."""

    __slots__ = (
        "_addresses_from",
        "_attempts",
        "_ca_file",
        "_deadline",
        "_metadata_hosts",
        "_metadata_is_named",
        "_transport",
        "last",
    )

    def __init__(
        self, deadline: Deadline, environ: Mapping[str, str], *, addresses_from: str
    ) -> None:
        self._deadline = deadline
        self._addresses_from = addresses_from
        self._attempts: dict[str, int] = {}
        self._ca_file = CaFile.of(environ)
        named = (configured_metadata_host(environ), environ.get("GCE_METADATA_IP", ""))
        self._metadata_is_named = bool(named[0])
        self._metadata_hosts = (*_METADATA_HOSTS, *(host_of(f"//{name}") for name in named))
        self._transport: Any = None
        self.last: Answer | None = None

    @property
    def transport(self) -> Any:
        """The SDK's own transport, on a session whose requests come through here."""
        if self._transport is None:
            make: Any = Request
            self._transport = make(_Session(self))
        return self._transport

    def exchange(self, send: Any, method: str, url: str, *args: Any, **options: Any) -> Any:
        """Send a request of the SDK's and give it the reply.

        Raises:
            ProviderError: it is not to be sent, or what came of it is past mending. No loop of the
                SDK's goes on after that.
            requests.RequestException: the metadata service does not answer yet; the SDK asks again.
        """
        host = self._admitted(url)
        if self._deadline.remaining_s() <= 0:
            raise Unreachable(f"there was no time left to ask {host}")
        self._attempts[url] = self._attempts.get(url, 0) + 1
        options["timeout"] = self._deadline.step_s(min(options.get("timeout") or STEP_S, STEP_S))
        options["verify"] = options.get("verify") or (self._ca_file.path if self._ca_file else True)
        try:
            response = send(method, url, *args, **options, allow_redirects=False, stream=True)
            body = self._body(response, host)
        except requests.RequestException as error:
            if self._is_patient(url, error) and self._may_try_again(url):
                raise
            raise self._problem(error) or no_answer(host, error) from None
        except OSError as error:  # raised by requests for a file that is not there
            raise self._problem(error) or no_answer(host, requests.ConnectionError()) from None
        secrets = _secrets(options.get("data"), options.get("headers"))
        self.last = Answer(method, url, response.status_code, body, secrets)
        self._judge(self.last, response.headers)
        # A response whose body was read as a stream takes it back in no other way.
        response._content = _with_lifetime(self.last)  # noqa: SLF001
        return response

    def _problem(self, error: OSError) -> Misconfigured | None:
        """What is wrong with whom to trust, where that may be why."""
        is_doubtful = isinstance(error, requests.exceptions.SSLError) or type(error) is OSError
        return self._ca_file.problem() if is_doubtful and self._ca_file else None

    def is_at_hand(self, host: str) -> bool:
        """Whether this is the machine itself, or a metadata service."""
        if host == "localhost" or host in self._metadata_hosts:
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return address.is_loopback or address.is_link_local

    def _admitted(self, url: str) -> str:
        host = host_of(url)
        if host and (url.lower().startswith("https://") or self.is_at_hand(host)):
            return host
        raise Misconfigured(
            f"a secret would go to {host or 'nobody'} without protection",
            hint=f"every address named in {self._addresses_from} has to begin with https://",
        )

    def _body(self, response: requests.Response, host: str) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(1 << 14):
            body += chunk
            if len(body) > MAX_REPLY_BYTES:
                raise BadReply(f"{host} answers with more than {MAX_REPLY_BYTES >> 10} KiB")
            if self._deadline.remaining_s() <= 0:
                raise Unreachable(f"{host} takes too long over its answer")
        return bytes(body)

    def _judge(self, answer: Answer, headers: Mapping[str, str]) -> None:
        """Refuse what no class of the SDK would make sense of."""
        if 300 <= answer.status < 400:
            raise BadReply(
                f"{answer.host} redirects elsewhere ({answer.status}), which is not followed"
            )
        if answer.is_metadata and headers.get("metadata-flavor", "").lower() != "google":
            raise BadReply(f"{answer.host} is no metadata service of Google's")
        if answer.status in RETRIED_BY_SDK and not self._may_try_again(answer.url):
            raise Unreachable(f"{answer.host} answers {answer.status}")

    def _is_patient(self, url: str, error: requests.RequestException) -> bool:
        """Whether to let the SDK ask again: a metadata service may be loaded, or not yet up.

        Where nobody listens at an address that the user gave, that is told at once.
        """
        late = isinstance(error, requests.Timeout) or not self._metadata_is_named
        return late and METADATA_PATH in url

    def _may_try_again(self, url: str) -> bool:
        attempts = self._attempts[url]
        pause_s = 1.1 * 2 ** (attempts - 1)
        return attempts < _ATTEMPTS and self._deadline.remaining_s() > pause_s


class _Session(requests.Session):
    """A session that makes no request by itself."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire
        self.auth = _unchanged

    def request(
        self, method: str | bytes, url: str | bytes, *args: Any, **options: Any
    ) -> requests.Response:
        # Whoever is at hand has no proxy in between.
        self.trust_env = not self._wire.is_at_hand(host_of(str(url)))
        response: requests.Response = self._wire.exchange(
            super().request, str(method), str(url), *args, **options
        )
        return response


def _unchanged(request: Any) -> Any:
    """An authentication that adds nothing: without one, requests looks into ``~/.netrc``."""
    return request


def _secrets(body: object, headers: Mapping[str, str] | None) -> tuple[str, ...]:
    """What was sent that no message may repeat, should the other side quote it."""
    form = parse_qs(body.decode("utf-8", "replace")) if isinstance(body, bytes) else {}
    sent = [value for field in _SECRET_FIELDS for value in form.get(field, ())]
    scheme, _, value = (headers or {}).get("Authorization", "").partition(" ")
    sent.append(value)
    if scheme == "Basic":
        sent.append(a2b_base64(value).decode("utf-8", "replace").partition(":")[2])
    return tuple(filter(None, sent))


def _with_lifetime(answer: Answer) -> bytes:
    """The body, with a short lifetime where its token has none: the SDK fails without.

    Source: https://www.rfc-editor.org/rfc/rfc8693#section-2.2.1 (expires_in is only recommended)
    """
    if answer.method != "POST" or answer.status != 200:
        return answer.body
    document = answer.document
    if not isinstance(document, dict) or document.get("expires_in") is not None:
        return answer.body
    return json.dumps({**document, "expires_in": _UNSAID_LIFETIME_S}).encode()
