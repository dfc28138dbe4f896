"""The keychain: ask one source after another, stop at the first credential, keep a trace.

Knows no cloud, no file and no clock: which sources there are for a server URL, and in which order,
is the wiring's. A source that has nothing is passed over in silence; one that is configured and
did not work is passed over too, but remembered: it is what the user is told when nobody answers,
and a warning when somebody does.
"""

from __future__ import annotations

from cred_helper.credential import Credential
from cred_helper.errors import CredentialError, NotFound, ProviderError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Protocol

    from cred_helper.server_url import ServerURL

    class Source(Protocol):
        """Something that may have a credential for a server URL."""

        name: str

        def get(self, server_url: ServerURL) -> Credential:
            """Answer, or raise ``NotFound`` or a ``ProviderError``."""
            ...

    class Store(Protocol):
        """Something that keeps what it is given."""

        name: str

        def store(self, server_url: ServerURL, credential: Credential) -> None: ...

        def erase(self, server_url: ServerURL) -> None:
            """Forget; what is not there is forgotten already."""
            ...

    class Lister(Protocol):
        """A source that can say what it holds."""

        name: str

        def list(self) -> dict[str, str]:
            """Map server URL to user name."""
            ...


class Consulted:
    """One line of a trace: which source was asked, and what it said."""

    __slots__ = ("outcome", "source")

    def __init__(self, source: str, outcome: Credential | NotFound | ProviderError) -> None:
        self.source = source
        self.outcome = outcome


class Answer:
    """What the keychain found, and how."""

    __slots__ = ("trace",)

    def __init__(self, trace: list[Consulted]) -> None:
        self.trace = trace

    @property
    def credential(self) -> Credential | None:
        """The credential, which only the last one asked can have given."""
        last = self.trace[-1].outcome if self.trace else None
        return last if isinstance(last, Credential) else None

    @property
    def failures(self) -> list[tuple[str, ProviderError]]:
        """Who was configured and did not work, in the order asked."""
        return [(c.source, c.outcome) for c in self.trace if isinstance(c.outcome, ProviderError)]


def in_context(server_url: ServerURL, source: str, failure: ProviderError) -> ProviderError:
    """The failure of a source, with the host and the source that it is about."""
    return failure.within("provider.no-credential", host=server_url.redacted_host, source=source)


class Keychain:
    """All sources together. Each argument says, for one question, whom to ask."""

    def __init__(
        self,
        *,
        sources: Callable[[ServerURL], Iterable[Source]],
        stores: Callable[[ServerURL], Iterable[Store]],
        listers: Callable[[], Iterable[Lister]],
    ) -> None:
        self._sources = sources
        self._stores = stores
        self._listers = listers

    def get(self, server_url: ServerURL) -> Answer:
        """Ask until one answers. Raises nothing of a source's; the answer holds it."""
        trace: list[Consulted] = []
        for source in self._sources(server_url):
            try:
                trace.append(Consulted(source.name, source.get(server_url)))
                break
            except (NotFound, ProviderError) as error:
                trace.append(Consulted(source.name, error))
        return Answer(trace)

    def store(self, server_url: ServerURL, credential: Credential) -> None:
        """Give the credential to the one store that owns the server URL.

        Raises:
            CredentialError: that store could not keep it, or there is none.
        """
        for store in self._stores(server_url):
            store.store(server_url, credential)
            return
        raise CredentialError(f"no store keeps credentials for {server_url.redacted_host}")

    def erase(self, server_url: ServerURL) -> None:
        """Have the store that owns the server URL forget it."""
        for store in self._stores(server_url):
            store.erase(server_url)
            return

    def list(self) -> tuple[dict[str, str], list[tuple[str, CredentialError]]]:
        """Merge what every source holds; the first to name a server URL wins. Also who failed."""
        merged: dict[str, str] = {}
        failures: list[tuple[str, CredentialError]] = []
        for lister in self._listers():
            try:
                merged = lister.list() | merged
            except CredentialError as error:
                failures.append((lister.name, error))
        return merged, failures
