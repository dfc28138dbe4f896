"""A provider with a deadline around it; what keeps the deadline is loaded when it is asked."""

from __future__ import annotations

from cred_helper.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.credential import Credential
    from cred_helper.providers.common.interface import Identity, TokenRequest
    from cred_helper.providers.common.protocols import Provider


class BoundedProvider:
    """Asks another provider within the request's deadline."""

    __slots__ = ("_provider", "name")

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.name = provider.name

    def identify(self, request: TokenRequest) -> Identity:
        """Ask the provider; looking takes no time limit."""
        return self._provider.identify(request)

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        """Ask.

        Raises:
            Unreachable: the deadline passes first.
            Misconfigured: there is no identity, and what the user set needs one.
        """
        from cred_helper.providers.common.timeout import bounded

        try:
            return bounded(
                lambda: self._provider.get(request, identity.resolved(request)), request, self.name
            )
        except NotFound as absent:
            raise identity.problem_if_absent() or absent from None
