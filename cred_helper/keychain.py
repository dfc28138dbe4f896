"""The order of asking: one source after another until one has a credential.

Knows no source. Which sources there are for a server URL, and in which order, is the resolution's.
A source with nothing is skipped without a message. A source that is configured and does not work is
skipped too, and its failure kept: it is the result where no source has a credential, and a warning
where one has.
"""

from __future__ import annotations

from cred_helper.credential import Credential
from cred_helper.errors import CredentialError, NotFound, ProviderError
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from cred_helper.server_url import ServerURL

    class Named(Protocol):
        """Something with a name for messages."""

        @property
        def name(self) -> str: ...

    class Source(Named, Protocol):
        """Something that may have a credential for a server URL."""

        def get(self, server_url: ServerURL) -> Credential:
            """Return the credential, or raise ``NotFound`` or a ``ProviderError``."""
            ...

    class Store(Named, Protocol):
        """Something that keeps logins."""

        def store(self, server_url: ServerURL, credential: Credential) -> None:
            """Keep a login, or raise a ``CredentialError``."""
            ...

        def erase(self, server_url: ServerURL) -> bool:
            """Remove a login; return false if none was there."""
            ...

    class Lister(Named, Protocol):
        """Something that can list what it holds."""

        def list(self) -> dict[str, str]:
            """Map each server URL to its user name, or raise a ``CredentialError``."""
            ...


class Consulted(Record):
    """One line of a trace: a source, and its result."""

    source: str
    outcome: Credential | NotFound | ProviderError


class Answer(Record):
    """The trace of one question."""

    trace: list[Consulted]

    @property
    def credential(self) -> Credential | None:
        """The credential; only the last source that was asked can have given one."""
        last = self.trace[-1].outcome if self.trace else None
        return last if isinstance(last, Credential) else None

    @property
    def failures(self) -> list[tuple[str, ProviderError]]:
        """The sources that are configured and do not work, in the order asked."""
        return [(c.source, c.outcome) for c in self.trace if isinstance(c.outcome, ProviderError)]


def in_context(server_url: ServerURL, source: str, failure: ProviderError) -> ProviderError:
    """The failure of a source, with the host and the source in its text."""
    return failure.within("provider.no-credential", host=server_url.redacted_host, source=source)


def ask(sources: Iterable[Source], server_url: ServerURL) -> Answer:
    """Ask the sources until one has a credential. The answer holds their errors."""
    trace: list[Consulted] = []
    for source in sources:
        try:
            trace.append(Consulted(source.name, source.get(server_url)))
            break
        except (NotFound, ProviderError) as error:
            trace.append(Consulted(source.name, error))
    return Answer(trace)


def merged(listers: Iterable[Lister]) -> tuple[dict[str, str], list[tuple[str, CredentialError]]]:
    """What all listers hold, and the failures. The first lister that has a server URL counts."""
    found: dict[str, str] = {}
    failures: list[tuple[str, CredentialError]] = []
    for lister in listers:
        try:
            found = lister.list() | found
        except CredentialError as error:
            failures.append((lister.name, error))
    return found, failures
