"""The digest of everything that a frozen file is built from.

The build writes it beside the file; the tests compare it, to skip a file of other sources.
"""

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FROM = (
    "cred_helper/**/*.py",
    "packaging/*.spec",
    "packaging/freeze/*.py",
    "packaging/launcher/*",
    "packaging/runtime/*.py",
    "packaging/requirements-freeze.txt",
)


def digest() -> str:
    """The digest of the sources of this checkout, in hexadecimal."""
    total = hashlib.sha256()
    for pattern in FROM:
        for path in sorted(ROOT.glob(pattern)):
            total.update(f"{path.relative_to(ROOT)}\0".encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:32]
