"""``bazel get``: the headers for a registry, and the hosts that never get a credential."""

from __future__ import annotations

import json
import re
import time
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from cred_helper import headers
from cred_helper.hosts import OPTIONAL_ZONES, ZONES, route
from cred_helper.server_url import ServerURL
from cred_helper.settings.settings import Settings
from cred_helper.wiring import Wiring
from tests.clients.hosted import Hosted, cloud
from tests.clouds import faults
from tests.clouds.authority import Authority
from tests.clouds.aws import AwsCloud
from tests.clouds.fixtures import authority, proxy
from tests.clouds.google import GoogleCloud
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.clouds.server import LoopbackServer, Received, Reply, json_reply
from tests.clouds.sigv4 import signer
from tests.soak.warm import loaded
from tests.stage import PASSWORD, PRIVATE_HOST, USERNAME
from tests.support.executable import COMMAND, ROOT, Completed, Executable
from tests.support.machine import Machine, person

__all__ = ["authority", "cloud", "person", "proxy"]

IS_FROZEN = COMMAND[-1] != "cred_helper"
# The answer where no header is needed.
NONE = b"{}\n"
IMAGE = f"https://{PRIVATE_HOST}/v2/team/app"
LOGIN = {"auths": {PRIVATE_HOST: {"username": USERNAME, "password": PASSWORD}}}


def is_login(*login: str) -> bool:
    return login == (USERNAME, PASSWORD, PRIVATE_HOST)


class Builder(Machine):
    """A machine without an identity, which reaches the loopback registries.

    ``private`` is a registry of no cloud, with a token endpoint.
    """

    def __init__(
        self, home: Path, proxy: TerminatingProxy, authority: Authority, private: Registry
    ) -> None:
        super().__init__(home, **proxy.environment())
        self.proxy, self.authority, self.private = proxy, authority, private

    def pulled(self, uri: str, header: str, method: str = "GET") -> int:
        return pulled(uri, header, self.proxy, self.authority, method)


@pytest.fixture
def private(proxy: TerminatingProxy) -> Iterator[Registry]:
    with Registry(is_login, auth="token", public=["open/app"]) as registry:
        registry.seed_image("team/app", "1")
        registry.seed_image("open/app", "1")
        proxy.route(PRIVATE_HOST, registry)
        yield registry


@pytest.fixture
def builder(
    home: Path, proxy: TerminatingProxy, authority: Authority, private: Registry
) -> Builder:
    return Builder(home, proxy, authority, private)


def authorization(done: Completed) -> str:
    """The one header of an answer."""
    assert (done.status, done.stderr) == (0, ""), done
    assert set(done.document) <= {"headers", "expires"}
    assert list(done.document["headers"]) == ["Authorization"]
    (value,) = done.document["headers"]["Authorization"]
    return str(value)


def pulled(
    uri: str, header: str, proxy: TerminatingProxy, authority: Authority, method: str = "GET"
) -> int:
    """The status of a request with this header, and no other credential."""
    session = requests.Session()
    session.trust_env = False
    found = session.request(
        method,
        uri,
        headers={"Authorization": header} if header else {},
        proxies={"https": proxy.url},
        verify=str(authority.ca_file),
        timeout=30,
    )
    return found.status_code


# --- Registries of the clouds ---------------------------------------------------------------------


def test_a_header_for_each_cloud_pulls_and_comes_from_the_cache_then(
    cloud: Hosted, home: Path, proxy: TerminatingProxy, authority: Authority
) -> None:
    machine = Machine(home, host=cloud.host, cloud=cloud.cloud)
    machine.environment |= {**proxy.environment(), **cloud.identity}
    uri = f"https://{cloud.host}/v2/team/app/manifests/1"
    first = machine.headers(uri)
    header = authorization(first)
    assert pulled(uri, header, proxy, authority) == 200
    is_basic = header.startswith("Basic ")
    found = route(ServerURL.parse(cloud.host), (*ZONES, *OPTIONAL_ZONES))
    assert found is not None
    # Any other registry is asked what it takes.
    assert found.asks_basic == (cloud.registry.received_at("/v2/")[:1] == [])
    asked = len(cloud.registry.received)
    # Of the same repository, and as a client of docker's protocol.
    blob = f"https://{cloud.host}:443/v2/team/app/blobs/sha256:{'0' * 64}?from=x"
    assert authorization(machine.headers(blob)) == header
    assert machine.get().credential[0] == cloud.username
    assert len(cloud.registry.received) == asked
    other = authorization(machine.headers(f"https://{cloud.host}/v2/team/b/tags/list"))
    assert (other == header) == is_basic
    assert cloud.cloud.exchanges == 1
    if not IS_FROZEN:
        expect_few_modules(machine, uri)


