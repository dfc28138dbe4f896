"""Logins that contain the time of their end: an ECR password, a JSON web token.

Never shows what it reads; verifies no signature.

Source: RFC 7519, 4.1.4 (``exp``); an ECR password is base64 of JSON with ``expiration``.
"""

from __future__ import annotations

from cred_helper.errors import Denied

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cred_helper.credential import Credential
    from cred_helper.server_url import ServerURL

_JWT_PARTS = 3
# Both are base64 of a JSON object.
_BEGINNING = "eyJ"
# A larger number is not a time in seconds.
_LAST_S = 1e11
# The clock of a machine may be some minutes ahead of the registry's.
_SKEW_S = 300.0


class Expired(Denied):
    """A login has expired. The caller asks the next source."""


def unexpired(credential: Credential, server_url: ServerURL) -> Credential:
    """The credential, if it has not expired.

    Raises:
        Expired: it has. A registry would refuse it.
    """
    ended_at_s = expired_at(credential.secret.expose())
    if ended_at_s is None:
        return credential
    from time import gmtime, strftime

    when = strftime("%Y-%m-%d %H:%M UTC", gmtime(ended_at_s))
    raise Expired("fallback.login-expired", when=when, host=server_url.redacted_host)


def expired_at(secret: str) -> float | None:
    """The moment at which a secret ended, in seconds since 1970; ``None`` where it has not."""
    if not secret.startswith(_BEGINNING):
        return None
    from time import time

    ends_at_s = _ends_at_s(secret)
    return ends_at_s if ends_at_s is not None and ends_at_s + _SKEW_S < time() else None


def _ends_at_s(secret: str) -> float | None:
    parts = secret.split(".")
    is_token = len(parts) == _JWT_PARTS
    document = _document(parts[1] if is_token else secret)
    ends_at_s = document.get("exp" if is_token else "expiration")
    if isinstance(ends_at_s, bool) or not isinstance(ends_at_s, int | float):
        return None
    return float(ends_at_s) if 0 < ends_at_s < _LAST_S else None


def _document(text: str) -> dict[str, Any]:
    from base64 import urlsafe_b64decode

    from cred_helper.files.json_file import parse_object

    compact = text.translate({ord("+"): "-", ord("/"): "_"}).rstrip("=")
    try:
        return parse_object(urlsafe_b64decode(compact + "=" * (-len(compact) % 4)))
    except ValueError:
        return {}
