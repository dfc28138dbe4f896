"""A managed identity: of the platform, as azure-identity finds it, or of the machine.

Source: https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview
"""

from __future__ import annotations

from cred_helper.errors import NotFound
from cred_helper.files import fingerprints
from cred_helper.providers.acr import metadata
from cred_helper.providers.acr.identity import MANAGED_IDENTITY, Candidate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.acr.azure_settings import AzureSettings
    from cred_helper.providers.acr.identity import Source


def look(settings: AzureSettings, source: Source) -> Candidate | NotFound:
    """A managed identity of the platform, as azure-identity finds it, or of the machine."""
    platform = metadata.platform(settings)
    if platform is not None:
        named = settings.managed_identity(by_variable=platform.may_choose)
        return Candidate(
            MANAGED_IDENTITY,
            lambda: f"{_which(named)}, from {platform.name}",
            # Every app has the same endpoint, and a secret header of its own.
            cache_key=(
                platform.name,
                platform.endpoint,
                fingerprints.digest([platform.secret]),
                *metadata.machine(),
                *(named or ()),
            ),
            named=named,
            place=platform.name,
        )
    required = settings.requires(source.sdk_class) or bool(settings.managed_identity_options)
    service = metadata.service(settings, required=required)
    if isinstance(service, NotFound):
        return service
    named = settings.managed_identity()
    # Behind an address that a variable names, each pod can have an identity of its own.
    shared_address = bool(settings.variable("AZURE_POD_IDENTITY_AUTHORITY_HOST"))
    owner: tuple[str | None, ...] = (None,) if shared_address else metadata.machine()
    return Candidate(
        MANAGED_IDENTITY,
        lambda: f"{_which(named)}, from {service.name}",
        cache_key=(service.endpoint, *(named or owner)),
        settled=required,
        certain=service.certain,
        named=named,
        endpoint=service.endpoint,
        place=service.name,
    )


def _which(named: tuple[str, str] | None) -> str:
    if named is None:
        return "the machine's own"
    from cred_helper.providers.acr.ids import shown_id

    return f"the one with {named[0]} {shown_id(named[1])}"