def expect_few_modules(machine: Machine, uri: str) -> None:
    """A cached answer loads what docker's protocol loads, and three modules of its own."""
    request = json.dumps({"uri": uri})
    modules = loaded(machine.environment, request, arguments=("bazel", "get"))
    own = {"headers", "docker_hub", "protocols.bazel"}
    known = loaded(machine.environment, machine.host) | {f"cred_helper.{name}" for name in own}
    assert modules - known <= {"binascii"}


def test_twenty_simultaneous_requests_ask_the_registry_once(builder: Builder) -> None:
    builder.config(**LOGIN)
    builder.private.delay_s = 0.3
    with ThreadPoolExecutor(20) as pool:
        done = list(pool.map(builder.headers, [f"{IMAGE}/manifests/{n}" for n in range(20)]))
    assert len({authorization(one) for one in done}) == 1
    assert [request.path for request in builder.private.received] == ["/v2/", "/token"]


def test_a_host_without_a_registry_gets_an_answer_only_from_a_rule(
    home: Path, proxy: TerminatingProxy, tmp_path: Path
) -> None:
    with GoogleCloud() as google:
        google.register(proxy)
        machine = Machine(home, host="us-maven.pkg.dev", cloud=google)
        machine.environment |= {**proxy.environment(), **google.identity(tmp_path)}
        uris = [
            # The downloader leaves out the port, the remote cache does not.
            "https://storage.googleapis.com/bucket/tool.tar.gz",
            "https://storage.googleapis.com:443/bucket/ac/0",
            "https://bucket.storage.googleapis.com/tool.tar.gz",
            "https://us-maven.pkg.dev/project/repository/a/b.jar",
            "https://remotebuildexecution.googleapis.com/google.bytestream.ByteStream/Read",
        ]
        for uri in uris:
            assert machine.headers(uri).codes == ["bazel.no-rule"]
        assert google.received == []
        machine.settings(
            '[[rule]]\nmatch = "**.googleapis.com"\nprovider = "gcr"\n'
            '[[rule]]\nmatch = "us-maven.pkg.dev/project"\nprovider = "gcr"\n'
            '[[rule]]\nmatch = "*.example.com"\nprovider = "gcr"\n'
        )
        _, token = machine.get().credential
        for uri in uris:
            assert authorization(machine.headers(uri)) == f"Bearer {token}"
        # docker's protocol knows registries only, and no rule makes another host Google's.
        assert machine.get("storage.googleapis.com").codes == ["settings.host-of-no-cloud"]
        assert machine.headers("https://a.example.com/x").codes == ["settings.host-of-no-cloud"]
        assert machine.headers("https://us-maven.pkg.dev/other/x").codes == ["bazel.no-rule"]
        assert google.exchanges == 1


# --- Registries of no cloud -----------------------------------------------------------------------


def test_a_login_is_exchanged_for_a_token_that_pulls_and_by_a_rule_pushes(builder: Builder) -> None:
    builder.config(**LOGIN)
    pull = authorization(builder.headers(f"{IMAGE}/manifests/1"))
    assert builder.pulled(f"{IMAGE}/manifests/1", pull) == 200
    upload = f"{IMAGE}/blobs/uploads/"
    assert builder.pulled(upload, authorization(builder.headers(upload)), "POST") == 401
    builder.settings(f'[[rule]]\nmatch = "{PRIVATE_HOST}/team"\npush = true\n')
    assert builder.pulled(upload, authorization(builder.headers(upload)), "POST") == 202
    assert {login.grant for login in builder.private.logins} == {"basic"}


