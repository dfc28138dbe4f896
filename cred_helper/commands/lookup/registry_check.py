"""One question to a registry, as a client asks it: does ``/v2/`` accept this credential?

As docker does, it sends the credential to the registry and to the token endpoint that the registry
names, both over TLS; a registry on loopback may do without TLS, and is asked without a proxy. A
cloud's token goes to its registry only, not to a token endpoint elsewhere. A remote registry cannot
name a token endpoint on this machine, nor a file. No redirect is followed, the whole exchange has a
time limit, and nothing of a reply is shown but its status.

Sources:
  https://github.com/opencontainers/distribution-spec/blob/main/spec.md#endpoints (end-1)
  https://distribution.github.io/distribution/spec/auth/token/
  https://go.dev/src/crypto/x509/root_linux.go (where docker finds the system's certificates)
"""

from __future__ import annotations

import json
import os
import re
import ssl
import threading
from base64 import b64encode
from email.utils import parsedate_to_datetime
from glob import glob
from http.client import HTTPException
from socket import gaierror
from time import monotonic, time
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

from cred_helper import docker_hub
from cred_helper.errors import CredentialError, Denied, ProviderError, Unreachable, fault
from cred_helper.fallback.dockerconfig import IDENTITY_TOKEN
from cred_helper.providers.common.network_errors import network_error
from cred_helper.providers.common.proxy import is_local
from cred_helper.providers.common.wire import Exchange

if TYPE_CHECKING:
    from email.message import Message

    from cred_helper.credential import Credential
    from cred_helper.server_url import ServerURL

# One step of a connection; and the whole exchange, for a reply that comes byte by byte.
STEP_TIMEOUT_S = 10.0
TOTAL_TIMEOUT_S = 25.0
_MAX_REPLY_BYTES = 1 << 20
_PARAMETER = re.compile(r'([a-z]+)="([^"]*)"')
_UNAUTHORIZED = 401
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
# Certificates of single registries.
# Source: https://docs.docker.com/engine/security/certificates/
_CERTIFICATES = "/etc/docker/certs.d"


class Checked:
    """What a registry answered.

    ``notice`` is a message, which is an error where ``accepted`` is false; ``answered`` is whether
    the registry was reached; ``ahead_s`` is how far its clock is ahead of this machine's.
    """

    def __init__(
        self, notice: CredentialError, *, answered: bool, ahead_s: float | None, took_ms: float
    ) -> None:
        self.notice = notice
        self.accepted = not isinstance(notice, ProviderError)
        self.answered = answered
        self.ahead_s = ahead_s
        self.took_ms = took_ms


def check(
    server_url: ServerURL, credential: Credential | None, *, is_clouds: bool = False
) -> Checked:
    """Ask the registry of a server URL, with a credential if there is one.

    ``is_clouds`` is whether a built-in provider gave the credential.
    """
    begun_s = monotonic()
    exchange = _Exchange(_address(server_url), is_clouds=is_clouds)
    worker = threading.Thread(target=exchange.run, args=(credential,), daemon=True)
    worker.start()
    worker.join(TOTAL_TIMEOUT_S)
    notice = exchange.notice or Unreachable(
        "network.slow-reply", upstream=exchange.host, seconds=f"{TOTAL_TIMEOUT_S:.0f}"
    )
    return Checked(
        notice,
        answered=not isinstance(notice, Unreachable),
        ahead_s=exchange.ahead_s,
        took_ms=(monotonic() - begun_s) * 1000,
    )


def _address(server_url: ServerURL) -> str:
    """The address at which the registry answers."""
    return docker_hub.SERVES if docker_hub.is_hub(server_url) else server_url.address


class ProxyError(URLError):
    """The proxy cannot be reached. ``network_error`` knows the class by its name."""


