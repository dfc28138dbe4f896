"""One question to a registry, the way a client asks it: is this credential let in at ``/v2/``?

A credential goes to the host it is for and nowhere else: no redirect is followed, and a token
endpoint on another host is named, not asked.

Source: https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

if TYPE_CHECKING:
    from email.message import Message

    from cred_helper.credential import Credential

TIMEOUT_S = 10.0
_MAX_REPLY_BYTES = 1 << 20
_PARAMETER = re.compile(r'([a-z]+)="([^"]*)"')
# The null user name of an identity token, which only the token endpoint takes.
_IDENTITY_TOKEN = "<token>"  # noqa: S105 - a user name


class Pinged:
    """What the registry said: let in or not, and in words."""

    def __init__(self, let_in: bool, said: str) -> None:
        self.let_in = let_in
        self.said = said


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def ping(host: str, credential: Credential | None) -> Pinged:
    """Ask ``https://HOST/v2/``, with a credential if there is one."""
    opener = build_opener(_NoRedirect, HTTPSHandler())

    def fetch(url: str, headers: dict[str, str], form: dict[str, str] | None = None) -> bytes:
        data = urlencode(form).encode() if form is not None else None
        request = Request(url, data=data, headers=headers)  # noqa: S310 - always https
        with opener.open(request, timeout=TIMEOUT_S) as reply:
            return bytes(reply.read(_MAX_REPLY_BYTES))

    url = f"https://{host}/v2/"
    try:
        try:
            fetch(url, {})
            return Pinged(True, "it lets anybody in")
        except HTTPError as error:
            if error.code != 401:
                return Pinged(False, f"HTTP {error.code}")
            scheme, parameters = _challenge(error.headers)
        if credential is None:
            return Pinged(True, "it answers, and asks for credentials")
        basic = f"{credential.username}:{credential.secret.expose()}"
        authorization = f"Basic {b64encode(basic.encode()).decode()}"
        if scheme == "bearer":
            realm = parameters.get("realm", "")
            if urlsplit(realm)[:2] != ("https", host):
                return Pinged(True, f"it answers; tokens come from {urlsplit(realm).hostname}")
            query = {"service": parameters.get("service", "")}
            if credential.username == _IDENTITY_TOKEN:
                form = query | {
                    "grant_type": "refresh_token",
                    "refresh_token": credential.secret.expose(),
                }
                reply = fetch(realm, {}, form)
            else:
                reply = fetch(f"{realm}?{urlencode(query)}", {"Authorization": authorization})
            document = json.loads(reply)
            token = document.get("token") or document["access_token"]
            authorization = f"Bearer {token}"
        fetch(url, {"Authorization": authorization})
    except HTTPError as error:
        return Pinged(False, f"HTTP {error.code}: it does not let this credential in")
    except (URLError, HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        return Pinged(
            False, f"no answer: {getattr(reason, 'strerror', None) or type(reason).__name__}"
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return Pinged(False, "its token endpoint does not answer with a token")
    return Pinged(True, "it lets this credential in")


def _challenge(headers: Message) -> tuple[str, dict[str, str]]:
    scheme, _, rest = (headers.get("WWW-Authenticate") or "").partition(" ")
    return scheme.lower(), dict(_PARAMETER.findall(rest))
