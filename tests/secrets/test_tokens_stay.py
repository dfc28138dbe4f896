"""A cloud's token goes to that cloud and to the registry that the token is for, by https only.

No redirect, challenge or DNS name sends it elsewhere, and no request has a secret of ``~/.netrc``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.clouds import aws, azure, google
from tests.clouds.server import LoopbackServer, Reply
from tests.fuzz.replies import REPLIES, Replies
from tests.secrets.hunt import Hunt, hunt
from tests.support.executable import NOT_FOUND

__all__ = ["hunt"]

_STOLEN = "/stolen"


@pytest.fixture
def thief() -> Iterator[LoopbackServer]:
    with LoopbackServer() as running:
        running.on("*", "*", lambda _: Reply(200, {"Metadata-Flavor": "Google"}, b"{}"))
        yield running


@pytest.mark.parametrize("step", REPLIES)
def test_nothing_follows_a_redirect_or_a_realm(step: str, thief: LoopbackServer) -> None:
    with closing(REPLIES[step]()) as target:
        _lead_astray(target, thief)
    assert thief.received == []


def _lead_astray(target: Replies, thief: LoopbackServer) -> None:
    places = (
        f"http://127.0.0.1:{thief.port}{_STOLEN}",
        f"//127.0.0.1:{thief.port}{_STOLEN}",
        f"https://elsewhere.example{_STOLEN}",
        f"http://elsewhere.example{_STOLEN}",
        f"HTTPS://user:pass@elsewhere.example{_STOLEN}",
        f"https://myreg.azurecr.io@elsewhere.example{_STOLEN}",
        _STOLEN,
        f".{_STOLEN}?x",
        "",
    )

    @given(
        status=st.sampled_from((300, 301, 302, 303, 307, 308, 401, 407, 200)),
        place=st.sampled_from(places),
        scheme=st.sampled_from(("Bearer", "Basic", "Negotiate")),
        field=st.sampled_from(("Location", "Content-Location", "Refresh", "Link", "X-Ms-Redirect")),
    )
    @settings(
        max_examples=20, derandomize=True, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def answer(status: int, place: str, scheme: str, field: str) -> None:
        challenge = f'{scheme} realm="{place}",service="x"'
        target.check(
            f"HTTP/1.1 {status} x\r\n{field}: {place}\r\nWWW-Authenticate: {challenge}\r\n"
            f"Metadata-Flavor: Google\r\nContent-Length: 2\r\n\r\n{{}}".encode()
        )
        assert not [request for request in target.requests if _STOLEN in request.path]

    answer()


def test_a_registrys_realm_elsewhere_is_named_and_not_asked(hunt: Hunt) -> None:
    environment = hunt.with_every_cloud()
    hosts = (aws.EXAMPLE_HOST, google.EXAMPLE_HOST, azure.EXAMPLE_HOST)
    challenge = {"WWW-Authenticate": 'Bearer realm="https://realm.example/token",service="x"'}
    with LoopbackServer() as registry:
        registry.on("GET", "/v2/", lambda _: Reply(401, challenge))
        hunt.clouds["acr"].exchange_at(registry)
        for host in hosts:
            hunt.proxy.route(host, registry)
        done = hunt.run("doctor", "--online", *hosts, environment=environment)
    assert done.stdout.decode().count("realm.example") == len(hosts)
    assert "realm.example" not in {request.host for request in hunt.elsewhere.received}
    assert not [request for request in registry.received if "authorization" in request.headers]


_STRANGERS = (
    # Other names that DNS, or here the proxy, leads to a cloud's registry.
    "registry.corp.example",
    "https://registry.corp.example/v2/",
    "mirror.example:443",
    # Names that look like a cloud's.
    f"{aws.EXAMPLE_HOST}.example",
    f"https://{azure.EXAMPLE_HOST}@evil.example/",
    f"evil.example/{google.EXAMPLE_HOST}",
    # A cloud's own, by http or at another port.
    f"http://{aws.EXAMPLE_HOST}",
    f"http://{google.EXAMPLE_HOST}/",
    f"HTTP://{azure.EXAMPLE_HOST}",
    f"{azure.EXAMPLE_HOST}:80",
)


_FEDERATED = (
    '{"type": "external_account", "audience": "x", "subject_token_type": "x", "token_url": "%s",'
    ' "credential_source": {%s}}'
)


@pytest.mark.parametrize("server_url", _STRANGERS)
def test_a_name_that_is_not_a_clouds_host_gets_no_token(server_url: str, hunt: Hunt) -> None:
    done = hunt.run("get", stdin=server_url, environment=hunt.with_every_cloud())
    assert (done.status, done.stdout, done.stderr) == (1, NOT_FOUND, "")
    assert not any(cloud.received for cloud in hunt.clouds.values())
    assert hunt.elsewhere.received == []
    assert hunt.proxy.refused == []


@pytest.mark.parametrize(
    ("registry", "variables", "file"),
    [
        (azure.EXAMPLE_HOST, {"AZURE_AUTHORITY_HOST": "http://authority.example"}, ""),
        (
            google.EXAMPLE_HOST,
            {"GOOGLE_APPLICATION_CREDENTIALS": "{file}"},
            _FEDERATED % ("http://token.example/", '"file": "{file}"'),
        ),
        (
            google.EXAMPLE_HOST,
            {"GOOGLE_APPLICATION_CREDENTIALS": "{file}"},
            _FEDERATED % ("https://token.example/", '"url": "http://subject.example/"'),
        ),
        (
            aws.EXAMPLE_HOST,
            {
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://keys.example/",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": "loopback",
            },
            "",
        ),
    ],
    ids=["authority", "token endpoint", "subject token", "container"],
)
def test_an_address_without_tls_is_refused_before_anything_is_sent(
    registry: str, variables: dict[str, str], file: str, hunt: Hunt
) -> None:
    path = hunt.machine.write("named.json", "")
    path.write_text(file.replace("{file}", str(path)))
    chosen = {name: value.replace("{file}", str(path)) for name, value in variables.items()}
    environment = hunt.with_every_cloud() | chosen
    if registry == aws.EXAMPLE_HOST:
        environment = {k: v for k, v in environment.items() if not k.startswith("AWS_ACCESS")}
    done = hunt.run("get", stdin=registry, environment=environment)
    assert done.status == 1
    assert "docker-credential-multi: error: " in done.stderr
    assert hunt.elsewhere.received == []
    assert hunt.proxy.refused == []


def test_no_request_carries_a_secret_of_netrc_or_of_another_cloud(hunt: Hunt) -> None:
    environment = hunt.with_every_cloud()
    for registry in (aws.EXAMPLE_HOST, google.EXAMPLE_HOST, azure.EXAMPLE_HOST):
        assert hunt.run("get", stdin=registry, environment=environment).status == 0
    hunt.check_requests()
    for name, cloud in hunt.clouds.items():
        others = {f"a secret of {other}" for other in hunt.clouds if other != name}
        for request in cloud.received:
            sent = f"{request.target} {dict(request.headers)}".encode() + request.body
            assert not hunt.marks.found_in(sent) & others, request.path
