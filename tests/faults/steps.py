"""The requests of one ``get``, cloud by cloud: the steps that can fail.

Each cloud's own are in ``steps.py`` of its folder in ``tests/clouds``.
"""

from __future__ import annotations

from tests.clouds.loopback import modules
from tests.faults.step import Step

STEPS: dict[str, tuple[Step, ...]] = {n: module.STEPS for n, module in modules("steps").items()}
