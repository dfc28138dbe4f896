"""The application that trusts the identity token of a request.

Source: https://learn.microsoft.com/entra/workload-id/workload-identity-federation
"""

from __future__ import annotations

from cred_helper.providers.acr.identity import Candidate, application
from cred_helper.providers.common import id_token
from cred_helper.providers.common.interface import ID_TOKEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.acr.azure_settings import AzureSettings

# Suffix of the registries → the audience of the cloud's federated credentials.
# Source: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
_AUDIENCE = "api://AzureADTokenExchange"
_AUDIENCES = {"azurecr.cn": f"{_AUDIENCE}China", "azurecr.us": f"{_AUDIENCE}USGov"}


def by_id_token(settings: AzureSettings) -> Candidate:
    """The application of the options or variables, by the token.

    Raises:
        Misconfigured: an option is wrong or missing, or there is no token.
    """
    request = settings.request
    id_token.refuse_second(request, "resource_id", "object_id")
    found = id_token.find(request, _AUDIENCES.get(settings.cloud.suffix, _AUDIENCE))
    tenant_id, client_id = settings.tenant_id, settings.client_id
    if not (tenant_id and client_id):
        option = "client_id" if tenant_id else "tenant_id"
        raise id_token.missing(request, option, "an application that trusts the token")
    candidate = Candidate(
        ID_TOKEN,
        lambda: application(tenant_id, client_id, found.place),
        cache_key=(tenant_id, client_id, found.whose),
    )
    candidate.id_token = found
    return candidate
