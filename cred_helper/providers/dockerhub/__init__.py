"""Docker Hub and Docker Hardened Images, by an OpenID Connect connection of an organization.

``identity`` checks the options and finds the identity token of the job, before every cached answer;
``token`` has Docker's identity service exchange that token for a Docker access token. Without a
connection in the settings this provider is not asked; it never handles a login.

Source: https://docs.docker.com/enterprise/security/oidc-connections/
"""

from __future__ import annotations

from cred_helper.hosts import DOCKERHUB
from cred_helper.providers.dockerhub.identity import HubIdentity, identify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cred_helper.credential import Credential
    from cred_helper.errors import ProviderError
    from cred_helper.providers.common.interface import Identity, TokenRequest
    from cred_helper.providers.common.protocols import BuiltInProvider


class DockerHubProvider:
    name = DOCKERHUB

    def identify(self, request: TokenRequest) -> HubIdentity:
        return identify(request)

    def get(self, request: TokenRequest, identity: Identity) -> Credential:
        assert isinstance(identity, HubIdentity)
        from cred_helper.providers.dockerhub.token import get

        return get(request, identity)

    def problems(self, _request: TokenRequest, _identity: Identity) -> Iterator[ProviderError]:
        return iter(())

    def near_miss(self, _labels: list[str]) -> None:
        """The zones are enough."""


PROVIDER: BuiltInProvider = DockerHubProvider()
