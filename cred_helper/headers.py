"""The HTTP headers for a request to a URI, for clients that ask by URI, as Bazel does.

For a registry, the header has what the registry's challenge asks for: the user name and secret, or
a token that its token endpoint issues for them and for the URI's repository. The challenge and the
token are cached, so that the next URI of the repository needs no request. For any other host, a
rule has to match.

Sources:
  https://github.com/opencontainers/distribution-spec/blob/main/spec.md#endpoints (the paths)
  https://github.com/EngFlow/credential-helper-spec/blob/main/spec.md (what an answer means)
"""

from __future__ import annotations

from cred_helper import docker_hub
from cred_helper.credential import HEADERS, IDENTITY_TOKEN, Credential, Secret
from cred_helper.errors import Denied, NotFound, ProtocolError, ProviderError
from cred_helper.files.fingerprints import digest
from cred_helper.hosts import HubRoute, Route, is_signed
from cred_helper.keychain import Answer, in_context
from cred_helper.providers.common.interface import Identity, TokenRequest
from cred_helper.record import Record
from cred_helper.server_url import ServerURL
from cred_helper.wiring import ANONYMOUS_DEADLINE_S, Wiring

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cred_helper.resolution import Resolution

# Bazel waits for ten seconds.
# Source: https://bazel.build/reference/command-line-reference#flag--credential_helper_timeout
_DEADLINE_S, _LEAST_S = 9.0, 1.0
_HTTPS = "https://"
_API = "v2"
_CATALOG = "_catalog"
_ENDPOINTS = ("blobs", "manifests", "referrers", "tags")
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
# Where registries have their token endpoints.
_TOKEN_ENDPOINTS = ("auth", "proxy_auth", "token")
# What a registry's challenge asks for: a token of its own, user name and secret, nothing.
_BEARER, _BASIC, _OPEN = "Bearer", "Basic", "none"
# How long a challenge without a token is cached.
_CHALLENGE_CACHED_FOR_S = 3600.0


class Headers(Record):
    """The headers for a URI. Units: ``expires_at_s`` is in seconds since 1970."""

    fields: Mapping[str, str] = {}
    expires_at_s: float | None = None


def _authorization(value: str, expires_at_s: float | None) -> Headers:
    return Headers({"Authorization": value}, expires_at_s)


class Target:
    """The registry, repository or file that a URI names.

    ``repository`` is ``""`` for the registry as a whole, and ``None`` for a path outside of the
    registry API. ``wants_login`` is true for a token endpoint and for a host without a path: the
    client then exchanges the user name and secret itself. Rules are matched against ``server_url``,
    and sources are asked for it.
    """

    def __init__(self, uri: str) -> None:
        """Parse a URI.

        Raises:
            ProtocolError: it is not https, or its host is not a DNS name. The message does not
                quote the URI, which can contain a password.
        """
        self.uri = uri.strip()
        url = ServerURL.parse(uri)
        path, _, query = url.path.partition("#")[0].partition("?")
        self.path, self.query = path, query
        is_host_alone = not path.strip("/") and not query
        reason = url.unroutable
        if not (url.raw.lower().startswith(_HTTPS) or (is_host_alone and "://" not in url.raw)):
            reason = "client.url-scheme"
        if reason == "client.url-other-port":
            # In https://user:12/3@host the text after the colon begins a password.
            is_port = url.is_host and url.port.isdecimal()
            reason = None if is_port else "client.url-user-information"
        if reason is None and _has_dot_segment(path):
            reason = "client.url-dot-segment"
        if reason is not None:
            raise ProtocolError(reason).within("bazel.invalid-uri")
        is_hub = docker_hub.is_hub(url) or url.host == HubRoute.auth_host
        self.address = docker_hub.SERVES if is_hub else _address(url)
        self.host = ServerURL.parse(self.address)
        self.repository = _repository(path.split("/")[1:])
        self.wants_login = is_host_alone
        if path.rstrip("/").rpartition("/")[2] in _TOKEN_ENDPOINTS and "service=" in query:
            self.wants_login, self.repository = True, _in_scope(query)
        elif is_host_alone:
            self.repository = ""
        if self.repository is None:
            self.server_url = ServerURL.parse(f"{self.address}{path}")
        elif self.repository:
            self.server_url = ServerURL.parse(f"{self.address}/{self.repository}")
        else:
            self.server_url = self.host


