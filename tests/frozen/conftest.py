"""The loopback clouds for the tests of the frozen file."""

from tests.clients.hosted import cloud
from tests.clouds.fixtures import authority, proxy

__all__ = ["authority", "cloud", "proxy"]