class _Exchange:
    """The requests to one registry and its token endpoint. ``notice`` is what came of them."""

    def __init__(self, address: str, *, is_clouds: bool) -> None:
        self.notice: CredentialError | None = None
        self.ahead_s: float | None = None
        self._address = address
        self._is_clouds = is_clouds
        self._is_local = is_local(_host(f"//{address}"))
        # The latest request, for an error about it.
        self._request = Exchange("GET", f"https://{address}/v2/", upstream=address, attempt=1)

    @property
    def host(self) -> str:
        """The host of the latest request."""
        return _host(self._request.url)

    def run(self, credential: Credential | None) -> None:
        """Make the requests."""
        try:
            self.notice = self._run(credential)
        except CredentialError as failure:
            self.notice = failure
        except HTTPError as failure:
            self.notice = Denied("login.http-status", status=failure.code)
        except (URLError, HTTPException, OSError) as failure:
            self.notice = network_error(failure, self._request)
        except Exception as failure:  # noqa: BLE001 - it would end the thread in silence
            self.notice = ProviderError("login.check-failed", reason=fault(failure).reason)

    def _run(self, credential: Credential | None) -> CredentialError:
        """Ask for ``/v2/``, and answer the challenge that comes back."""
        url = f"https://{self._address}/v2/"
        try:
            challenge = self._challenge(url)
        except URLError:
            if not self._is_local:
                raise
            url = f"http://{self._address}/v2/"
            challenge = self._challenge(url)
        if challenge is None:
            return CredentialError("login.registry-open")
        if credential is None:
            return CredentialError("login.registry-asks")
        scheme, parameters = challenge
        if scheme != "bearer":
            self._show(url, _basic(credential))
            return CredentialError("login.accepted")
        realm = parameters.get("realm", "")
        self._check_realm(realm)
        self._show(url, self._token(realm, parameters, credential))
        endpoint = urlsplit(realm).netloc
        if endpoint == self._address:
            return CredentialError("login.accepted")
        return CredentialError("login.accepted-by", endpoint=endpoint)

    def _challenge(self, url: str) -> tuple[str, dict[str, str]] | None:
        """Ask without a credential: the challenge, or ``None`` where none is needed."""
        try:
            self._fetch(url, {})
        except HTTPError as error:
            if error.code != _UNAUTHORIZED:
                raise
            scheme, _, rest = (error.headers.get("WWW-Authenticate") or "").partition(" ")
            return scheme.lower(), dict(_PARAMETER.findall(rest))
        return None

    def _show(self, url: str, authorization: str) -> None:
        try:
            self._fetch(url, {"Authorization": authorization})
        except HTTPError as error:
            raise Denied("login.refused", status=error.code) from None

    def _check_realm(self, realm: str) -> None:
        """Refuse a token endpoint that must not be sent the credential."""
        host = _host(realm)
        if not host:
            raise Denied("login.endpoint-without-tls")
        parts = urlsplit(realm)
        is_here = is_local(host)
        is_plain = parts.scheme == "http" and self._is_local and is_here
        if "@" in parts.netloc or (parts.scheme != "https" and not is_plain):
            raise Denied("login.endpoint-without-tls")
        if is_here and not self._is_local:
            raise Denied("login.endpoint-on-this-machine")
        if self._is_clouds and parts.netloc.lower() != self._address:
            raise Denied("login.endpoint-elsewhere", host=host)

    def _token(self, realm: str, parameters: dict[str, str], credential: Credential) -> str:
        """Exchange a credential for the registry's token."""
        service = {"service": parameters["service"]} if "service" in parameters else {}
        try:
            if credential.username == IDENTITY_TOKEN:
                secret = credential.secret.expose()
                grant = {"grant_type": "refresh_token", "refresh_token": secret}
                reply = self._fetch(realm, {}, service | grant)
            else:
                url = f"{realm}?{urlencode(service)}" if service else realm
                reply = self._fetch(url, {"Authorization": _basic(credential)})
        except HTTPError as error:
            raise Denied("login.refused-by-endpoint", status=error.code) from None
        try:
            document = json.loads(reply)
            return f"Bearer {document.get('token') or document['access_token']}"
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise Denied("login.endpoint-without-token") from None

    def _fetch(
        self, url: str, headers: dict[str, str], form: dict[str, str] | None = None
    ) -> bytes:
        sent = Exchange("POST" if form else "GET", url, upstream=_host(url), attempt=1)
        self._request = sent
        data = urlencode(form).encode() if form is not None else None
        request = Request(url, data=data, headers=headers)  # noqa: S310 - no other scheme is opened
        proxies = {urlsplit(url).scheme: sent.proxy} if sent.proxy else {}
        try:
            with _opener(self._address, proxies).open(request, timeout=STEP_TIMEOUT_S) as reply:
                self._compare_clocks(reply.headers)
                return bytes(reply.read(_MAX_REPLY_BYTES))
        except HTTPError as error:
            with error:
                self._compare_clocks(error.headers)
            raise
        except URLError as error:
            # With a proxy, only the proxy is looked up and connected to.
            if sent.proxy and isinstance(error.reason, ConnectionRefusedError | gaierror):
                raise ProxyError(error.reason) from error
            raise

    def _compare_clocks(self, headers: Message) -> None:
        try:
            self.ahead_s = parsedate_to_datetime(headers["Date"]).timestamp() - time()
        except (TypeError, ValueError, OverflowError):
            pass  # the reply has no date


def _host(url: str) -> str:
    """The host of a URL; empty where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _opener(address: str, proxies: dict[str, str]) -> OpenerDirector:
    """An opener for http and https that follows no redirect and reads no file."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(proxies),
        HTTPHandler(),
        HTTPSHandler(context=_trust(address)),
        UnknownHandler(),
        HTTPDefaultErrorHandler(),
        HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _basic(credential: Credential) -> str:
    plain = f"{credential.username}:{credential.secret.expose()}"
    return f"Basic {b64encode(plain.encode('utf-8', 'surrogateescape')).decode()}"


def system_certificates() -> str | None:
    """The system's file of trusted certificates, which docker uses."""
    return next((path for path in _BUNDLES if os.path.isfile(path)), None)


def _trust(address: str) -> ssl.SSLContext:
    """The certificates that docker trusts: the variable's or the system's, and this registry's."""
    context = ssl.create_default_context()
    if not os.environ.get("SSL_CERT_FILE") and (path := system_certificates()):
        # A Python that was built elsewhere looks in other places.
        context.load_verify_locations(path)
    for path in glob(os.path.join(_CERTIFICATES, address, "*.crt")):
        try:
            context.load_verify_locations(path)
        except (ssl.SSLError, OSError):
            pass  # docker does not use it either
    return context
