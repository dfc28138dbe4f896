"""The loopback cloud of each row of ``cred_helper.clouds``, and what the suites know of the cloud.

A folder here whose ``__init__.py`` ends in ``LOOPBACK = Loopback(…)`` is a cloud, and its modules
are found by their names. No list has to be edited, and a cloud without a module is left out by the
suite that needs it: ``tests/unit/test_clouds.py`` says what is missing.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from cred_helper import clouds as rows
from tests import clouds
from tests.clouds.authority import Authority
from tests.clouds.proxy import TerminatingProxy
from tests.clouds.registry import Registry
from tests.clouds.server import Fault, Received

# A label of a host name, in a regular expression.
LABEL = "(?!-)[a-z0-9-]{1,63}(?<!-)"


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
    def port(self) -> int: ...
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
    ``hosts`` is a regular expression for the names of its registries, written from the cloud's
    documentation and not from ``ZONES``: the fuzzer compares the two.
    """

    name: str
    host: str
    username: str
    start: Callable[[Authority], tuple[Any, Registry]]
    hosts: str = ""


@cache
def _packages() -> dict[str, ModuleType]:
    folders = [place for place in pkgutil.iter_modules(clouds.__path__) if place.ispkg]
    found = [import_module(f"{clouds.__name__}.{folder.name}") for folder in folders]
    by_name = {package.LOOPBACK.name: package for package in found}
    return {name: by_name[name] for name in rows.NAMES if name in by_name}


def loopbacks() -> dict[str, Loopback]:
    return {name: package.LOOPBACK for name, package in _packages().items()}


def modules(name: str) -> dict[str, ModuleType]:
    """The module of this name of each cloud that has it, by the names of the rows."""
    places = {row: f"{package.__name__}.{name}" for row, package in _packages().items()}
    return {row: import_module(place) for row, place in places.items() if find_spec(place)}
