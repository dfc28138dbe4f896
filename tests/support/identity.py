"""An identity source of a cloud, with secrets of its own.

``machine.secret`` and ``machine.marks`` know these secrets, and ``machine.run`` fails if one of
them is printed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.clouds.loopback import loopbacks
from tests.support.machine import Machine

OPTION = "DOCKER_CREDENTIAL_MULTI_"
Environment = dict[str, str]
Make = Callable[[Machine, Any], Environment]


@dataclass(frozen=True)
class Identity:
    """One identity source.

    ``cloud`` is the name of its row. ``make`` writes its files and programs, and returns its
    variables. ``principal`` is the beginning of its name at the cloud. ``asks`` are the requests of
    one ``get``, without the host if that is loopback. ``path`` is the step at which the cloud
    receives its secret; ``forms`` are the formats of the cloud's refusals there; empty if another
    identity has the same secret at the same step.
    """

    name: str
    cloud: str
    make: Make
    path: str
    forms: tuple[str, ...]
    principal: str
    asks: tuple[str, ...]

    @property
    def registry(self) -> str:
        return loopbacks()[self.cloud].host

    def __str__(self) -> str:
        return f"{self.cloud}: {self.name}"


LISTED: list[Identity] = []


def identity(
    cloud: str, path: str, *forms: str, principal: str = "", asks: tuple[str, ...] = ()
) -> Callable[[Make], Make]:
    """List the identity that a function makes, by the name of the function."""

    def add(make: Make) -> Make:
        name = getattr(make, "__name__", "").strip("_").replace("_", " ")
        LISTED.append(Identity(name, cloud, make, path, forms, principal, asks))
        return make

    return add
