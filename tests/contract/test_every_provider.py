"""What holds for every built-in provider, on its loopback cloud, from the outside.

``tests.clouds.loopback`` finds the clouds. A test of something that a cloud does not do is skipped
for that cloud.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cred_helper import clouds
from cred_helper.hosts import OPTIONAL_ZONES, route
from cred_helper.server_url import ServerURL
from tests.clients.hosted import Hosted, cloud
from tests.clouds.fixtures import authority, proxy
from tests.clouds.proxy import TerminatingProxy
from tests.soak.warm import loaded
from tests.support.executable import COMMAND, NOT_FOUND, Executable
from tests.support.identities import of_cloud

IS_FROZEN = COMMAND[-1] != "cred_helper"
__all__ = ["authority", "cloud", "proxy"]

pytestmark = pytest.mark.real_executable


@pytest.fixture
def known(executable: Executable, cloud: Hosted, proxy: TerminatingProxy) -> Executable:
    """The executable on a machine with an identity of this cloud."""
    environment = executable.environment | proxy.environment() | dict(cloud.identity)
    return Executable(environment)


def _needs(applies: bool, what: str) -> None:
    """Skip the test for a cloud that declares otherwise."""
    if not applies:
        pytest.skip(f"this cloud {what}")


def _row(cloud: Hosted) -> clouds.Cloud:
    """The row of a cloud."""
    server_url = ServerURL.parse(cloud.host)
    found = route(server_url) or route(server_url, OPTIONAL_ZONES)
    assert found is not None
    return clouds.find(found.cloud)


def test_a_get_is_answered_with_what_the_cloud_issued(known: Executable, cloud: Hosted) -> None:
    username, secret = known.get(cloud.host).credential
    assert username == cloud.username
    assert cloud.cloud.issued(username, secret, cloud.host)
    assert cloud.cloud.exchanges == _exchanges(cloud)


# What the SDKs import besides, and one token does not use.
NEEDLESS = {
    "asyncio.events",
    "azure.core.pipeline.policies._retry_async",
    "azure.identity._credentials.default",
    "botocore.docs.client",
    "charset_normalizer.api",
    "cryptography.x509.base",
    "dateutil.parser._parser",
    "google.auth.transport.requests",
    "http.cookiejar",
    "http.server",
    "importlib.metadata",
    "jmespath.parser",
    "msal_extensions.cache_lock",
    "requests.adapters",
}


def test_an_uncached_get_loads_a_part_of_the_sdk(known: Executable, cloud: Hosted) -> None:
    if IS_FROZEN:
        pytest.skip("the frozen file reports no imports")
    modules = loaded(known.environment, cloud.host)
    assert "cred_helper.providers.common.bounded_provider" in modules
    assert not modules & NEEDLESS


def _exchanges(cloud: Hosted) -> int:
    """How many requests for a token any number of answers take."""
    return 1 if cloud.cloud.asks_network else 0


def test_the_reply_names_the_server_url_as_it_was_sent(known: Executable, cloud: Hosted) -> None:
    for server_url in (f"https://{cloud.host}/v2/", cloud.host.upper(), f"{cloud.host}:443/team"):
        done = known.get(f"{server_url}\r\n")
        assert done.document["ServerURL"] == server_url
        assert done.document["Username"] == cloud.username
    assert not cloud.cloud.expires or cloud.cloud.exchanges == _exchanges(cloud)


def test_every_spelling_of_one_host_shares_one_token(known: Executable, cloud: Hosted) -> None:
    _needs(cloud.cloud.expires, "has credentials without an end, which are not cached")
    first = known.get(cloud.host).credential
    assert known.get(f"https://{cloud.host.upper()}/v2/").credential == first
    assert cloud.cloud.exchanges == _exchanges(cloud)


@pytest.mark.parametrize("form", ["http://{}", "{}.", "{}.evil.example", "evil.example/{}", "x@{}"])
def test_a_look_alike_never_reaches_the_cloud(known: Executable, cloud: Hosted, form: str) -> None:
    done = known.get(form.format(cloud.host))
    assert (done.status, done.stdout, done.stderr) == (1, NOT_FOUND, "")
    assert cloud.cloud.received == []
    assert cloud.registry.received == []


def test_nothing_is_asked_where_no_identity_is_configured(
    executable: Executable, cloud: Hosted, proxy: TerminatingProxy
) -> None:
    done = Executable(executable.environment | proxy.environment()).get(cloud.host)
    assert (done.status, done.stdout) == (1, NOT_FOUND)
    found = route(ServerURL.parse(cloud.host))
    assert len(done.codes) == (found is not None and found.private)
    assert cloud.cloud.received == []
    assert cloud.registry.received == []


def test_explain_names_the_identity_and_why_not_others(known: Executable, cloud: Hosted) -> None:
    document = known.run("explain", "--json", cloud.host).document
    assert document["host"] == cloud.host
    identity = document["identity"]
    assert identity["source"]
    assert identity["certain"]
    has_others = len(of_cloud(_row(cloud).name)) > 1 and not _row(cloud).only_with
    assert identity["skipped"] or not has_others
    assert all(other["source"] and other["reason"] for other in identity["skipped"])
    assert cloud.cloud.received == []
    assert cloud.registry.received == []


def test_a_login_with_a_token_keeps_nothing(known: Executable, cloud: Hosted, home: Path) -> None:
    _needs(not _row(cloud).only_with, "is there only with its options: the login is kept")
    login = {"ServerURL": cloud.host, "Username": cloud.username, "Secret": "piped-token"}
    done = known.run("store", stdin=json.dumps(login))
    assert (done.status, done.stdout) == (0, b"")
    assert done.codes == ["store.answered-otherwise"]
    assert "piped-token" not in done.stderr
    assert not any(b"piped-token" in p.read_bytes() for p in home.rglob("*") if p.is_file())
    assert known.run("erase", stdin=cloud.host).status == 0
    assert known.get(cloud.host).credential[1] != "piped-token"


def test_a_list_has_the_hosts_with_a_cached_token(known: Executable, cloud: Hosted) -> None:
    _needs(cloud.cloud.expires, "has credentials without an end, which are not cached")
    known.get(cloud.host)
    received = len(cloud.cloud.received)
    done = known.run("list", stdin="unused")
    assert (done.status, done.stderr) == (0, "")
    assert done.document == {cloud.host: cloud.username}
    assert len(cloud.cloud.received) == received
    # Without this identity, a get would not be answered by the cached token.
    other = Executable({k: v for k, v in known.environment.items() if k not in cloud.identity})
    assert other.run("list", stdin="unused").document == {}


def test_a_provider_that_is_switched_off_is_not_asked(known: Executable, cloud: Hosted) -> None:
    off = {"DOCKER_CREDENTIAL_MULTI_DISABLED_PROVIDERS": ",".join(clouds.NAMES)}
    done = known.get(cloud.host, off)
    assert (done.status, done.stdout, done.stderr) == (1, NOT_FOUND, "")
    assert cloud.cloud.received == []


@pytest.fixture
def at_real_names(executable: Executable, cloud: Hosted, proxy: TerminatingProxy) -> Executable:
    """The executable where the cloud is asked by the names it has, over TLS and by the proxy."""
    _needs(cloud.cloud.asks_network, "asks no network")
    here = cloud.cloud.url
    identity = {k: v for k, v in cloud.identity.items() if not v.startswith(here)}
    return Executable(executable.environment | proxy.environment() | identity)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "network.ca-file-empty"),
        (b"junk", "network.ca-file-empty"),
        (None, "network.ca-file-missing"),
    ],
)
def test_a_ca_bundle_that_cannot_be_used_is_named_with_its_variable(
    at_real_names: Executable, cloud: Hosted, tmp_path: Path, content: bytes | None, code: str
) -> None:
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_bytes(content)
    only = dict.fromkeys(("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), "")
    done = at_real_names.get(cloud.host, only | {"SSL_CERT_FILE": str(file)})
    assert (done.status, done.codes) == (1, [code])
    assert f"SSL_CERT_FILE names {file}" in done.stderr
    assert cloud.cloud.received == []


@pytest.mark.parametrize("proxy_url", ["socks5://user:hunter2@127.0.0.1:9", "::::", "ftp://x:1"])
def test_a_proxy_address_that_cannot_be_used_is_not_blamed_on_the_cloud(
    at_real_names: Executable, cloud: Hosted, proxy_url: str
) -> None:
    done = at_real_names.get(cloud.host, {"HTTPS_PROXY": proxy_url, "https_proxy": proxy_url})
    assert (done.status, done.codes) == (1, ["network.proxy-unusable"])
    assert "hunter2" not in done.stderr