def test_a_client_that_asks_the_token_endpoint_itself_gets_the_login(builder: Builder) -> None:
    builder.config(
        auths={
            **LOGIN["auths"],
            "https://index.docker.io/v1/": {"username": "hub", "password": PASSWORD},
            "quay.io/team": {"username": "team", "password": PASSWORD},
        }
    )
    # rules_oci has Bazel download the answer of the token endpoint.
    endpoint = f"https://{PRIVATE_HOST}/token?scope=repository:team/app:pull&service={PRIVATE_HOST}"
    login = authorization(builder.headers(endpoint))
    assert builder.pulled(endpoint, login) == 200
    # rules_img asks for the host of a registry, without a scheme.
    assert authorization(builder.headers(PRIVATE_HOST)) == login
    assert authorization(builder.headers(f"https://{PRIVATE_HOST}/")) == login
    hub = authorization(builder.headers("index.docker.io"))
    of_hub = (
        "https://auth.docker.io/token?scope=repository:library/a:pull&service=registry.docker.io"
    )
    assert authorization(builder.headers(of_hub)) == hub
    team = "https://quay.io/v2/auth?service=quay.io&scope=repository%3Ateam%2Fapp%3Apull"
    assert b64decode(authorization(builder.headers(team)).partition(" ")[2]).startswith(b"team:")
    assert len(builder.private.received) == 1


def test_a_helper_of_a_rule_is_asked_for_the_host_too(builder: Builder) -> None:
    answer = f'{{"ServerURL":"x","Username":"{USERNAME}","Secret":"{PASSWORD}"}}'
    known = f"read url; [ \"$url\" = {PRIVATE_HOST} ] && echo '{answer}' && exit; "
    builder.helper("vault", f"{known} echo credentials not found in native keychain; exit 1")
    builder.settings(f'[[rule]]\nmatch = "{PRIVATE_HOST}"\nhelper = "vault"\npush = true\n')
    assert authorization(builder.headers(f"{IMAGE}/manifests/1")).startswith("Bearer ")
    explained = builder.run("explain", "--json", f"{IMAGE}/manifests/1").document
    assert explained["server_url"] == f"{PRIVATE_HOST}/team/app"


def test_a_registry_that_asks_for_a_password_gets_it(builder: Builder) -> None:
    builder.config(**LOGIN)
    with Registry(is_login, public=["open/app"]) as registry:
        registry.seed_image("team/app", "1")
        builder.proxy.route(PRIVATE_HOST, registry)
        header = authorization(builder.headers(f"{IMAGE}/manifests/1"))
        assert builder.pulled(f"{IMAGE}/manifests/1", header) == 200
        asked = len(registry.received)
        assert authorization(builder.headers(f"{IMAGE}/blobs/sha256:0")) == header
        assert len(registry.received) == asked
        builder.settings(f'[[rule]]\nmatch = "{PRIVATE_HOST}"\npush = true\n')
        builder.config(auths={PRIVATE_HOST: {"identitytoken": builder.secret("an identity")}})
        assert builder.headers(f"{IMAGE}/tags/list").codes == ["bazel.identity-token"]
        builder.config()
        assert builder.headers(f"{IMAGE}/tags/list").codes == ["bazel.no-credential"]
    kept = b"".join(file.read_bytes() for file in builder.cache.iterdir())
    assert header.partition(" ")[2].encode() not in kept
    assert PASSWORD.encode() not in kept


def test_an_identity_token_is_exchanged_by_the_oauth_form(builder: Builder) -> None:
    secret = builder.secret("an identity token")
    builder.config(auths={PRIVATE_HOST: {"identitytoken": secret}})
    with Registry(lambda *_: True, auth="token") as registry:
        builder.proxy.route(PRIVATE_HOST, registry)
        assert authorization(builder.headers(f"{IMAGE}/manifests/1")).startswith("Bearer ")
        assert [login.grant for login in registry.logins] == ["refresh_token"]
    builder.settings(f'[[rule]]\nmatch = "{PRIVATE_HOST}"\npush = true\n')
    assert builder.headers(f"https://{PRIVATE_HOST}/x.jar").codes == ["bazel.identity-token"]


