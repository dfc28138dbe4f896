"""What the helpers for Azure that this program stands in for read: ``AZURE_ENVIRONMENT``.

Source: https://github.com/chrismellard/docker-credential-acr-env, and go-autorest's
azure/environments.go
"""

from __future__ import annotations

from cred_helper.errors import Misconfigured
from cred_helper.hosts import AcrRoute
from cred_helper.providers.common.interface import LinkProfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cred_helper.hosts import Route

# The names that AZURE_ENVIRONMENT takes → the suffix of that cloud's registries.
_SUFFIXES = {
    "AZUREPUBLICCLOUD": "azurecr.io",
    "AZURECLOUD": "azurecr.io",
    "AZURECHINACLOUD": "azurecr.cn",
    "AZUREUSGOVERNMENTCLOUD": "azurecr.us",
    "AZUREUSGOVERNMENT": "azurecr.us",
    "AZUREGERMANCLOUD": "azurecr.de",
}


def read(_helper: str, environ: Mapping[str, str]) -> LinkProfile:
    """No options: a registry of another cloud is an error."""

    def check(route: Route) -> dict[str, str]:
        name = environ.get("AZURE_ENVIRONMENT", "")
        if not name or not isinstance(route, AcrRoute):
            return {}
        suffix = _SUFFIXES.get(name.upper())
        if suffix is None:
            raise Misconfigured("compat.azure-environment")
        if suffix != route.azure.suffix:
            raise Misconfigured("compat.other-azure-cloud", suffix=suffix, host=route.host)
        return {}

    return LinkProfile(options=check)
