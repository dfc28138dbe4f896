"""Azure Container Registry: which Azure identity to sign in with, at which authority.

``identity`` chooses by environment and files, before every cached answer; ``token`` loads the SDK,
signs in to Entra and has the registry exchange the Entra token for its own.

What the user configured is used or fails; it never gives way to another identity of the machine.
Only a managed identity that the user did not choose may turn out not to exist; then the developer's
own login is used. Never signs in at an authority of another cloud than that of the host's suffix.

Sources:
  https://learn.microsoft.com/python/api/overview/azure/identity-readme (identities, variables)
  https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md (the exchange)
"""

from __future__ import annotations

from cred_helper.errors import NotFound
from cred_helper.hosts import ACR, ACR_CLOUDS
from cred_helper.providers.acr.identity import AcrIdentity, choose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cred_helper.credential import Credential
    from cred_helper.errors import ProviderError
    from cred_helper.providers.common.interface import Identity, TokenRequest


class AcrProvider:
    """Azure Container Registry, by azure-identity and one exchange at the registry."""

    name = ACR

    def identify(self, request: TokenRequest) -> AcrIdentity:
        return choose(request)

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        assert isinstance(identity, AcrIdentity)
        if not identity.candidates:
            raise NotFound("acr.no-identity")
        from cred_helper.providers.acr import sdk_imports
        from cred_helper.providers.common import deferred_imports

        deferred_imports.use(sdk_imports.TABLES)
        from cred_helper.providers.acr.token import get

        return get(request, identity)

    def near_miss(self, labels: list[str]) -> str | None:
        is_acr = any(".".join(labels).endswith(f".{cloud.suffix}") for cloud in ACR_CLOUDS)
        return "acr.near-private-link" if is_acr and "privatelink" in labels else None

    def problems(self, request: TokenRequest, identity: Identity) -> Iterator[ProviderError]:
        assert isinstance(identity, AcrIdentity)
        from cred_helper.providers.acr.local_checks import problems

        return problems(request, identity)


PROVIDER = AcrProvider()
