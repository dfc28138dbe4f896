"""An OCI registry on loopback: pull, push and both kinds of authentication.

It has the same content for every host that is routed to it, and accepts only the credentials that
its `accepts` knows from the loopback clouds.

Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Collection
from dataclasses import replace
from typing import Literal

from tests.clouds.image import Image, digest_of, tiny_image
from tests.clouds.server import LoopbackServer, Received, Reply, json_reply
from tests.clouds.tokens import LIFETIME_S, Accepts, Access, Doorkeeper, Scope, TokenEndpoint

_RESOURCE = re.compile(r"/v2/(.+)/(manifests|blobs/uploads|blobs|tags)/(.*)")


class Refusal(Exception):
    def __init__(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.headers = headers

    def reply(self) -> Reply:
        message = self.code.lower().replace("_", " ")
        errors = [{"code": self.code, "message": message, "detail": None}]
        return json_reply({"errors": errors}, self.status, self.headers)


class Registry(LoopbackServer):
    """A registry that asks for Basic credentials (as ECR) or for a token (as Google and Azure).

    `token_path` is the path of its token endpoint, on the host that the client asked.
    Repositories in `public` may be pulled from without credentials.
    """

    def __init__(
        self,
        accepts: Accepts,
        *,
        auth: Literal["basic", "token"] = "basic",
        token_path: str = "/token",
        public: Collection[str] = (),
    ) -> None:
        super().__init__()
        self._doorkeeper = Doorkeeper(accepts)
        self.logins = self._doorkeeper.logins
        self._auth = auth
        self._token_path = token_path
        self._public = public
        self._issued: dict[str, tuple[Access, float]] = {}
        self._blobs: dict[str, bytes] = {}
        self._manifests: dict[str, tuple[str, bytes]] = {}
        self._tags: dict[tuple[str, str], str] = {}
        self._uploads: dict[str, bytes] = {}
        self.on("*", "/v2/*", self._api)
        if auth == "token":
            endpoint = TokenEndpoint(self._doorkeeper, self._mint, public)
            self.on("GET", token_path, endpoint)
            self.on("POST", token_path, endpoint)

    def seed_image(self, repository: str, tag: str = "latest") -> Image:
        return self.seed(tiny_image(), repository, tag)

    def seed(self, image: Image, repository: str, tag: str) -> Image:
        """Add an image, as if it had been pushed."""
        self._blobs |= {digest_of(blob): blob for blob in (image.config, image.layer)}
        self._manifests[image.digest] = (json.loads(image.manifest)["mediaType"], image.manifest)
        self._tags[repository, tag] = image.digest
        return image

    def tags(self, repository: str) -> list[str]:
        return sorted(tag for name, tag in self._tags if name == repository)

    def _api(self, request: Received) -> Reply:
        # A refusal has this header too: docker's CLI before 23 recognises the API by it.
        version = {"Docker-Distribution-Api-Version": "registry/2.0"}
        reply = self._served(request)
        return replace(reply, headers={**reply.headers, **version})

    def _served(self, request: Received) -> Reply:
        try:
            if request.path == "/v2/":
                self._authorize(request, None)
                return json_reply({})
            found = _RESOURCE.fullmatch(request.path)
            if found is None:
                raise Refusal(404, "NAME_INVALID")
            repository, kind, reference = found.groups()
            action = "pull" if request.method in ("GET", "HEAD") else "push"
            self._authorize(request, Scope("repository", repository, action))
            return self._act(request, repository, kind, reference)
        except Refusal as refusal:
            return refusal.reply()

    def _act(self, request: Received, repository: str, kind: str, reference: str) -> Reply:
        match request.method, kind:
            case "GET" | "HEAD", "manifests":
                return self._get_manifest(repository, reference)
            case "PUT", "manifests":
                return self._put_manifest(request, repository, reference)
            case "GET" | "HEAD", "blobs":
                return self._get_blob(reference)
            case "POST" | "PATCH" | "PUT", "blobs/uploads":
                return self._upload(request, repository, reference)
            case "GET", "tags" if reference == "list":
                return json_reply({"name": repository, "tags": self.tags(repository)})
        raise Refusal(405, "UNSUPPORTED")

    def _get_manifest(self, repository: str, reference: str) -> Reply:
        digest = self._tags.get((repository, reference), reference)
        if digest not in self._manifests:
            raise Refusal(404, "MANIFEST_UNKNOWN")
        media_type, manifest = self._manifests[digest]
        return Reply(200, {"Content-Type": media_type, "Docker-Content-Digest": digest}, manifest)

    def _put_manifest(self, request: Received, repository: str, reference: str) -> Reply:
        digest = digest_of(request.body)
        if reference.startswith("sha256:") and reference != digest:
            raise Refusal(400, "DIGEST_INVALID")
        manifest = request.json
        blobs = [manifest.get("config"), *manifest.get("layers", [])]
        if any(blob["digest"] not in self._blobs for blob in blobs if blob):
            raise Refusal(400, "MANIFEST_BLOB_UNKNOWN")
        self._manifests[digest] = (request.headers["content-type"], request.body)
        if reference != digest:
            self._tags[repository, reference] = digest
        return _created(f"/v2/{repository}/manifests/{digest}", digest)

    def _get_blob(self, digest: str) -> Reply:
        if digest not in self._blobs:
            raise Refusal(404, "BLOB_UNKNOWN")
        headers = {"Content-Type": "application/octet-stream", "Docker-Content-Digest": digest}
        return Reply(200, headers, self._blobs[digest])

    def _upload(self, request: Received, repository: str, upload: str) -> Reply:
        mounted = request.query.get("mount", "")
        if mounted in self._blobs:
            return _created(f"/v2/{repository}/blobs/{mounted}", mounted)
        if request.method == "POST":
            upload = secrets.token_hex(8)
            self._uploads[upload] = b""
        if upload not in self._uploads:
            raise Refusal(404, "BLOB_UPLOAD_UNKNOWN")
        self._uploads[upload] += request.body
        digest = request.query.get("digest")
        if digest is not None:
            return self._finish_upload(repository, upload, digest)
        headers = {
            "Location": f"/v2/{repository}/blobs/uploads/{upload}",
            "Docker-Upload-UUID": upload,
            "Range": f"0-{max(len(self._uploads[upload]) - 1, 0)}",
        }
        return Reply(202, headers)

    def _finish_upload(self, repository: str, upload: str, digest: str) -> Reply:
        content = self._uploads.pop(upload)
        if digest_of(content) != digest:
            raise Refusal(400, "DIGEST_INVALID")
        self._blobs[digest] = content
        return _created(f"/v2/{repository}/blobs/{digest}", digest)

    def _authorize(self, request: Received, scope: Scope | None) -> None:
        admitted = self._has_login if self._auth == "basic" else self._has_token
        if not admitted(request, scope):
            challenge = {"WWW-Authenticate": self._challenge(request, scope)}
            raise Refusal(401, "UNAUTHORIZED", challenge)

    def _has_login(self, request: Received, scope: Scope | None) -> bool:
        # containers/image answers a Basic challenge even without a credential.
        if request.basic not in (None, ("", "")):
            return self._doorkeeper.admits(request.host, *request.basic)
        return scope is not None and scope.action == "pull" and scope.name in self._public

    def _has_token(self, request: Received, scope: Scope | None) -> bool:
        access, expires_at = self._issued.get(request.bearer or "", (None, 0.0))
        if access is None or access.host != request.host or expires_at < time.monotonic():
            return False
        return scope is None or scope in access.scopes

    def _challenge(self, request: Received, scope: Scope | None) -> str:
        origin = f"{request.scheme}://{request.host}"
        if self._auth == "basic":
            return f'Basic realm="{origin}/",service="{request.host}"'
        challenge = f'Bearer realm="{origin}{self._token_path}",service="{request.host}"'
        if scope is not None:
            actions = "pull" if scope.action == "pull" else "pull,push"
            challenge += f',scope="{scope.type}:{scope.name}:{actions}"'
        return challenge

    def _mint(self, access: Access) -> str:
        token = secrets.token_urlsafe(24)
        self._issued[token] = (access, time.monotonic() + LIFETIME_S)
        return token


def _created(location: str, digest: str) -> Reply:
    return Reply(201, {"Location": location, "Docker-Content-Digest": digest})
