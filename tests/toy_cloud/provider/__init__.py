"""The toy cloud: a token for a key, by one request and without an SDK."""

from __future__ import annotations

from .identity import ToyIdentity, identify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cred_helper.credential import Credential
    from cred_helper.errors import ProviderError
    from cred_helper.providers.common.interface import Identity, TokenRequest
    from cred_helper.providers.common.protocols import BuiltInProvider


class ToyProvider:
    """Toy Registry."""

    name = "toycloud"

    def identify(self, request: TokenRequest) -> ToyIdentity:
        """The account of the option, or that of the machine, with a key."""
        return identify(request)

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        """A token for the registry."""
        assert isinstance(identity, ToyIdentity)
        from .token import get

        return get(request, identity)

    def problems(self, _request: TokenRequest, _identity: Identity) -> Iterator[ProviderError]:
        """Mistakes that only doctor looks for: none."""
        yield from ()

    def near_miss(self, _labels: list[str]) -> str | None:
        """The message about a host that is nearly a registry: the zones say it."""
        return None


PROVIDER: BuiltInProvider = ToyProvider()
