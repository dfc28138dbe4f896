"""The requests to a registry: which credential it asks for, and its token endpoint's token.

A credential goes to the registry and to the token endpoint that the registry names, both over TLS;
a registry on loopback may do without TLS, and is asked without a proxy. A cloud's token goes to
hosts of that cloud only, not to a token endpoint elsewhere. A remote registry cannot name a token
endpoint on this machine, nor a file. No redirect is followed, and nothing of a reply is shown but
its status. The caller limits the time of all requests together.

Sources:
  https://github.com/opencontainers/distribution-spec/blob/main/spec.md#endpoints (end-1)
  https://distribution.github.io/distribution/spec/auth/token/
  https://distribution.github.io/distribution/spec/auth/oauth/
  https://go.dev/src/crypto/x509/root_linux.go (where docker finds the system's certificates)
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable, Collection
from email.message import Message
from email.utils import parsedate_to_datetime
from glob import glob
from http.client import HTTPException
from socket import gaierror, inet_aton, inet_ntoa
from time import time
from typing import NamedTuple
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

from cred_helper.credential import IDENTITY_TOKEN, Credential
from cred_helper.errors import Denied, ProviderError, fault
from cred_helper.files.json_file import parse_object
from cred_helper.providers.common.network_errors import network_error
from cred_helper.providers.common.proxy import is_local
from cred_helper.providers.common.trust import CaFile
from cred_helper.providers.common.wire import RoundTrip, hostname
from cred_helper.record import Record

# One step of a connection.
STEP_TIMEOUT_S = 10.0
_MAX_REPLY_BYTES = 1 << 20
# The parameters of a challenge: quoted, or bare as in RFC 9110 section 11.2.
_PARAMETER = re.compile(r'([a-z_]+)\s*=\s*(?:"([^"]*)"|([^\s",]+))', re.IGNORECASE)
_UNAUTHORIZED = 401
_TOO_MANY, _SERVER_ERROR = 429, 500
# The OAuth form of the token request demands the name of the client.
_CLIENT_ID = "docker-credential-multi"
# Source: the token specification, "expires_in".
_DEFAULT_LIFE_S = 60.0
# A longer life is not believed.
_MAX_LIFE_S = 24 * 3600.0
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


class Challenge(NamedTuple):
    """How a registry asks for a credential: by ``scheme``, in lower case, and its parameters."""

    scheme: str
    parameters: dict[str, str]

    @property
    def is_bearer(self) -> bool:
        return self.scheme == "bearer"

    @property
    def realm(self) -> str:
        return self.parameters.get("realm", "")


class Token(Record):
    """A registry's own token. Units: ``expires_at_s`` is in seconds since 1970."""

    text: str
    expires_at_s: float


class ProxyError(URLError):
    """The proxy cannot be reached. ``network_error`` knows the class by its name."""


