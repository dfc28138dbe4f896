"""What the operating system says about a file, in the style of our messages."""

from __future__ import annotations

import os


def os_reason(error: OSError) -> str:
    """The system's own words, in lower case."""
    known = os.strerror(error.errno) if error.errno else type(error).__name__
    return (error.strerror or known).lower()
