"""The loopback registry, and Debian's in its stead, used by docker and skopeo themselves."""

from __future__ import annotations

import base64
import http.client
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.clients.clients import docker_is_todays
from tests.clouds import debian_registry
from tests.clouds.authority import Authority
from tests.clouds.debian_registry import DebianRegistry, TokenIssuer
from tests.clouds.image import Image, digest_of, tiny_image
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.clouds.tokens import IDENTITY_TOKEN, Login

SKOPEO = shutil.which("skopeo") or ""
DOCKER = shutil.which("docker") or ""

needs_skopeo = pytest.mark.skipif(not SKOPEO, reason="skopeo is not installed")
needs_docker = pytest.mark.skipif(not DOCKER, reason="the docker CLI is not installed")
needs_debian = pytest.mark.skipif(
    not debian_registry.BINARY, reason="Debian's docker-registry is not installed"
)

ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
GOOGLE = "us-docker.pkg.dev"
AZURE = "myreg.azurecr.io"
HOSTS = (ECR, GOOGLE, AZURE)

USERNAME = "someone"
SECRET = "what a loopback cloud issued"
CREDS = f"{USERNAME}:{SECRET}"
WRONG_CREDS = f"{USERNAME}:a made-up password"


def accepts(username: str, secret: str, host: str) -> bool:
    return username in (USERNAME, IDENTITY_TOKEN) and secret == SECRET and host in HOSTS


class Client:
    """Runs docker or skopeo where nothing can be reached but through the proxy."""

    def __init__(self, proxy: TerminatingProxy, home: Path) -> None:
        self._home = home
        self._environment = {
            "PATH": os.defpath,
            "HOME": str(home),
            "DOCKER_CONFIG": str(home),
            **proxy.environment(),
        }

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            # docker asks the machine's resolver for the registry's name before it asks the proxy.
            timeout=60,
            check=False,
        )

    def succeed(self, *command: str) -> str:
        done = self.run(*command)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def log_in(self, host: str, **entry: str) -> None:
        """Write the entry that `docker login` would have left in config.json."""
        (self._home / "config.json").write_text(json.dumps({"auths": {host: entry}}))

    def push(self, image: Image, name: str) -> None:
        written = image.write(self._home / "image")
        copy = (SKOPEO, "copy", "--insecure-policy", "--dest-creds", CREDS)
        self.succeed(*copy, f"dir:{written}", f"docker://{name}")

    def manifest(self, name: str) -> object:
        return json.loads(self.succeed(DOCKER, "manifest", "inspect", name))


@pytest.fixture
def client(proxy: TerminatingProxy, home: Path) -> Client:
    return Client(proxy, home)


@pytest.fixture(params=["basic", "token"])
def registry(request: pytest.FixtureRequest, proxy: TerminatingProxy) -> Iterator[Registry]:
    with Registry(accepts, auth=request.param, public=["public/app"]) as running:
        for host in HOSTS:
            proxy.route(host, running)
        yield running


def basic(creds: str) -> str:
    return base64.b64encode(creds.encode()).decode()


def test_a_token_opens_what_it_was_issued_for_and_nothing_else() -> None:
    with Registry(accepts, auth="token") as registry:
        registry.seed_image("team/app")
        registry.seed_image("team/other")

        def status(path: str, host: str = AZURE, **headers: str) -> tuple[int, bytes]:
            connection = http.client.HTTPConnection("127.0.0.1", registry.port, timeout=10)
            connection.request("GET", path, headers={"Host": host, **headers})
            with closing(connection), connection.getresponse() as response:
                return response.status, response.read()

        asking = f"/token?service={AZURE}&scope=repository:team/app:pull"
        _, reply = status(asking, Authorization=f"Basic {basic(CREDS)}")
        bearer = f"Bearer {json.loads(reply)['access_token']}"
        app, other = "/v2/team/app/manifests/latest", "/v2/team/other/manifests/latest"
        assert status(app, Authorization=bearer)[0] == 200
        assert status(other, Authorization=bearer)[0] == 401
        assert status(app, host=GOOGLE, Authorization=bearer)[0] == 401
        assert status(app, Authorization=f"Basic {basic(CREDS)}")[0] == 401
        assert status(app)[0] == 401


def test_a_blob_that_is_not_what_its_digest_says_is_refused() -> None:
    with Registry(accepts) as registry:
        connection = http.client.HTTPConnection("127.0.0.1", registry.port, timeout=10)
        headers = {"Host": ECR, "Authorization": f"Basic {basic(CREDS)}"}
        upload = f"/v2/team/app/blobs/uploads/?digest={digest_of(b'this')}"
        connection.request("POST", upload, body=b"that", headers=headers)
        with closing(connection), connection.getresponse() as response:
            assert response.status == 400
            assert json.loads(response.read())["errors"][0]["code"] == "DIGEST_INVALID"


@needs_skopeo
@pytest.mark.parametrize("host", HOSTS)
def test_skopeo_inspects_an_image_with_what_the_cloud_issued(
    client: Client, registry: Registry, host: str
) -> None:
    image = registry.seed_image("team/app", "1")
    inspected = client.succeed(SKOPEO, "inspect", "--creds", CREDS, f"docker://{host}/team/app:1")
    assert json.loads(inspected)["Digest"] == image.digest
    assert registry.logins == [Login(host, USERNAME, "basic", accepted=True)]


