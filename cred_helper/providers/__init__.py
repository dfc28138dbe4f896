"""The built-in providers: one package for each row of ``clouds``, which exports ``PROVIDER``.

A provider imports its SDK inside functions. A slim build leaves packages out.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cred_helper.providers.common.protocols import BuiltInProvider


def load(name: str) -> BuiltInProvider | None:
    """Load the provider of a row of ``clouds``; ``None`` where this build leaves it out."""
    provider: BuiltInProvider | None = find(name, "PROVIDER")
    return provider


def find(module_name: str, name: str) -> Any:
    """A name in a module of a provider; ``None`` where the module does not exist."""
    package = f"{__name__}.{module_name}"
    try:
        module = __import__(package, fromlist=[name])
    except ModuleNotFoundError as error:
        if error.name not in (package, package.rpartition(".")[0]):
            raise
        return None
    return getattr(module, name)
