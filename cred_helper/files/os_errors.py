"""What the operating system says about a file, in the style of our messages."""

from __future__ import annotations

import os


def invalid_path() -> OSError:
    """The error for a text that cannot be a path, for which Python raises ``ValueError``."""
    from errno import EINVAL

    return OSError(EINVAL, "the path is not valid")


def os_reason(error: OSError) -> str:
    """The system's own words, in lower case."""
    known = os.strerror(error.errno) if error.errno else type(error).__name__
    return (error.strerror or known).lower()
