"""The built-in providers: one cloud a module, each with its SDK imported inside its functions.

A slim build leaves modules out. ``load`` then answers ``None``: this build has no such provider,
which the caller treats like a host of nobody.
"""

from __future__ import annotations

from cred_helper.hosts import ACR, ECR, GCR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.common.interface import Provider

BUILTIN = (ECR, GCR, ACR)


def load(name: str) -> Provider | None:
    """Load one provider by name; ``None`` where this build was made without it."""
    try:
        match name:
            case "ecr":
                from cred_helper.providers.ecr import EcrProvider

                return EcrProvider()
            case "gcr":
                from cred_helper.providers.gcr import GcrProvider

                return GcrProvider()
            case "acr":
                from cred_helper.providers.acr import AcrProvider

                return AcrProvider()
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
    return None
