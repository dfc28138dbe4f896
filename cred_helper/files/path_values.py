"""Values that should be the path of a file, and what may be shown of one.

People put a key, a certificate or a token into a variable that takes a path. Such a value is never
quoted: messages name the variable.
"""

from __future__ import annotations

import os

from cred_helper import files

# The longest path and the longest name that common file systems take.
_MAX_PATH_CHARACTERS = 1024
_MAX_NAME_CHARACTERS = 128


def holds_content(value: str) -> bool:
    """Whether a value is a file's content rather than a path: JSON, PEM, a token, several lines."""
    text = value.strip()
    if not text or text.startswith(("{", "[", "eyJ")) or not text.isprintable():
        return bool(text)
    names = text.replace("\\", "/").split("/")
    return (
        "-----BEGIN" in text
        or len(text) > _MAX_PATH_CHARACTERS
        or any(len(name) > _MAX_NAME_CHARACTERS for name in names)
    )


def quotable(value: str) -> bool:
    """Whether a value may be shown: it has the shape of an absolute path, or the file exists."""
    if holds_content(value):
        return False
    if os.path.isabs(value) or value.startswith(("~/", "./", "../")):
        return True
    return files.exists(value)


def shown(variable: str, value: str) -> str:
    """The path that a variable names or, where the value may be a secret, the variable's name."""
    return value if quotable(value) else f"${variable}"