def test_without_a_login_a_registry_is_asked_only_by_a_rule(builder: Builder) -> None:
    uri = f"https://{PRIVATE_HOST}/v2/open/app/manifests/1"
    refused = builder.headers(uri)
    assert (refused.status, refused.stdout, refused.codes) == (1, b"", ["bazel.unknown-host"])
    assert builder.private.received == []
    builder.settings(f'[[rule]]\nmatch = "{PRIVATE_HOST}"\nanswer = "anonymous"\n')
    assert builder.pulled(uri, authorization(builder.headers(uri))) == 200
    builder.private.fail("/token", Reply(403))
    done = builder.headers(f"{IMAGE}/manifests/1")
    assert (done.status, done.stdout, done.codes) == (0, NONE, ["login.refused-by-endpoint"])
    builder.settings(f'[[rule]]\nmatch = "{PRIVATE_HOST}"\nprovider = "environment"\n')
    assert builder.headers(f"{IMAGE}/manifests/1").codes == ["bazel.not-anonymous"]
    builder.settings(f'[[rule]]\nmatch = "{PRIVATE_HOST}"\nanswer = "none"\n')
    refused = builder.headers(uri)
    assert (refused.status, refused.codes) == (1, ["settings.rule-refuses"])
    assert builder.headers(f"https://{PRIVATE_HOST}/x").status == 1
    builder.settings(f'[[rule]]\nmatch = "{PRIVATE_HOST}"\nanswer = "empty"\n')
    builder.private.fail("/token", Reply(500))
    for path in ("", "/", "/token?service=x&scope=repository:team/app:pull", "/x.jar"):
        assert builder.headers(f"https://{PRIVATE_HOST}{path}").stdout == NONE


def test_a_failure_at_an_anonymous_registry_still_has_an_answer(person: Machine) -> None:
    for host in ("public.ecr.aws", "mirror.gcr.io"):
        done = person.headers(f"https://{host}/v2/a/b/manifests/1")
        assert (done.status, done.stdout, done.codes) == (0, NONE, ["network.refused"])
    host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    done = person.headers(f"https://{host}/v2/a/manifests/1")
    assert (done.status, done.stdout, done.codes) == (1, b"", ["ecr.no-identity"])


def test_what_a_registry_redirects_to_needs_no_header(person: Machine) -> None:
    person.settings('[[rule]]\nmatch = "**.amazonaws.com"\nprovider = "ecr"\n')
    for uri in (
        "https://us-docker.pkg.dev/artifacts-downloads/namespaces/p/repositories/r/downloads/A-_b",
        "https://prod-starport-layer-bucket.s3.us-east-1.amazonaws.com/a?X-Amz-Signature=0",
        "https://storage.googleapis.com/a/b?X-Goog-Algorithm=x&X-Goog-Signature=0",
        "https://myregistry.westeurope.data.azurecr.io/0/a?se=2026&sig=a%2Bb%3D&sp=r",
    ):
        done = person.headers(uri)
        assert (done.status, done.stdout, done.stderr) == (0, NONE, "")


def test_a_registry_can_ask_for_a_login_at_a_repository_only(builder: Builder) -> None:
    builder.config(**LOGIN)
    builder.private.fail("/v2/", Reply(200))
    assert authorization(builder.headers(f"{IMAGE}/manifests/1")).startswith("Bearer ")
    builder.private.fail("/v2/open/app/tags/list", Reply(404))
    done = builder.headers(f"https://{PRIVATE_HOST}/v2/open/app/manifests/1")
    assert (done.status, done.stdout) == (0, NONE)


# --- Where a credential does not go ---------------------------------------------------------------


def challenge(parameters: str) -> Reply:
    """A registry's challenge with these parameters."""
    return Reply(401, {"WWW-Authenticate": f"Bearer {parameters}"})


