"""Google's registries: Container Registry and Artifact Registry, also of the partner clouds.

``identity`` chooses the identity from environment variables and files, before every cached answer;
``token`` loads google-auth and gets an access token for it.
"""

from __future__ import annotations

from cred_helper.errors import NotFound
from cred_helper.hosts import GCR
from cred_helper.providers.gcr.identity import identify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cred_helper.credential import Credential
    from cred_helper.errors import ProviderError
    from cred_helper.providers.common.interface import Identity, TokenRequest


class GcrProvider:
    name = GCR

    def identify(self, request: TokenRequest) -> Identity:
        return identify(request)

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        if identity.source is None:
            raise NotFound("gcr.no-identity")
        from cred_helper.providers.common import deferred_imports
        from cred_helper.providers.gcr import sdk_imports

        deferred_imports.use(sdk_imports.TABLES)
        from cred_helper.providers.gcr.token import access_token

        return access_token(request, identity)

    def problems(self, request: TokenRequest, identity: Identity) -> Iterator[ProviderError]:
        from cred_helper.providers.gcr.checks import problems

        return problems(request, identity)


PROVIDER = GcrProvider()