class Registry:
    """One registry and its token endpoint.

    ``own_hosts`` are the addresses that may be sent the credential where a cloud gave it; ``None``
    for any other credential. ``ahead_s`` is how far the registry's clock is ahead of this machine.
    """

    def __init__(
        self,
        address: str,
        *,
        own_hosts: Collection[str] | None,
        step_s: Callable[[], float] = lambda: STEP_TIMEOUT_S,
    ) -> None:
        self.address = address
        self.ahead_s: float | None = None
        self.url = f"https://{address}/v2/"
        self._own_hosts = own_hosts
        self._step_s = step_s
        self._is_local = is_local(hostname(f"//{address}"))
        # The latest request, for an error about it.
        self._request = RoundTrip("GET", self.url, upstream=address, attempt=1)

    @property
    def host(self) -> str:
        return hostname(self._request.url)

    def challenge(self, repository: str = "") -> Challenge | None:
        """Ask without a credential: the challenge, or ``None`` where none is needed.

        A registry that needs no login can still ask for a credential at a repository.
        """
        try:
            found = self._challenge(self.url)
        except URLError as error:
            if not self._is_local or isinstance(error, HTTPError):
                raise
            self.url = f"http://{self.address}/v2/"
            found = self._challenge(self.url)
        if found is not None or not repository:
            return found
        try:
            return self._challenge(f"{self.url}{repository}/tags/list")
        except HTTPError:
            return None  # of another kind than a challenge: the client will see it

    def _challenge(self, url: str) -> Challenge | None:
        try:
            self._fetch(url, {})
        except HTTPError as error:
            if error.code != _UNAUTHORIZED:
                raise
            found = [_parsed(line) for line in error.headers.get_all("WWW-Authenticate") or [""]]
            return next((one for one in found if one.is_bearer), found[0])
        return None

    def show(self, authorization: str) -> None:
        try:
            self._fetch(self.url, {"Authorization": authorization})
        except HTTPError as error:
            raise Denied("login.refused", status=error.code) from None

    def token(self, challenge: Challenge, credential: Credential | None, scope: str = "") -> Token:
        """Exchange a credential for the registry's token; without one, get a token that may pull.

        Raises:
            Denied: the token endpoint must not be asked, refuses, or answers without a token.
        """
        realm = challenge.realm
        self._check_realm(realm, is_secret=credential is not None)
        asked = {"service": challenge.parameters.get("service", ""), "scope": scope}
        asked = {name: value for name, value in asked.items() if value}
        began_at_s = time()
        try:
            if credential is not None and credential.username == IDENTITY_TOKEN:
                secret = credential.secret.expose()
                grant = {"grant_type": "refresh_token", "refresh_token": secret}
                reply = self._fetch(realm, {}, asked | grant | {"client_id": _CLIENT_ID})
            else:
                query = urlencode(asked)
                url = f"{realm}{'&' if '?' in realm else '?'}{query}" if query else realm
                shown = {"Authorization": credential.basic} if credential else {}
                reply = self._fetch(url, shown)
        except HTTPError as error:
            if error.code == _TOO_MANY or error.code >= _SERVER_ERROR:
                raise  # this is about the server, and not about the credential
            raise Denied("login.refused-by-endpoint", status=error.code) from None
        document = parse_object(reply)
        text = document.get("token") or document.get("access_token")
        # It becomes a part of a header.
        if not isinstance(text, str) or not text.isascii() or len(text.split()) != 1:
            raise Denied("login.endpoint-without-token")
        return Token(text.strip(), began_at_s + _life_s(document.get("expires_in")))

    def _check_realm(self, realm: str, *, is_secret: bool) -> None:
        host = hostname(realm)
        if not host:
            raise Denied("login.endpoint-without-tls")
        parts = urlsplit(realm)
        is_here = _is_here(host)
        is_plain = parts.scheme == "http" and self._is_local and is_here
        if "@" in parts.netloc or (parts.scheme != "https" and not is_plain):
            raise Denied("login.endpoint-without-tls")
        if is_here and not self._is_local:
            raise Denied("login.endpoint-on-this-machine")
        if is_secret and self._own_hosts is not None:
            address = parts.netloc.lower().removesuffix(":443")
            if address not in self._own_hosts:
                raise Denied("login.endpoint-elsewhere", host=host)

    def failure(self, error: Exception) -> ProviderError:
        match error:
            case ProviderError():
                return error
            case HTTPError():
                return Denied("login.http-status", status=error.code)
            case URLError() | HTTPException() | OSError():
                ca_file = CaFile.of(os.environ)
                return network_error(error, self._request, ca_file=ca_file)
        return ProviderError("login.check-failed", reason=fault(error).reason)

    def _fetch(
        self, url: str, headers: dict[str, str], form: dict[str, str] | None = None
    ) -> bytes:
        sent = RoundTrip("POST" if form else "GET", url, upstream=hostname(url), attempt=1)
        self._request = sent
        data = urlencode(form).encode() if form is not None else None
        request = Request(url, data=data, headers=headers)  # noqa: S310 - no other scheme is opened
        proxies = {urlsplit(url).scheme: sent.proxy} if sent.proxy else {}
        timeout_s = min(STEP_TIMEOUT_S, self._step_s())
        try:
            with _opener(self.address, proxies).open(request, timeout=timeout_s) as reply:
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


def _parsed(challenge: str) -> Challenge:
    # A line can have several challenges.
    begin = challenge.lower().rfind(", bearer ")
    scheme, _, rest = challenge[begin + 1 :].strip().partition(" ")
    found = _PARAMETER.findall(rest)
    return Challenge(scheme.lower(), {name.lower(): quoted or bare for name, quoted, bare in found})


def _life_s(expires_in: object) -> float:
    if not isinstance(expires_in, int | float) or not expires_in > 0:
        return _DEFAULT_LIFE_S
    return float(min(expires_in, _MAX_LIFE_S))


def _is_here(host: str) -> bool:
    """Whether a host is this machine, in any way in which systems read an address: ``127.1``."""
    try:
        host = inet_ntoa(inet_aton(host))
    except OSError:
        host = host.rstrip(".").removeprefix("::ffff:")
    is_name = host.endswith(".localhost")
    return is_local(host) or is_name or host in ("0.0.0.0", "::")  # noqa: S104 - not bound to


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