def test_a_clouds_token_goes_to_the_clouds_own_token_endpoint(
    home: Path, proxy: TerminatingProxy, tmp_path: Path, private: Registry
) -> None:
    with GoogleCloud() as google, Registry(google.issued, auth="token") as registry:
        google.register(proxy)
        machine = Machine(home, host="us-docker.pkg.dev", cloud=google)
        machine.environment |= {**proxy.environment(), **google.identity(tmp_path)}
        proxy.route("us-docker.pkg.dev", registry)
        realm = f'realm="https://{PRIVATE_HOST}/token",service="{PRIVATE_HOST}"'
        registry.fail("/v2/", challenge(realm), times=1)
        assert machine.headers().codes == ["login.endpoint-elsewhere"]
        assert private.received == []
        # What a rule names as the registry behind a host may name the cloud's own endpoint, …
        machine.settings(f'[[rule]]\nmatch = "{PRIVATE_HOST}"\nalias = "us-docker.pkg.dev"\n')
        own = 'realm="https://US-docker.pkg.dev:443/token",service="us-docker.pkg.dev"'
        private.fail("/v2/", challenge(own), times=1)
        assert authorization(machine.headers(f"{IMAGE}/manifests/1")).startswith("Bearer ")
        assert private.logins == []
        # … and a login of the user's goes where its registry says, as docker sends it.
        machine.settings("")
        machine.config(auths={"x.example.com": {"username": USERNAME, "password": PASSWORD}})
        with LoopbackServer() as front:
            front.on("GET", "/v2/", lambda _: challenge(realm))
            proxy.route("x.example.com", front)
            uri = "https://x.example.com/v2/team/app/manifests/1"
            assert authorization(machine.headers(uri)).startswith("Bearer ")


def test_a_realm_that_hangs_or_answers_nonsense_is_an_error_in_time(builder: Builder) -> None:
    builder.config(**LOGIN)
    builder.private.fail("/token", Reply(200, {}, builder.secret("a reply").encode()))
    done = builder.headers(f"{IMAGE}/manifests/1")
    assert (done.status, done.stdout, done.codes) == (1, b"", ["login.endpoint-without-token"])
    for fault in (faults.never_answer, faults.drip(0.2)):
        builder.private.fail("/token", fault)
        began_s = time.monotonic()
        hung = builder.headers(f"{IMAGE}/manifests/1", DOCKER_CREDENTIAL_MULTI_DEADLINE_S="2")
        assert (hung.status, time.monotonic() - began_s < 8) == (1, True)
        assert PRIVATE_HOST in hung.stderr


