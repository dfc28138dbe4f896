"""The loopback cloud of each row of ``cred_helper.clouds``.

A module of this package that ends in ``LOOPBACK = Loopback(…)`` is found here: nothing lists it.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from cred_helper import clouds as rows
from tests import clouds
from tests.clouds.authority import Authority
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.clouds.server import Fault, Received


class LoopbackCloud(Protocol):
    """The servers of one cloud on loopback, and the properties that a suite may rely on."""

    asks_network: bool
    """Whether a ``get`` without a cached token sends a request."""
    expires: bool
    """Whether its credentials end."""
    runs_programs: bool
    """Whether one of its identities is a program that the SDK runs."""
    delay_s: float

    def __enter__(self) -> Any: ...
    def __exit__(self, *_: object) -> None: ...
    def close(self) -> None: ...
    def check(self) -> None: ...
    def fail(self, path: str, fault: Fault, *, times: int | None = None) -> None: ...
    def received_at(self, path: str) -> list[Received]: ...
    @property
    def received(self) -> list[Received]: ...
    @property
    def exchanges(self) -> int: ...
    @property
    def url(self) -> str: ...

    def issued(self, username: str, secret: str, host: str) -> bool:
        """Whether this cloud issued exactly this credential, for the registry of this host."""

    def register(self, proxy: TerminatingProxy) -> None:
        """Serve the cloud's own host names behind this proxy."""

    def identity(self, folder: Path) -> dict[str, str]:
        """The variables of an identity that may pull and push; its files are in the folder."""

    def confidential(self) -> Iterable[str]:
        """All secrets that this cloud has issued or accepts."""


@dataclass(frozen=True)
class Loopback:
    """One cloud: its row, an example host, the user name of its credentials, and its servers.

    ``start`` makes the cloud, and a registry that accepts its credentials in the cloud's own way.
    """

    name: str
    host: str
    username: str
    start: Callable[[Authority], tuple[Any, Registry]]


@cache
def loopbacks() -> dict[str, Loopback]:
    found = {}
    for module in pkgutil.iter_modules(clouds.__path__):
        if "\nLOOPBACK = " in Path(clouds.__path__[0], f"{module.name}.py").read_text("utf-8"):
            loopback = import_module(f"{clouds.__name__}.{module.name}").LOOPBACK
            found[loopback.name] = loopback
    missing = [name for name in rows.NAMES if name not in found]
    if missing:
        raise LookupError(f"no module of tests/clouds has the LOOPBACK of {', '.join(missing)}")
    return {name: found[name] for name in rows.NAMES}
