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
from cred_helper.hosts import ACR
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
        """Choose the identity, by environment and files."""
        return choose(request)

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        """Sign in and exchange the token at the registry; see ``token`` for what it raises."""
        assert isinstance(identity, AcrIdentity)
        from cred_helper.providers.acr.azure_settings import AzureSettings

        settings = AzureSettings(request)
        missing = NotFound("acr.no-identity")
        for candidate in identity.candidates:
            try:
                if candidate.endpoint:
                    from cred_helper.providers.acr.metadata_service import expect_answer

                    expect_answer(candidate, settings)
                from cred_helper.providers.acr import sdk_imports
                from cred_helper.providers.common import deferred_imports

                deferred_imports.use(sdk_imports.TABLES)
                from cred_helper.providers.acr.token import get

                key, is_kept = identity.sign_in_key(candidate), identity.cache_key is not None
                return get(settings, candidate, key, is_kept=is_kept)
            except NotFound as error:
                missing = error
        raise missing

    def near_miss(self, labels: list[str]) -> str | None:
        """The code for a usual mistake in the name of a registry, by the labels of a host."""
        from cred_helper.providers.acr.near_miss import near_miss

        return near_miss(labels)

    def problems(self, request: TokenRequest, identity: Identity) -> Iterator[ProviderError]:
        """What local files show to be wrong with an identity."""
        assert isinstance(identity, AcrIdentity)
        from cred_helper.providers.acr.local_checks import problems

        yield from problems(request, identity)


PROVIDER = AcrProvider()