# --- Until when an answer is good -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("expires_in", "life_s"), [(1700, 1700), (1900, None), (None, 60), ("600", 60), (-1, 60)]
)
def test_an_expiry_is_in_the_answer_only_within_half_an_hour(
    builder: Builder, expires_in: object, life_s: float | None
) -> None:
    builder.config(**LOGIN)
    builder.private.fail("/token", json_reply({"access_token": "abc", "expires_in": expires_in}))
    done = builder.headers(f"{IMAGE}/manifests/1")
    assert authorization(done) == "Bearer abc"
    if life_s is None:
        assert "expires" not in done.document
        return
    end = datetime.strptime(done.document["expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert abs(end - datetime.now(UTC) - timedelta(seconds=life_s)) < timedelta(seconds=20)


# --- Requests -------------------------------------------------------------------------------------


def test_an_error_is_on_standard_error_and_quotes_no_secret(builder: Builder) -> None:
    secret = builder.secret("a part of a URI")
    wrong = (
        (f"https://robot:{secret}@gcr.io/v2/a/manifests/1", "client.url-user-information"),
        (f"https://ghcr.io/v2/a/manifests/1?token={secret}", "bazel.unknown-host"),
        (f"https://gcr.io/{secret}.tar.gz?token={secret}", "bazel.no-rule"),
    )
    for uri, code in wrong:
        done = builder.headers(uri)
        assert (done.status, done.stdout, done.codes) == (1, b"", [code])
    # To docker's verb a request of Bazel's is an error, which names the command that was meant.
    done = builder.run("get", stdin=json.dumps({"uri": f"https://{secret}@gcr.io/v2/"}))
    assert (done.status, done.codes) == (1, ["client.other-protocol"])
    assert "docker-credential-multi bazel get" in done.stderr


def test_a_rule_for_a_path_does_not_match_a_path_that_servers_normalise(builder: Builder) -> None:
    builder.scripts.helper("own", 'echo \'{"Username":"u","Secret":"p"}\'')
    builder.settings('[[rule]]\nmatch = "files.example/team"\nhelper = "own"\n')
    assert authorization(builder.headers("https://files.example/team/a..b/.c")) == "Basic dTpw"
    for path in (
        *("../other", "%2e%2E/other", "a/./b", "a%2f..%2F..%2fother", "..\\other", "..%5cother"),
        *("..;x/other", ".."),
    ):
        assert builder.headers(f"https://files.example/team/{path}").codes == [
            "client.url-dot-segment"
        ]


def test_a_link_selects_the_protocol(builder: Builder) -> None:
    builder.config(**LOGIN)
    request = json.dumps({"uri": f"{IMAGE}/manifests/1"})
    asked = builder.run("bazel", "get", stdin=request).stdout
    for name in ("bazel-credential-multi", "Bazel-Credential-Multi.exe"):
        link = builder.scripts.link(name, builder.program)
        linked = Executable(builder.environment, [str(link)])
        assert linked.run("get", stdin=request).stdout == asked
        assert linked.run("get", "x", stdin=request).codes == ["client.arguments"]
        assert linked.run("list").codes == ["client.unknown-verb"]
        assert linked.run().codes == ["client.no-verb"]


def test_a_download_from_s3_is_signed_by_the_keys_of_the_identity(
    home: Path, proxy: TerminatingProxy, authority: Authority
) -> None:
    with AwsCloud() as aws, LoopbackServer() as s3:
        key = aws.session("arn:aws:sts::123456789012:assumed-role/builder/x")

        def served(request: Received) -> Reply:
            if "authorization" not in request.headers:
                return Reply(403)
            _, signature = signer(request, {key.id: key}, datetime.now(UTC))
            assert (signature.service, signature.region) == ("s3", "eu-west-1")
            assert request.headers["x-amz-security-token"] == key.token
            return Reply(200)

        s3.on("GET", "/*", served)
        hosts = ("bucket.s3.eu-west-1.amazonaws.com", "s3.dualstack.eu-west-1.amazonaws.com")
        for host in hosts:
            proxy.route(host, s3)
        machine = Machine(home, cloud=aws, **key.environment(), **aws.redirection())
        uri = f"https://{hosts[0]}/a%20b/tool-1.0.tar.gz?versionId=3%2F4"
        assert machine.headers(uri).codes == ["bazel.no-rule"]
        machine.settings('[[rule]]\nmatch = "**.amazonaws.com"\nprovider = "ecr"\n')
        for asked in (uri, f"https://{hosts[1]}/bucket/a/b"):
            done = machine.headers(asked)
            headers = {name: value for name, (value,) in done.document["headers"].items()}
            assert "expires" in done.document
            session = requests.Session()
            session.trust_env = False
            proxies, ca_file = {"https": proxy.url}, str(authority.ca_file)
            got = session.get(asked, headers=headers, proxies=proxies, verify=ca_file, timeout=30)
            assert got.status_code == 200
        # The keys are kept nowhere.
        assert not list(machine.cache.glob("*.token"))


def test_each_host_that_the_documentation_gives_to_the_helper_has_an_answer(tmp_path: Path) -> None:
    page = (ROOT / "packaging/docs/bazel.md").read_text("utf-8")
    named = r"^common --credential_helper=(\S+)=bazel-credential-multi$"
    hosts = re.findall(named, page, re.MULTILINE)
    rules = re.findall(r"^```toml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert len(hosts) >= 6
    settings = tmp_path / "config.toml"
    settings.write_text("\n".join(rules), "utf-8")
    environ = {"DOCKER_CREDENTIAL_MULTI_CONFIG": str(settings)}
    wiring = Wiring(Settings.load(environ), environ, time.monotonic)
    for host in hosts:
        name = host.replace("*", "123456789012" if "dkr" in host else "my-bucket")
        path = "my-bucket/x" if "s3" in host or "storage" in host else "v2/a/tags/list"
        target = headers.Target(f"https://{name}/{path}")
        found = wiring.resolve(target.server_url, artifacts=target.repository is None)
        assert found.checked().asks_cloud, host