def target_of(text: str) -> Target | None:
    """The target of a URI that Bazel can ask for; ``None`` for any other server URL."""
    url = ServerURL.parse(text)
    if not url.raw.lower().startswith(_HTTPS) or url.path.strip("/") in ("", "v1", _API):
        return None
    if docker_hub.is_token_key(url):
        return None
    try:
        return Target(text)
    except ProtocolError:
        return None


def _address(url: ServerURL) -> str:
    return url.host if url.port in ("", "443") else url.address


def _has_dot_segment(path: str) -> bool:
    """Whether a server may normalize the path to another one than rules are matched against."""
    text = path.lower().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/")
    segments = text.replace("\\", "/").split("/")
    return any(segment.partition(";")[0] in (".", "..") for segment in segments)


def _repository(segments: list[str]) -> str | None:
    if segments[:1] != [_API]:
        return None
    rest = segments[1:]
    if rest in ([], [""], [_CATALOG]):
        return ""
    if rest[-3:-1] == ["blobs", "uploads"]:
        name = rest[:-3]
    elif rest[-2:-1] and rest[-2] in _ENDPOINTS:
        name = rest[:-2]
    else:
        return None
    return "/".join(name) if _is_name(name) else None


def _is_name(parts: list[str]) -> bool:
    return all(part.strip(".") and _NAME_CHARACTERS.issuperset(part) for part in parts or [""])


def _in_scope(query: str) -> str:
    """The repository in the scope of a token endpoint's query; ``""`` without such a scope."""
    for parameter in query.split("&"):
        name, _, value = parameter.replace("%3A", ":").replace("%2F", "/").partition("=")
        kind, _, rest = value.partition(":")
        repository = rest.partition(":")[0]
        if (name, kind) == ("scope", "repository") and _is_name(repository.split("/")):
            return repository
    return ""


def find(uri: str, wiring: Wiring, spent_s: float = 0.0) -> Headers:
    """Find the headers for a URI; empty if it needs no login. ``spent_s`` have passed already.

    Raises:
        CredentialError: no rule or cloud matches the URI, or every source is without a credential.
    """
    target = Target(uri)
    if wiring.settings.origin("deadline_s") is None:
        wiring.deadline = wiring.deadline.sooner(max(_DEADLINE_S - spent_s, _LEAST_S))
    if target.repository is None:
        return _of_artifact(target, wiring)
    return _of_registry(target, wiring)


# --- Anything but a registry ----------------------------------------------------------------------


def _of_artifact(target: Target, wiring: Wiring) -> Headers:
    resolution = wiring.resolve(target.server_url, artifacts=True)
    host = target.address
    if is_signed(resolution.own_route, target.path, target.query):
        return Headers()
    if resolution.rule is None:
        raise ProtocolError("bazel.no-rule", host=host)
    route = resolution.route
    if route is not None:
        route.uri = target.uri
    answer = wiring.ask(resolution)
    credential = _found(answer, resolution, wiring)
    if credential is None:
        failure = _first_failure(resolution, answer)
        if failure is None and resolution.needs_no_credential:
            return Headers()
        raise failure or Denied("bazel.no-credential", host=host)
    source = answer.trace[-1].source
    if credential.username == HEADERS:
        pairs = (line.split(": ", 1) for line in credential.secret.expose().split("\t"))
        return Headers(dict(pairs), credential.expires_at_s)
    if route is not None and source == route.cloud and route.takes_bearer:
        return _authorization(f"{_BEARER} {credential.secret.expose()}", credential.expires_at_s)
    return _login(target, credential, answer)


# --- A registry -----------------------------------------------------------------------------------


