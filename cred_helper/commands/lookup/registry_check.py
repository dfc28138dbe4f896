"""One question to a registry, the way a client asks it: is this credential let in at ``/v2/``?

As docker does, it sends the credential to the registry and to the token endpoint that the registry
names, both over TLS (a registry on this very machine may do without). A cloud's token is for its
registry alone: whatever token endpoint that names on another host is not asked. No redirect is
followed, and nothing of a reply is shown but its status.

Sources:
  https://github.com/opencontainers/distribution-spec/blob/main/spec.md#endpoints (end-1)
  https://distribution.github.io/distribution/spec/auth/token/
  https://go.dev/src/crypto/x509/root_linux.go (where docker finds the authorities to trust)
"""

from __future__ import annotations

import json
import os
import re
import ssl
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
    HTTPRedirectHandler,
    HTTPSHandler,
    Request,
    build_opener,
    getproxies,
    proxy_bypass,
)

from cred_helper import docker_hub
from cred_helper.fallback.dockerconfig import IDENTITY_TOKEN

if TYPE_CHECKING:
    from email.message import Message

    from cred_helper.credential import Credential
    from cred_helper.server_url import ServerURL

TIMEOUT_S = 10.0
_MAX_REPLY_BYTES = 1 << 20
_PARAMETER = re.compile(r'([a-z]+)="([^"]*)"')
# How http.client tells what a proxy answers to CONNECT.
_REFUSED_TUNNEL = re.compile(r"^Tunnel connection failed: (\d{3})\b")
_LOOPBACK = re.compile(r"(localhost|127(\.\d+){3}|\[::1\])(:\d+)?")
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
# Authorities of single registries.
# Source: https://docs.docker.com/engine/security/certificates/
_CERTIFICATES = "/etc/docker/certs.d"


class Pinged:
    """What the registry said: let in or not, in words, and how far its clock is ahead of ours."""

    def __init__(self, said: str, *, let_in: bool, ahead_s: float | None, took_ms: float) -> None:
        self.said = said
        self.let_in = let_in
        self.ahead_s = ahead_s
        self.took_ms = took_ms


def ping(
    server_url: ServerURL, credential: Credential | None, *, is_clouds: bool = False
) -> Pinged:
    """Ask the registry that a server URL means, with a credential if there is one.

    ``is_clouds`` is whether a built-in provider gave it.
    """
    begun_s = monotonic()
    conversation = _Conversation(_address(server_url), stays=is_clouds)
    try:
        said, let_in = conversation.hold(credential), True
    except _TurnedAway as refusal:
        said, let_in = str(refusal), False
    except HTTPError as error:
        said, let_in = f"HTTP {error.code}", False
    except (URLError, HTTPException, OSError) as error:
        said, let_in = f"no answer{_cause(error, conversation.proxy)}", False
    took_ms = (monotonic() - begun_s) * 1000
    return Pinged(said, let_in=let_in, ahead_s=conversation.ahead_s, took_ms=took_ms)


def _address(server_url: ServerURL) -> str:
    """Where the registry answers."""
    return docker_hub.SERVES if docker_hub.is_hub(server_url) else server_url.address


class _TurnedAway(Exception):
    """The registry, or its token endpoint, does not let the credential in."""


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