@needs_skopeo
def test_skopeo_is_turned_away_with_anything_else(client: Client, registry: Registry) -> None:
    registry.seed_image("team/app", "1")
    turned_away = client.run(
        SKOPEO, "inspect", "--creds", WRONG_CREDS, f"docker://{ECR}/team/app:1"
    )
    assert turned_away.returncode == 1
    assert "unauthorized" in turned_away.stderr
    assert registry.logins == [Login(ECR, USERNAME, "basic", accepted=False)]


@needs_skopeo
def test_an_anonymous_client_may_pull_public_images_only(
    client: Client, registry: Registry
) -> None:
    for repository in ("public/app", "team/app"):
        registry.seed_image(repository)
    client.succeed(SKOPEO, "inspect", f"docker://{GOOGLE}/public/app")
    assert client.run(SKOPEO, "inspect", f"docker://{GOOGLE}/team/app").returncode == 1
    assert registry.logins == []


@needs_skopeo
def test_what_skopeo_pushed_to_one_host_it_pulls_from_another(
    client: Client, registry: Registry, tmp_path: Path
) -> None:
    image = tiny_image("pushed\n")
    client.push(image, f"{AZURE}/team/new:2")
    assert registry.tags("team/new") == ["2"]
    copy = (SKOPEO, "copy", "--insecure-policy", "--src-creds", CREDS)
    client.succeed(*copy, f"docker://{ECR}/team/new:2", f"dir:{tmp_path}/pulled")
    assert (
        json.loads((tmp_path / "pulled" / "manifest.json").read_text())["layers"]
        == (json.loads(image.manifest)["layers"])
    )


@needs_docker
@pytest.mark.parametrize("host", HOSTS)
def test_docker_inspects_a_manifest_with_what_config_json_holds(
    client: Client, registry: Registry, host: str
) -> None:
    image = registry.seed_image("team/app", "1")
    client.log_in(host, auth=basic(CREDS))
    assert client.manifest(f"{host}/team/app:1") == json.loads(image.manifest)
    assert registry.logins == [Login(host, USERNAME, "basic", accepted=True)]


@needs_docker
def test_docker_is_turned_away_with_anything_else(client: Client, registry: Registry) -> None:
    registry.seed_image("team/app", "1")
    client.log_in(ECR, auth=basic(WRONG_CREDS))
    turned_away = client.run(DOCKER, "manifest", "inspect", f"{ECR}/team/app:1")
    assert turned_away.returncode == 1
    assert registry.logins == [Login(ECR, USERNAME, "basic", accepted=False)]


@needs_docker
def test_docker_posts_an_identity_token_as_a_refresh_token(
    client: Client, proxy: TerminatingProxy
) -> None:
    with Registry(accepts, auth="token", token_path="/oauth2/token") as registry:
        proxy.route("*.azurecr.io", registry)
        image = registry.seed_image("team/app", "1")
        client.log_in(AZURE, auth=basic("00000000:"), identitytoken=SECRET)
        assert client.manifest(f"{AZURE}/team/app:1") == json.loads(image.manifest)
        assert registry.logins == [Login(AZURE, IDENTITY_TOKEN, "refresh_token", accepted=True)]
        [asked] = registry.received_at("/oauth2/token")
        actions = "pull" if docker_is_todays() else "push,pull"
        assert (asked.method, asked.form["scope"]) == ("POST", f"repository:team/app:{actions}")


@needs_debian
@needs_skopeo
@needs_docker
def test_debians_registry_knows_the_users_of_its_htpasswd(
    client: Client, proxy: TerminatingProxy, tmp_path: Path
) -> None:
    with DebianRegistry.with_htpasswd(tmp_path, {USERNAME: SECRET}) as registry:
        proxy.tunnel(ECR, registry.port)
        client.push(tiny_image(), f"{ECR}/team/app:1")
        client.log_in(ECR, auth=basic(CREDS))
        assert client.manifest(f"{ECR}/team/app:1")
        client.log_in(ECR, auth=basic(WRONG_CREDS))
        assert client.run(DOCKER, "manifest", "inspect", f"{ECR}/team/app:1").returncode == 1


@needs_debian
@needs_skopeo
@needs_docker
def test_debians_registry_believes_the_tokens_that_our_issuer_signed(
    client: Client, authority: Authority, proxy: TerminatingProxy, tmp_path: Path
) -> None:
    with (
        TokenIssuer(authority, accepts) as issuer,
        DebianRegistry.with_tokens(tmp_path, issuer, AZURE) as registry,
    ):
        proxy.route(issuer.realm_host, issuer)
        proxy.tunnel(AZURE, registry.port)
        client.push(tiny_image(), f"{AZURE}/team/app:1")
        client.log_in(AZURE, auth=basic("00000000:"), identitytoken=SECRET)
        assert client.manifest(f"{AZURE}/team/app:1")
        client.log_in(AZURE, auth=basic(WRONG_CREDS))
        assert client.run(DOCKER, "manifest", "inspect", f"{AZURE}/team/app:1").returncode == 1
    assert issuer.logins == [
        Login(AZURE, USERNAME, "basic", accepted=True),
        Login(AZURE, IDENTITY_TOKEN, "refresh_token", accepted=True),
        Login(AZURE, USERNAME, "basic", accepted=False),
    ]