def _of_registry(target: Target, wiring: Wiring) -> Headers:
    resolution = wiring.resolve(target.server_url)
    route, rule = resolution.route, resolution.rule
    may_fail = resolution.anonymous or resolution.needs_no_credential
    answer = wiring.ask(resolution)
    credential = _found(answer, resolution, wiring)
    if credential is None:
        failure = _first_failure(resolution, answer)
        if failure is not None:
            if not (may_fail or wiring.settings.on_error == "anonymous"):
                raise failure
            wiring.warn(failure)
        elif not (route or rule or docker_hub.is_hub(target.host)):
            raise ProtocolError("bazel.unknown-host", host=target.address)
        elif route is not None and route.private:
            raise _no_login_error(target, answer)
    if target.wants_login:
        return _login(target, credential, answer)
    own_hosts: tuple[str, ...] | None = None
    if credential is not None and route is not None and answer.trace[-1].source == route.cloud:
        if route.asks_basic:
            return _authorization(credential.basic, credential.expires_at_s)
        own_hosts = (target.address, route.host, route.auth_host)
    registry_token = RegistryToken(
        target, credential, own_hosts, may_push=bool(rule and rule.may_push)
    )
    request = TokenRequest(
        Route(registry_token.name, target.address), environ=wiring.environ, deadline=wiring.deadline
    )
    if may_fail:
        request = request.but(deadline=request.deadline.sooner(ANONYMOUS_DEADLINE_S))
    provider = wiring.guarded(registry_token)
    host = target.server_url.raw
    try:
        found = provider.get(request, provider.identify(request))
    except ProviderError as failure:
        if may_fail:
            wiring.warn(failure.within("bazel.anonymous", host=host))
            return Headers()
        if credential is None and isinstance(failure, Denied):
            raise Denied("bazel.not-anonymous", host=host, reason=failure.reason) from None
        raise failure.within("bazel.no-token", host=host) from None
    if found.username == _BEARER:
        return _authorization(f"{_BEARER} {found.secret.expose()}", found.expires_at_s)
    if found.username == _OPEN:
        return Headers()
    if credential is None and not may_fail:
        raise Denied("bazel.no-credential", host=host)
    return _login(target, credential, answer)


def _login(target: Target, credential: Credential | None, answer: Answer) -> Headers:
    """The header with user name and secret; empty for an anonymous request."""
    if credential is None:
        return Headers()
    if credential.username == IDENTITY_TOKEN:
        source = answer.trace[-1].source
        raise Denied("bazel.identity-token", host=target.address, source=source)
    return _authorization(credential.basic, credential.expires_at_s)


def _found(answer: Answer, resolution: Resolution, wiring: Wiring) -> Credential | None:
    credential = answer.credential
    if credential is None or not (credential.username or credential.secret.expose()):
        return None
    for source, failure in answer.failures:
        wiring.warn(in_context(resolution.server_url, source, failure))
    return credential


def _first_failure(resolution: Resolution, answer: Answer) -> ProviderError | None:
    """The failure of the first configured source that failed, with the host in its message."""
    found = (in_context(resolution.server_url, *failure) for failure in answer.failures)
    return next(found, None)


def _no_login_error(target: Target, answer: Answer) -> Denied:
    host = target.address
    absent = next((one.outcome for one in answer.trace if isinstance(one.outcome, NotFound)), None)
    if absent is None:
        return Denied("bazel.no-credential", host=host)
    words = {"host": host, "source": answer.trace[0].source}
    return Denied.of(absent).within("provider.no-credential", **words)


class RegistryToken(Record):
    """A registry's challenge and token in the form of a provider, so that the cache keeps both.

    The user name of its credential is the scheme of the challenge, and the secret is the token.
    """

    name = "registry"

    target: Target
    credential: Credential | None
    own_hosts: tuple[str, ...] | None
    may_push: bool

    @property
    def _scope(self) -> str:
        actions = "pull,push" if self.may_push else "pull"
        return f"repository:{self.target.repository}:{actions}" if self.target.repository else ""

    def identify(self, _request: TokenRequest) -> Identity:
        """The identity of the token: a digest of the credential that it is issued for."""
        whose = ["anonymous"]
        if self.credential is not None:
            whose = ["login", self.credential.username, self.credential.secret.expose()]
            whose += self.own_hosts or ()
        scope = f"{self._scope or 'no repository'} at {self.target.address}"
        return Identity(whose[0], cache_key=digest(whose), scope=scope)

    def get(self, request: TokenRequest, _identity: Identity) -> Credential:
        """Get the registry's challenge and, if that asks for one, a token.

        Raises:
            ProviderError: the registry does not answer, or issues no token.
        """
        from time import time

        from cred_helper.registry import Registry

        registry = Registry(
            self.target.address,
            own_hosts=self.own_hosts,
            step_s=lambda: request.deadline.step_s(request.deadline.remaining_s()),
        )
        try:
            challenge = registry.challenge(self.target.repository or "")
            if challenge is None or not challenge.is_bearer:
                kind = _OPEN if challenge is None else _BASIC
                return Credential(kind, Secret("-"), expires_at=time() + _CHALLENGE_CACHED_FOR_S)
            token = registry.token(challenge, self.credential, self._scope)
        except Exception as error:  # noqa: BLE001 - the registry knows its requests' exceptions
            raise registry.failure(error) from None
        return Credential(
            _BEARER, Secret(token.text), expires_at=token.expires_at_s, source=self.target.address
        )
