"""The built-in providers: one package for each row of ``clouds``, which exports ``PROVIDER``.

A provider imports its SDK inside functions. A slim build leaves packages out.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cred_helper.providers.common.protocols import Provider


def load(name: str) -> Provider | None:
    """Load the provider of a row of ``clouds``; ``None`` where this build leaves it out."""
    package = f"{__name__}.{name}"
    try:
        module = __import__(package, fromlist=["PROVIDER"])
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        return None
    provider: Provider = module.PROVIDER
    return provider
