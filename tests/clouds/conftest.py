"""What the tests of the loopback clouds themselves have in common."""

from tests.clouds.fixtures import authority, proxy

__all__ = ["authority", "proxy"]
