"""The loopback registry accepts only issued credentials; tests/clients has real clients."""

from __future__ import annotations

import base64
import http.client
import json
from contextlib import closing

from tests.clouds.image import digest_of
from tests.clouds.registry import Registry

_HOST, _OTHER_HOST = "myreg.azurecr.io", "us-docker.pkg.dev"
_BASIC, _WRONG = (
    f"Basic {base64.b64encode(creds).decode()}" for creds in (b"someone:issued", b"someone:guessed")
)


def accepts(username: str, secret: str, host: str) -> bool:
    return (username, secret) == ("someone", "issued") and host in (_HOST, _OTHER_HOST)


def ask(
    registry: Registry, path: str, authorization: str = "", host: str = _HOST, body: bytes = b""
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", registry.port, timeout=10)
    headers = {"Host": host} | ({"Authorization": authorization} if authorization else {})
    connection.request("POST" if body else "GET", path, body=body, headers=headers)
    with closing(connection), connection.getresponse() as response:
        return response.status, response.read()


def test_a_token_opens_what_it_was_issued_for_and_nothing_else() -> None:
    with Registry(accepts, auth="token", public=["public/app"]) as registry:
        for repository in ("team/app", "team/other", "public/app"):
            registry.seed_image(repository)
        asking = f"/token?service={_HOST}&scope=repository:team/app:pull"
        assert ask(registry, asking, _WRONG)[0] == 401
        _, reply = ask(registry, asking, _BASIC)
        bearer = f"Bearer {json.loads(reply)['access_token']}"
        app, other = "/v2/team/app/manifests/latest", "/v2/team/other/manifests/latest"
        assert ask(registry, app, bearer)[0] == 200
        assert ask(registry, other, bearer)[0] == 401
        assert ask(registry, app, bearer, host=_OTHER_HOST)[0] == 401
        assert ask(registry, app, _BASIC)[0] == 401
        assert ask(registry, app)[0] == 401
        _, anonymous = ask(registry, f"{asking}&scope=repository:public/app:pull")
        bearer = f"Bearer {json.loads(anonymous)['access_token']}"
        assert ask(registry, "/v2/public/app/manifests/latest", bearer)[0] == 200
        assert ask(registry, app, bearer)[0] == 401


def test_a_blob_that_is_not_what_its_digest_says_is_refused() -> None:
    with Registry(accepts) as registry:
        upload = f"/v2/team/app/blobs/uploads/?digest={digest_of(b'this')}"
        status, reply = ask(registry, upload, _BASIC, body=b"that")
        assert (status, json.loads(reply)["errors"][0]["code"]) == (400, "DIGEST_INVALID")
        assert ask(registry, "/v2/team/app/manifests/1", _WRONG)[0] == 401
