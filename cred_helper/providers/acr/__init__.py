"""Azure Container Registry.

``identity`` chooses by environment and files, before every cached answer; ``token`` loads the SDK,
signs in to Entra and has the registry exchange the Entra token for its own. A configured identity
is used or fails. Only where the machine may have a managed identity, and has none, the developer's
own login is used. Never signs in at the authority of an Azure cloud that the host's suffix does not
name.
"""

from __future__ import annotations

from cred_helper.errors import NotFound
from cred_helper.hosts import ACR, AZURE_CLOUDS
from cred_helper.providers.acr.identity import AcrIdentity, choose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cred_helper.credential import Credential
    from cred_helper.errors import ProviderError
    from cred_helper.providers.common.interface import Identity, TokenRequest
    from cred_helper.providers.common.protocols import BuiltInProvider


class AcrProvider:
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
        is_acr = any(".".join(labels).endswith(f".{cloud.suffix}") for cloud in AZURE_CLOUDS)
        return "acr.near-private-link" if is_acr and "privatelink" in labels else None

    def problems(self, request: TokenRequest, identity: Identity) -> Iterator[ProviderError]:
        assert isinstance(identity, AcrIdentity)
        from cred_helper.providers.acr.local_checks import problems

        return problems(request, identity)


PROVIDER: BuiltInProvider = AcrProvider()
