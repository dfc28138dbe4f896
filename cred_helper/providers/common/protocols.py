"""What a provider is: types alone, for the type checker.

Nothing imports this when it runs: a cached answer does without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from cred_helper.credential import Credential
from cred_helper.errors import ProviderError
from cred_helper.providers.common.interface import Identity, TokenRequest


class Provider(Protocol):
    """One cloud. Stateless: everything it needs comes with the request."""

    @property
    def name(self) -> str: ...

    def identify(self, request: TokenRequest) -> Identity:
        """Find the identity to use, by looking at variables and files only.

        No network, no SDK, no child process: it runs before every cached answer.

        Raises:
            Misconfigured: the configuration contradicts itself or the host; the caller treats
                it as a failed ``get``.
        """

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        """Ask the cloud, by its own SDK, for a credential of this host.

        Raises:
            NotFound: there is no identity after all (no answer to a probe, no attached role). The
                caller raises the identity's ``problem`` in its place, if it has one.
            ProviderError: the identity does not work. No other identity replaces it.
        """


class BuiltInProvider(Provider, Protocol):
    """A provider as its package exports it, with the checks of ``explain`` and ``doctor``."""

    def problems(self, request: TokenRequest, identity: Identity, /) -> Iterator[ProviderError]:
        """Find mistakes of the identity in files and variables; an error raised is one more."""

    def near_miss(self, labels: list[str], /) -> str | None:
        """The code of the message about a host outside the zones, if it is a usual mistake."""
