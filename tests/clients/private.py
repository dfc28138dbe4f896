"""A private registry with one user, in each way in which such registries authenticate."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.clients.clients import SKOPEO
from tests.clients.machine import client_machine
from tests.clouds.authority import Authority
from tests.clouds.debian_registry import DebianRegistry, TokenIssuer
from tests.clouds.image import tiny_image
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.clouds.server import Received, Reply, json_reply
from tests.clouds.tokens import IDENTITY_TOKEN, Login

HOST = "registry.example:5000"
IMAGE = f"{HOST}/team/app:1"
PUBLIC_IMAGE = f"{HOST}/public/app:1"

USERNAME = "someone"
PASSWORD = 'pässword: "what only they know"'
IDENTITY = "what stands for the password from then on"


def accepts(username: str, secret: str, _host: str) -> bool:
    """Let in the one user, by password or identity token."""
    return (username, secret) in ((USERNAME, PASSWORD), (IDENTITY_TOKEN, IDENTITY))


class IdentityTokenRegistry(Registry):
    """A registry that gives `docker login` an identity token to keep in the password's stead.

    Source: https://distribution.github.io/distribution/spec/auth/token/ (offline_token)
    """

    def __init__(self) -> None:
        super().__init__(accepts, auth="token")

    def handle(self, request: Received) -> Reply:
        reply = super().handle(request)
        if request.basic and request.query.get("offline_token") == "true" and reply.status == 200:
            return json_reply(json.loads(reply.body) | {"refresh_token": IDENTITY})
        return reply


class Private:
    """A running registry: the image that it holds, and who logged in as far as can be seen."""

    def __init__(self, logins: Callable[[], list[Login]] = list) -> None:
        self.image = tiny_image()
        self._logins = logins

    @property
    def logins(self) -> list[Login]:
        return self._logins()


@contextmanager
def ours(proxy: TerminatingProxy, registry: Registry) -> Iterator[Private]:
    with registry:
        proxy.route(HOST, registry)
        for repository in ("team/app", "public/app"):
            registry.seed_image(repository, "1")
        yield Private(lambda: registry.logins)


@contextmanager
def debian_with_htpasswd(proxy: TerminatingProxy, folder: Path) -> Iterator[Private]:
    """Debian's registry, which does not record logins."""
    with DebianRegistry.with_htpasswd(folder, {USERNAME: PASSWORD}) as registry:
        proxy.tunnel(HOST, registry.port)
        _push(proxy, folder)
        yield Private()


@contextmanager
def debian_with_tokens(
    proxy: TerminatingProxy, folder: Path, authority: Authority
) -> Iterator[Private]:
    """Debian's, which believes a token server of ours."""
    with (
        TokenIssuer(authority, accepts) as issuer,
        DebianRegistry.with_tokens(folder, issuer, HOST) as registry,
    ):
        proxy.route(issuer.realm_host, issuer)
        proxy.tunnel(HOST, registry.port)
        _push(proxy, folder)
        yield Private(lambda: issuer.logins)


def _push(proxy: TerminatingProxy, folder: Path) -> None:
    """Fill a registry that cannot be seeded, from a machine without any credential of ours."""
    home = folder / "pusher"
    home.mkdir()
    machine = client_machine(proxy, home)
    written = tiny_image().write(home / "image")
    copy = ("copy", "--insecure-policy", "--dest-creds", f"{USERNAME}:{PASSWORD}")
    machine.succeed(SKOPEO.program, *copy, f"dir:{written}", f"docker://{IMAGE}")
