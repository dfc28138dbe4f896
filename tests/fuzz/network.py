"""Millions of server URLs: no host outside the tables may cause a request to a cloud.

The sources are those of the wiring, with providers that only count requests. The oracle of
``urls``, a second implementation of the rules, says which hosts may cause one.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from cred_helper import clouds, providers
from cred_helper.credential import Credential
from cred_helper.errors import NotFound
from cred_helper.providers.common.interface import Identity, TokenRequest
from cred_helper.server_url import ServerURL
from cred_helper.settings.settings import Settings, option_variable
from cred_helper.wiring import Wiring
from tests.fuzz.target import Finding, Target
from tests.fuzz.urls import oracle, server_urls


class CountingCloud:
    """A cloud that always has an identity, and counts its requests."""

    def __init__(self, name: str, asked: list[tuple[str, str]]) -> None:
        self.name = name
        self._asked = asked

    def identify(self, request: TokenRequest) -> Identity:
        return Identity("environment", cache_key="key")

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        self._asked.append((self.name, request.route.host))
        raise NotFound("client.no-credential")


class ServerURLs(Target):
    name = "urls"
    words = (
        b"https://", b"http://", b"amazonaws.com", b".dkr.ecr.", b"pkg.dev", b"gcr.io",
        b"azurecr.io", b"123456789012", b":443", b":5000", b"@", b"/", b"?", b"#", b".", b"\\",
    )  # fmt: skip

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self._requests: list[tuple[str, str]] = []
        counting = {name: CountingCloud(name, self._requests) for name in clouds.NAMES}
        self._load = providers.load

        def load(name: str) -> Any:  # explain's methods are not called
            return counting.get(name)

        providers.load = load
        set_up = {
            option_variable(row.name, name): "x" for row in clouds.CLOUDS for name in row.only_with
        }
        environ = {"HOME": "/nonexistent", "PATH": "", **set_up}
        settings = Settings.load(environ)
        settings.cache = False
        self._wiring = Wiring(settings, environ, lambda: 0.0)

    def examples(self) -> list[bytes]:
        return [text.encode() for text in islice(server_urls(seed=0), 64)]

    def inputs(self, source: random.Random) -> Iterator[bytes]:
        """Hosts made of parts of clouds' hosts; mutation alone finds few of them."""
        yield from self.seeds()
        for text in server_urls(source.randrange(1 << 32)):
            yield text.encode()

    def check(self, data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape")
        server_url = ServerURL.parse(text)
        self._requests.clear()
        resolution = self._wiring.resolve(server_url)
        if resolution.asks_cloud:
            source = self._wiring.provider_source(resolution)
            # One more with every question, and this process asks a hundred thousand.
            logging.getLogger().handlers.clear()
            try:
                source.get(server_url)
            except NotFound:
                pass
        expected = oracle(text)
        asked = [provider for provider, _ in self._requests]
        if asked != ([expected] if expected else []):
            raise Finding(f"{text!r}: {asked} was asked, expected {expected}")
        for provider, host in self._requests:
            if oracle(host) != provider or host not in text.lower():
                raise Finding(f"{text!r}: {provider} was asked for {host!r}")
            self.asked[provider] += 1

    def close(self) -> None:
        providers.load = self._load

    def figures(self) -> str:
        counts = ", ".join(
            f"{number} {provider}" for provider, number in sorted(self.asked.items())
        )
        return f"cloud requests: {counts or 'none'}; for a host outside the tables: 0"
