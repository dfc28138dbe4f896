"""A provider with a deadline around it; what keeps the deadline is loaded when it is asked."""

from __future__ import annotations

from cred_helper.errors import CredentialError, NotFound
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cred_helper.credential import Credential
    from cred_helper.providers.common.interface import Identity, TokenRequest
    from cred_helper.providers.common.protocols import Provider


class BoundedProvider(Record):
    """Asks another provider within the request's deadline.

    ``warn`` is called where the new credential does not live for ``min_life_s``.
    """

    provider: Provider
    min_life_s: float = 0.0
    warn: Callable[[CredentialError], None] = lambda _error: None

    @property
    def name(self) -> str:
        return self.provider.name

    def identify(self, request: TokenRequest) -> Identity:
        return self.provider.identify(request)

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        """Ask.

        Raises:
            Unreachable: the deadline passes first.
            Misconfigured: there is no identity, and what the user set needs one.
        """
        from cred_helper.providers.common.timeout import bounded

        def ask() -> Credential:
            return self.provider.get(request, identity.determined(request))

        try:
            credential = bounded(ask, request)
        except NotFound as absent:
            raise identity.problem_if_absent() or absent from None
        if self.min_life_s and credential.expires_at:
            from time import time

            left_s = credential.expires_at.timestamp() - time()
            if left_s < self.min_life_s:
                values = {"host": request.route.host, "provider": self.name}
                times = {"left": minutes(left_s), "wanted": minutes(self.min_life_s)}
                self.warn(CredentialError("provider.short-life", **values, **times))
        return credential


def minutes(amount_s: float) -> str:
    """An amount of time for a message, in minutes or, where it is short, in seconds."""
    return f"{amount_s / 60:.0f} min" if amount_s > 90 else f"{max(0.0, amount_s):.0f} s"
