"""Asks the sources of a server URL in order, until one returns a credential.

The resolution chooses the sources and their order; this module imports no source. A source without
a credential raises ``NotFound`` and is skipped without a message. A source that is configured and
fails raises ``ProviderError``: the next source is asked, and the failure is kept. If a later source
returns a credential, the failure becomes a warning; otherwise it is the result.
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

    class NamedObject(Protocol):
        """An object with a name for messages."""

        @property
        def name(self) -> str: ...

    class Source(NamedObject, Protocol):
        """Returns credentials for server URLs."""

        def get(self, server_url: ServerURL) -> Credential:
            """Return the credential. Raises ``NotFound`` or ``ProviderError``."""
            ...

    class Store(NamedObject, Protocol):
        """Keeps logins."""

        def store(self, server_url: ServerURL, credential: Credential) -> None:
            """Keep a login. Raises ``CredentialError``."""
            ...

        def erase(self, server_url: ServerURL) -> bool:
            """Remove a login; return whether the store had one."""
            ...

    class Lister(NamedObject, Protocol):
        """Lists the logins that it has."""

        def list(self) -> dict[str, str]:
            """Map each server URL to its user name. Raises ``CredentialError``."""
            ...


class TraceEntry(Record):
    """One source that was asked, and its outcome."""

    source: str
    outcome: Credential | NotFound | ProviderError


class Answer(Record):
    """The sources that were asked for one server URL, in order, with their outcomes."""

    trace: list[TraceEntry]

    @property
    def credential(self) -> Credential | None:
        """The credential of the last source: asking ends with the first credential."""
        last = self.trace[-1].outcome if self.trace else None
        return last if isinstance(last, Credential) else None

    @property
    def failures(self) -> list[tuple[str, ProviderError]]:
        """The failures of configured sources, each with the source's name, in the order asked."""
        return [(c.source, c.outcome) for c in self.trace if isinstance(c.outcome, ProviderError)]


def in_context(server_url: ServerURL, source: str, failure: ProviderError) -> ProviderError:
    """The failure of a source, with the host and the source in its message."""
    return failure.within("provider.no-credential", host=server_url.redacted_host, source=source)


def ask(sources: Iterable[Source], server_url: ServerURL) -> Answer:
    """Ask the sources until one returns a credential. Their errors are in the answer's trace."""
    trace: list[TraceEntry] = []
    for source in sources:
        try:
            trace.append(TraceEntry(source.name, source.get(server_url)))
            break
        except (NotFound, ProviderError) as error:
            trace.append(TraceEntry(source.name, error))
    return Answer(trace)


def merged(listers: Iterable[Lister]) -> tuple[dict[str, str], list[tuple[str, CredentialError]]]:
    """Merge the logins of all listers, the first one's preferred; return the failures too."""
    found: dict[str, str] = {}
    failures: list[tuple[str, CredentialError]] = []
    for lister in listers:
        try:
            found = lister.list() | found
        except CredentialError as error:
            failures.append((lister.name, error))
    return found, failures
