"""When a password or token ends by its own content: an ECR password, a JSON Web Token.

Never shows what it reads; verifies no signature.

Source: RFC 7519, 4.1.4 (``exp``); an ECR password is base64 of JSON with ``expiration``.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from time import time
from typing import Any

_JWT_PARTS = 3
# A larger number is not a time in seconds.
_LAST_S = 1e11


def expired_at(secret: str) -> float | None:
    """The moment at which a secret ended, in seconds since 1970; ``None`` where it has not."""
    ends_at_s = _ends_at_s(secret)
    return ends_at_s if ends_at_s is not None and ends_at_s < time() else None


def _ends_at_s(secret: str) -> float | None:
    parts = secret.split(".")
    is_token = len(parts) == _JWT_PARTS
    document = _document(parts[1] if is_token else secret)
    ends_at_s = document.get("exp" if is_token else "expiration")
    if isinstance(ends_at_s, bool) or not isinstance(ends_at_s, int | float):
        return None
    return float(ends_at_s) if 0 < ends_at_s < _LAST_S else None


def _document(text: str) -> dict[str, Any]:
    compact = text.translate({ord("+"): "-", ord("/"): "_"}).rstrip("=")
    try:
        found = json.loads(urlsafe_b64decode(compact + "=" * (-len(compact) % 4)))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
