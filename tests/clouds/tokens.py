"""The check of logins at a loopback registry, and the endpoint that gives access tokens.

Source: https://distribution.github.io/distribution/spec/auth/token/ (GET with Basic)
Source: https://distribution.github.io/distribution/spec/auth/oauth/ (POST with a grant)
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs

from tests.clouds.server import Received, Reply, json_reply

# Clients reuse an access token until it expires; docker treats less than 60 s as 60 s.
LIFETIME_S = 300

# A refresh token has no user name; helpers answer it with this one.
IDENTITY_TOKEN = "<token>"

Accepts = Callable[[str, str, str], bool]
"""`accepts(username, secret, host)`: whether a cloud issued this secret for that registry."""


@dataclass(frozen=True)
class Login:
    """One attempt to log in. `grant` is `basic`, `password` or `refresh_token`."""

    host: str
    username: str
    grant: str
    accepted: bool


class Doorkeeper:
    """Asks the clouds whether they issued a secret, and records each distinct login."""

    def __init__(self, accepts: Accepts) -> None:
        self._accepts = accepts
        self.logins: list[Login] = []

    def admits(self, host: str, username: str, secret: str, grant: str = "basic") -> bool:
        accepted = self._accepts(username, secret, host)
        login = Login(host, username, grant, accepted)
        if login not in self.logins:
            self.logins.append(login)
        return accepted


@dataclass(frozen=True, order=True)
class Scope:
    """Permission for one action on one resource, as in `repository:team/app:pull`."""

    type: str
    name: str
    action: str


@dataclass(frozen=True)
class Access:
    host: str
    username: str
    scopes: frozenset[Scope]


class TokenEndpoint:
    """A handler that exchanges what the doorkeeper admits for tokens made by `mint`.

    An admitted user gets every scope asked for; anonymous, only pulls from `public` repositories.
    """

    def __init__(
        self, doorkeeper: Doorkeeper, mint: Callable[[Access], str], public: Collection[str] = ()
    ) -> None:
        self._doorkeeper = doorkeeper
        self._mint = mint
        self._public = public

    def __call__(self, request: Received) -> Reply:
        return self._by_grant(request) if request.method == "POST" else self._by_basic(request)

    def _by_basic(self, request: Received) -> Reply:
        query = parse_qs(request.target.partition("?")[2])
        host = request.query["service"]
        scopes = parse_scopes(query.get("scope", []))
        if request.basic is None:
            scopes = {scope for scope in scopes if self._is_public(scope)}
            return self._issue(Access(host, "", frozenset(scopes)))
        username, secret = request.basic
        if not self._doorkeeper.admits(host, username, secret):
            return _denied("unknown user name or password")
        return self._issue(Access(host, username, frozenset(scopes)))

    def _by_grant(self, request: Received) -> Reply:
        form = request.form
        grant, host = form["grant_type"], form["service"]
        assert form["client_id"], "the specification demands a client_id"
        if grant == "refresh_token":
            username, secret = IDENTITY_TOKEN, form["refresh_token"]
        else:
            assert grant == "password"
            username, secret = form["username"], form["password"]
        if not self._doorkeeper.admits(host, username, secret, grant):
            return _denied("invalid grant")
        return self._issue(Access(host, username, frozenset(parse_scopes([form.get("scope", "")]))))

    def _issue(self, access: Access) -> Reply:
        token = self._mint(access)
        # The names of Distribution and of OAuth: clients read one or the other.
        return json_reply({"token": token, "access_token": token, "expires_in": LIFETIME_S})

    def _is_public(self, scope: Scope) -> bool:
        return (scope.type, scope.action) == ("repository", "pull") and scope.name in self._public


def parse_scopes(texts: Iterable[str]) -> set[Scope]:
    """The scopes in these parameters; each may have several, separated by spaces."""
    scopes = set()
    for text in " ".join(texts).split():
        kind, _, rest = text.partition(":")
        name, _, actions = rest.rpartition(":")
        scopes |= {Scope(kind, name, action) for action in actions.split(",")}
    return scopes


def base64url(data: bytes) -> str:
    """The form of the parts of a JSON web token."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """The bytes of a part of a JSON web token."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _denied(message: str) -> Reply:
    errors = [{"code": "UNAUTHORIZED", "message": message, "detail": None}]
    return json_reply({"errors": errors}, 401)
