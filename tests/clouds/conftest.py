"""The fixtures for the tests of the loopback clouds themselves."""

from tests.clouds.fixtures import authority, proxy

__all__ = ["authority", "proxy"]
