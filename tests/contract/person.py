"""Moved to tests/support/machine.py; this name goes when no suite imports it."""

from tests.support.executable import PROGRAM
from tests.support.machine import Person, person

__all__ = ["PROGRAM", "Person", "person"]
