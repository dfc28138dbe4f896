"""Runs a soak as a script: so many kills in a folder, then the figures."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable

Soak = Callable[[int, str], tuple[dict[str, object], bool]]
"""Kills that often in a folder; what to print, and whether nothing was found wrong."""


def run(about: str | None, soak: Soak, *, kills: int = 1000) -> int:
    """Run a soak; the exit status."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--kills", type=int, default=kills)
    arguments = parser.parse_args()
    began_at_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        figures, is_right = soak(arguments.kills, folder)
    figures["took"] = f"{time.monotonic() - began_at_s:.0f} s"
    for label, figure in figures.items():
        print(f"{label:<24}{figure}")
    return 0 if is_right else 1
