"""What a token says of itself: read without being verified, and so never what anything rests on.

Source: https://www.rfc-editor.org/rfc/rfc7519#section-3
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

# A registry's refresh token lives for three hours; one that claims more is not believed.
LONGEST_LIFE = timedelta(hours=3)


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is, or an empty one."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def claims(token: str) -> dict[str, Any]:
    """The claims of a token, or none where it is not a signed JWT: Entra promises no such form."""
    payload = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        return json_object(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return {}


def expiry(refresh_token: str, now: datetime) -> datetime | None:
    """When a registry's token ends, as far as its word is believed; ``None`` where it is silent."""
    ends_at = claims(refresh_token).get("exp")
    if not isinstance(ends_at, int | float) or isinstance(ends_at, bool):
        return None
    try:
        return min(datetime.fromtimestamp(ends_at, UTC), now + LONGEST_LIFE)
    except (ValueError, OverflowError, OSError):
        return None
