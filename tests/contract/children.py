"""Moved to tests/support/programs.py; this name goes when no suite imports it."""

from tests.support.programs import Programs as Children
from tests.support.programs import has_ended, is_running

__all__ = ["Children", "has_ended", "is_running"]
