"""The challenges of real registries, and the requests to token endpoints that follow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from cred_helper.credential import IDENTITY_TOKEN, Credential, Secret
from cred_helper.errors import Denied
from cred_helper.headers import RegistryToken, Target
from cred_helper.hosts import Route
from cred_helper.providers.common.interface import Deadline, TokenRequest
from tests.clouds.server import LoopbackServer, Received, Reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.clouds.proxy import TerminatingProxy

# Host, challenges of /v2/, the token endpoint, the service that it is asked for, its reply.
_BEARER = (
    ("gcr.io", ['Bearer realm="https://gcr.io/v2/token",service="gcr.io"'],
     "https://gcr.io/v2/token", "gcr.io", {"token": "T", "expires_in": 3600, "issued_at": "x"}),
    ("europe-docker.pkg.dev",
     ['Bearer realm="https://europe-docker.pkg.dev/v2/token",service="europe-docker.pkg.dev"'],
     "https://europe-docker.pkg.dev/v2/token", "europe-docker.pkg.dev", {"token": "T"}),
    ("myreg.azurecr.io",
     ['Bearer realm="https://myreg.azurecr.io/oauth2/token",service="myreg.azurecr.io"'],
     "https://myreg.azurecr.io/oauth2/token", "myreg.azurecr.io", {"access_token": "T"}),
    ("index.docker.io", ['Bearer realm="https://auth.docker.io/token",service="registry.docker.io"'],
     "https://auth.docker.io/token", "registry.docker.io",
     {"token": "T", "access_token": "T", "expires_in": 300}),
    ("ghcr.io",
     ['Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:user/image:pull"'],
     "https://ghcr.io/token", "ghcr.io", {"token": "T"}),
    ("public.ecr.aws",
     ['Bearer realm="https://public.ecr.aws/token/",service="public.ecr.aws",scope="aws"'],
     "https://public.ecr.aws/token/", "public.ecr.aws", {"token": "T"}),
    ("quay.io", ['Bearer realm="https://quay.io/v2/auth",service="quay.io"'],
     "https://quay.io/v2/auth", "quay.io", {"token": "T"}),
    ("registry.gitlab.com",
     ['Bearer realm="https://gitlab.com/jwt/auth",service="container_registry"'],
     "https://gitlab.com/jwt/auth", "container_registry", {"token": "T"}),
    # Without a service, with a query in the realm, bare parameters, in other cases, with a Basic
    # challenge before it.
    ("nvcr.io", ['Bearer realm="https://nvcr.io/proxy_auth"'],
     "https://nvcr.io/proxy_auth", "", {"token": "T"}),
    ("x.jfrog.io:8443",
     ['bearer Realm="https://x.jfrog.io:8443/v2/token?a=b" , Service=x.jfrog.io'],
     "https://x.jfrog.io:8443/v2/token", "x.jfrog.io", {"token": "T", "expires_in": 3600.5}),
    ("harbor.example.com", ['Basic realm="harbor"',
     'Bearer realm="https://harbor.example.com/service/token",service="harbor-registry"'],
     "https://harbor.example.com/service/token", "harbor-registry", {"token": "T"}),
    ("both.example.com", ['Basic realm="a, b", Bearer realm="https://both.example.com/token"'],
     "https://both.example.com/token", "", {"token": "T"}),
)  # fmt: skip
_BASIC: tuple[tuple[str, list[str]], ...] = (
    ("nexus.example.com", ['BASIC realm="Sonatype Nexus Repository Manager"']),
    ("123456789012.dkr.ecr.us-east-1.amazonaws.com",
     ['Basic realm="https://123456789012.dkr.ecr.us-east-1.amazonaws.com/",service="ecr.amazonaws.com"']),
    ("plain.example.com", []),
)  # fmt: skip


@pytest.fixture
def server(proxy: TerminatingProxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    """A server for the registry and its token endpoint, which this process reaches."""
    for name, text in proxy.environment().items():
        monkeypatch.setenv(name, text)
    with LoopbackServer() as running:
        yield running


def granted(host: str, login: Credential | None, *, is_clouds: bool) -> Credential:
    """The token that the registry of a host gives for a login."""
    target = Target(f"https://{host}/v2/team/app/manifests/1")
    own_hosts = (target.address, "auth.docker.io") if is_clouds else None
    grant = RegistryToken(target, login, own_hosts, may_push=False)
    deadline = Deadline(20, time.monotonic)
    request = TokenRequest(Route(grant.name, host), environ={}, deadline=deadline)
    return grant.get(request, grant.identify(request))


@pytest.mark.parametrize("case", _BEARER)
def test_the_token_endpoint_of_a_challenge_is_asked_for_the_repository(
    server: LoopbackServer, proxy: TerminatingProxy, case: Any
) -> None:
    host, challenges, endpoint, service, reply = case

    def challenged(_: Received) -> Reply:
        return Reply(401, {"WWW-Authenticate": "\r\nWWW-Authenticate: ".join(challenges)})

    def exchanged(request: Received) -> Reply:
        asked = request.form if request.method == "POST" else request.query
        assert asked.get("service", "") == service
        assert asked["scope"] == "repository:team/app:pull"
        seen.append((request.method, request.basic, asked.get("refresh_token")))
        return json_reply(reply)

    seen: list[tuple[str, tuple[str, str] | None, str | None]] = []
    where, _, path = endpoint.removeprefix("https://").partition("/")
    for name in {Target(f"https://{host}/v2/").address, where}:
        proxy.route(name, server)
    server.on("GET", "/v2/", challenged)
    server.on("*", f"/{path}", exchanged)
    login = Credential("robot", Secret("s3cret"))
    is_own = where in (Target(f"https://{host}/v2/").address, "auth.docker.io")
    for one in (login, Credential(IDENTITY_TOKEN, Secret("refresh")), None):
        found = granted(host, one, is_clouds=is_own)
        assert (found.username, found.secret.expose()) == ("Bearer", "T")
        life_s = (found.expires_at_s or 0) - time.time()
        assert abs(life_s - float(reply.get("expires_in", 60))) < 10
    assert seen == [
        ("GET", ("robot", "s3cret"), None),
        ("POST", None, "refresh"),
        ("GET", None, None),
    ]


@pytest.mark.parametrize(("host", "challenges"), _BASIC)
def test_a_registry_without_a_token_endpoint_is_sent_nothing(
    server: LoopbackServer, proxy: TerminatingProxy, host: str, challenges: list[str]
) -> None:
    proxy.route(host, server)
    lines = "\r\nWWW-Authenticate: ".join(challenges)
    server.on("GET", "/v2/", lambda _: Reply(401, {"WWW-Authenticate": lines} if lines else {}))
    found = granted(host, Credential("robot", Secret("s3cret")), is_clouds=False)
    assert (found.username, found.secret.expose()) == ("Basic", "-")
    assert [request.headers.get("authorization") for request in server.received] == [None]


_HOST = "registry.example.com"
_REALM = f"https://{_HOST}/token"


_REFUSED = {
    "login.endpoint-without-tls": (
        f"http://{_HOST}/token", f"https://{_HOST}@elsewhere.example/token", "file:///etc/passwd",
        "//elsewhere.example/token", "https://[::1/token", "",
    ),
    "login.endpoint-on-this-machine": (
        "https://127.0.0.1:1/token", "https://localhost/token", "https://a.localhost./token",
        "https://127.1/token", "https://2130706433/token", "https://0/token",
        "https://[::ffff:127.0.0.1]/token", "https://169.254.169.254/token",
    ),
    "login.endpoint-elsewhere": (
        "https://elsewhere.example/token", f"https://{_HOST}:8443/token",
        f"https://{_HOST}.elsewhere.example/token",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("realm", "code"), [(realm, code) for code, realms in _REFUSED.items() for realm in realms]
)
def test_a_forbidden_token_endpoint_is_not_asked(
    server: LoopbackServer, proxy: TerminatingProxy, realm: str, code: str
) -> None:
    proxy.route(_HOST, server)
    challenge = {"WWW-Authenticate": f'Bearer realm="{realm}",service="x"'}
    server.on("GET", "/v2/", lambda _: Reply(401, challenge))
    with pytest.raises(Denied) as caught:
        granted(_HOST, Credential("robot", Secret("s3cret")), is_clouds=True)
    assert caught.value.code == code
    assert [request.path for request in server.received] == ["/v2/"]


def test_a_reply_without_a_token_is_an_error_that_quotes_nothing_of_it(
    server: LoopbackServer, proxy: TerminatingProxy
) -> None:
    marked = "s3cret-reply"
    elsewhere = {"Location": f"https://elsewhere.example/{marked}"}
    texts = (f"{marked}\r\nX-Header: b", f"{marked} {marked}", "ü", "", 7, [marked], None)
    no_token, refused = "login.endpoint-without-token", "login.refused-by-endpoint"
    answers = [
        (Reply(302, elsewhere), refused),
        (Reply(401, {}, marked.encode()), refused),
        (Reply(503), "login.http-status"),
        (Reply(200, {}, marked.encode()), no_token),
        (Reply(200, {}, b"[" * 100_000), no_token),
        (json_reply({"token": "x" * (2 << 20)}), no_token),
        *((json_reply({"token": text}), no_token) for text in texts),
    ]
    proxy.route(_HOST, server)
    challenge = {"WWW-Authenticate": f'Bearer realm="{_REALM}"'}
    server.on("GET", "/v2/", lambda _: Reply(401, challenge))
    server.on("GET", "/token", lambda _: replies.pop())
    for reply, code in answers:
        replies = [reply]
        with pytest.raises(Denied) as caught:
            granted(_HOST, Credential("robot", Secret("s3cret")), is_clouds=False)
        assert caught.value.code == code
        assert marked not in f"{caught.value.line} {caught.value.hint}"
