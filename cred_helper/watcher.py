"""What both logs note of a call: the sources that are asked, and the requests to clouds."""

from __future__ import annotations

from time import monotonic

from cred_helper.errors import CredentialError
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cred_helper.credential import Credential
    from cred_helper.keychain import Source
    from cred_helper.providers.common.interface import Identity, TokenRequest
    from cred_helper.providers.common.protocols import Provider
    from cred_helper.server_url import ServerURL

    Outcome = Credential | CredentialError


class Watcher:
    """A log. It overrides the methods for what it notes."""

    def ended(self, source: str, outcome: Outcome, took_s: float) -> None:
        """Note the outcome of a source."""

    def asking(self, provider: str, request: TokenRequest, identity: Identity) -> None:
        """Note a request to a cloud; a cached answer makes none."""

    def watching(
        self, sources: Iterable[Source], server_url: ServerURL, settings_files: Iterable[str]
    ) -> Iterator[Source]:
        """The same sources, watched. What is asked for, and by which settings, can be noted."""
        _ = server_url, settings_files
        for source in sources:
            yield _WatchedSource(source.name, source, self)

    def watched(self, provider: Provider) -> Provider:
        return _WatchedProvider(provider.name, provider, self)


class _WatchedSource(Record):
    name: str
    source: Source
    watcher: Watcher

    def get(self, server_url: ServerURL) -> Credential:
        begun_s = monotonic()
        outcome: Outcome
        try:
            outcome = self.source.get(server_url)
        except CredentialError as error:
            outcome = error
        self.watcher.ended(self.name, outcome, monotonic() - begun_s)
        if isinstance(outcome, CredentialError):
            raise outcome
        return outcome


class _WatchedProvider(Record):
    name: str
    provider: Provider
    watcher: Watcher

    def identify(self, request: TokenRequest) -> Identity:
        return self.provider.identify(request)

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        self.watcher.asking(self.name, request, identity)
        return self.provider.get(request, identity)