class _Conversation:
    """What is said to one registry."""

    def __init__(self, address: str, *, stays: bool) -> None:
        self.ahead_s: float | None = None
        # What stands between us and whom was asked last, if anything does.
        self.proxy: str | None = None
        self._address = address
        self._stays = stays
        self._opener = build_opener(_NoRedirect, HTTPSHandler(context=_trust(address)))

    def hold(self, credential: Credential | None) -> str:
        """Ask for ``/v2/``, and answer the challenge that comes back; what came of it."""
        url = f"https://{self._address}/v2/"
        try:
            challenge = self._challenge(url)
        except URLError:
            if not _LOOPBACK.fullmatch(self._address):
                raise
            url = f"http://{self._address}/v2/"
            challenge = self._challenge(url)
        if challenge is None:
            return "it lets anybody in"
        if credential is None:
            return "it asks for credentials"
        scheme, parameters = challenge
        authorization, by = _basic(credential), ""
        if scheme == "bearer":
            authorization = self._token(parameters, credential)
            realm = urlsplit(parameters["realm"]).netloc
            by = "" if realm == self._address else f", by {realm}"
        try:
            self._fetch(url, {"Authorization": authorization})
        except HTTPError as error:
            raise _TurnedAway(f"HTTP {error.code}: it does not let this credential in") from None
        return f"it lets this credential in{by}"

    def _challenge(self, url: str) -> tuple[str, dict[str, str]] | None:
        """Ask without a credential: the challenge, or ``None`` where none is needed."""
        try:
            self._fetch(url, {})
        except HTTPError as error:
            if error.code != 401:
                raise
            scheme, _, rest = (error.headers.get("WWW-Authenticate") or "").partition(" ")
            return scheme.lower(), dict(_PARAMETER.findall(rest))
        return None

    def _token(self, parameters: dict[str, str], credential: Credential) -> str:
        realm = parameters.get("realm", "")
        if urlsplit(realm).scheme != "https" and not _LOOPBACK.fullmatch(urlsplit(realm).netloc):
            raise _TurnedAway("it names no token endpoint that is asked over TLS")
        if self._stays and urlsplit(realm).netloc.lower() != self._address:
            host = urlsplit(realm).hostname
            raise _TurnedAway(f"it sends clients on to {host}, which no cloud's token is shown to")
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
            words = f"HTTP {error.code} from its token endpoint: the credential is not let in"
            raise _TurnedAway(words) from None
        try:
            document = json.loads(reply)
            return f"Bearer {document.get('token') or document['access_token']}"
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _TurnedAway("its token endpoint does not answer with a token") from None

    def _fetch(
        self, url: str, headers: dict[str, str], form: dict[str, str] | None = None
    ) -> bytes:
        self.proxy = _proxy(url)
        data = urlencode(form).encode() if form is not None else None
        request = Request(url, data=data, headers=headers)  # noqa: S310 - http to loopback only
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as reply:
                self._compare_clocks(reply.headers)
                return bytes(reply.read(_MAX_REPLY_BYTES))
        except HTTPError as error:
            with error:
                self._compare_clocks(error.headers)
            raise

    def _compare_clocks(self, headers: Message) -> None:
        try:
            self.ahead_s = parsedate_to_datetime(headers["Date"]).timestamp() - time()
        except (TypeError, ValueError):
            pass  # it does not say what time it is


def _basic(credential: Credential) -> str:
    plain = f"{credential.username}:{credential.secret.expose()}"
    return f"Basic {b64encode(plain.encode('utf-8', 'surrogateescape')).decode()}"


def _trust(address: str) -> ssl.SSLContext:
    """Whom docker would trust: the user's variable, or the system; and this registry's own."""
    context = ssl.create_default_context()
    if not os.environ.get("SSL_CERT_FILE"):
        # A Python that was built elsewhere has another idea of where they are.
        for path in _BUNDLES:
            if os.path.isfile(path):
                context.load_verify_locations(path)
                break
    for path in glob(os.path.join(_CERTIFICATES, address, "*.crt")):
        try:
            context.load_verify_locations(path)
        except (ssl.SSLError, OSError):
            pass  # docker could not use it either
    return context


def _proxy(url: str) -> str | None:
    """The proxy by which a URL is asked, without the password that may stand before it."""
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    if not proxy or proxy_bypass(parts.netloc):
        return None
    # Whatever else stands in it, before an @ is what is not shown.
    return proxy.rpartition("@")[2].rpartition("://")[2].partition("/")[0]


def _cause(error: Exception, proxy: str | None) -> str:
    """Why there is no answer, in words that follow it; and by whose fault, if a proxy is asked."""
    reason = getattr(error, "reason", error)
    if refusal := _REFUSED_TUNNEL.search(str(reason)):
        wants = "wants a password" if refusal[1] == "407" else "does not connect"
        return f": the proxy {proxy} {wants} ({refusal[1]})"
    if proxy and isinstance(reason, ConnectionRefusedError | gaierror):
        return f" from the proxy {proxy}: {_words(reason)}"
    return f" through the proxy {proxy}: {_words(reason)}" if proxy else f": {_words(reason)}"


def _words(reason: object) -> str:
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({reason.verify_message})"
    if isinstance(reason, TimeoutError):
        return f"nothing within {TIMEOUT_S:.0f} s"
    strerror = getattr(reason, "strerror", None)
    return strerror.lower() if strerror else type(reason).__name__
