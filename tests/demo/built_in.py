"""A small registry client, for machines without another one.

It runs the executable and talks to the registry as docker does, with the standard library only. It
pulls manifests, no layers.

Sources:
  https://github.com/opencontainers/distribution-spec/blob/main/spec.md (pulling a manifest)
  https://distribution.github.io/distribution/spec/auth/token/ (answering a challenge)
"""

from __future__ import annotations

import base64
import json
import re
import ssl
import urllib.error
import urllib.request
from urllib.parse import urlencode

from tests.clients.clients import PullFailed
from tests.clients.machine import stored
from tests.clouds.image import MANIFEST, digest_of
from tests.support.machine import Machine


class BuiltIn:
    name = "built-in"
    named_in = ("credsStore",)

    def shown(self, image: str) -> str:
        return f"(built-in client) pull {image}"

    def pull(self, machine: Machine, image: str) -> str:
        """Pull the manifest; its digest.

        Raises:
            PullFailed: the registry does not answer or refuses.
        """
        helper = machine.config_document.get("credsStore") if machine.config_file.exists() else None
        credential = stored(machine, image.partition("/")[0]) if helper == "multi" else None
        try:
            return digest_of(_Conversation(machine, credential).manifest(image))
        except OSError as error:
            raise PullFailed(str(error)) from None


class _Conversation:
    def __init__(self, machine: Machine, credential: tuple[str, str] | None) -> None:
        self._basic = None
        if credential is not None:
            self._basic = f"Basic {base64.b64encode(':'.join(credential).encode()).decode()}"
        trusted = ssl.create_default_context(cafile=machine.environment["SSL_CERT_FILE"])
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({"https": machine.environment["HTTPS_PROXY"]}),
            urllib.request.HTTPSHandler(context=trusted),
        )

    def manifest(self, image: str) -> bytes:
        host, _, rest = image.partition("/")
        repository, _, tag = rest.rpartition(":")
        url = f"https://{host}/v2/{repository}/manifests/{tag}"
        try:
            return self._fetch(url)
        except urllib.error.HTTPError as refusal:
            with refusal:
                if refusal.code != 401:
                    raise
                return self._fetch(url, self._answer(refusal.headers["WWW-Authenticate"]))

    def _answer(self, challenge: str) -> str | None:
        """The Authorization header for a challenge."""
        scheme, _, parameters = challenge.partition(" ")
        if scheme.lower() == "basic":
            return self._basic
        asked = dict(re.findall(r'(\w+)="([^"]*)"', parameters))
        query = urlencode({name: asked[name] for name in ("service", "scope")})
        token = json.loads(self._fetch(f"{asked['realm']}?{query}", self._basic))
        return f"Bearer {token['token']}"

    def _fetch(self, url: str, authorization: str | None = None) -> bytes:
        request = urllib.request.Request(url, headers={"Accept": MANIFEST})
        if authorization:
            request.add_unredirected_header("Authorization", authorization)
        with self._opener.open(request, timeout=30) as reply:
            body: bytes = reply.read()
            return body
