"""Sign-in sessions: the files that ``aws sso login`` and ``aws login`` write, and their state.

Loads no SDK; parses a session's file only for its state. The SDK renews a session while ``renewal``
holds its lock.

Sources:
  https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sso.html
  https://docs.aws.amazon.com/sdkref/latest/guide/feature-login-credentials.html
"""

from __future__ import annotations

import os
import sys

from cred_helper import files
from cred_helper.providers.ecr.configuration import expanded
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# A session is a few KiB; of a larger file only this much is read.
_MAX_FILE_BYTES = 1 << 20
# The SDK renews a session that ends within this time, or sooner.
_RENEWED_BEFORE_END_S = 16 * 60
# The fields that the SDK uses: those of an ``aws login``, and those that not every session has.
_KEYS = ("accessKeyId", "secretAccessKey", "sessionToken", "accountId")
_TEXTS = ("clientId", "clientSecret", "refreshToken", "dpopKey")
_REGISTERED_UNTIL = "registrationExpiresAt"
_ANY_TIME = "2000-01-01T00:00:00Z"
# The folder of sessions where there is no home folder: nothing can be in it.
NOWHERE = os.devnull


class Session(Record):
    """One sign-in session, by the folder and the name of its file."""

    folder: str
    key: str
    is_renewable_kind: bool

    def mark(self) -> str:
        """A digest of an SSO session, which differs between users; empty without a session.

        A renewal changes it too. The file does not name its user, and what a renewal keeps
        (``clientId``) is the CLI's own registration, which a sign-out leaves for the next user.

        Source: https://github.com/aws/aws-cli/blob/v2/awscli/customizations/sso/logout.py
        """
        from cred_helper.files.fingerprints import digest

        content = self.read()
        return digest([content]) if content else ""

    def state(self) -> str:
        """The state of the session by its file: ``missing``, ``damaged``, ``ended``, ``good``.

        A session that the SDK can renew is ``good`` after its end too.
        """
        if not files.exists(self.path):
            return "missing"
        content = self._content()
        if _wrong_field(content):
            return "damaged"
        can_renew = self.is_renewable_kind and content.get("refreshToken")
        return "good" if (_left_s(content) or 0) > 0 or can_renew else "ended"

    def wrong_field(self) -> str | None:
        """A field of the session's file that is missing or invalid."""
        return _wrong_field(self._content())

    def is_valid(self) -> bool:
        return (_left_s(self._content()) or 0) > 0

    def needs_renewal(self) -> bool:
        if not self.is_renewable_kind:
            return False
        left_s = _left_s(self._content())
        return left_s is None or left_s < _RENEWED_BEFORE_END_S

    def read(self) -> bytes:
        """The content of the session's file; empty where it cannot be read."""
        try:
            return files.read(self.path, _MAX_FILE_BYTES)
        except OSError:
            return b""

    @property
    def path(self) -> str:
        return os.path.join(self.folder, f"{self.key}.json")

    def _content(self) -> dict[str, Any]:
        from cred_helper.files.json_file import parse_object

        files.unrecorded()  # what it says depends on the time
        return parse_object(self.read())


def of_sso(name: str | None, start_url: str) -> Session:
    """The session of an ``sso-session`` section, or without one, of a start URL."""
    key = _sha1(name if name is not None else start_url)
    return Session(expanded("~/.aws/sso/cache") or NOWHERE, key, name is not None)


def of_login(name: str, environ: Mapping[str, str]) -> Session:
    folder = expanded(environ.get("AWS_LOGIN_CACHE_DIRECTORY", "~/.aws/login/cache"))
    return Session(folder or NOWHERE, _sha256(name), is_renewable_kind=True)


def _wrong_field(content: dict[str, Any]) -> str | None:
    token = content.get("accessToken")
    needed, holder = (_KEYS, token) if isinstance(token, dict) else (("accessToken",), content)
    values = {name: holder.get(name) for name in needed}
    values |= {name: content[name] for name in _TEXTS if content.get(name) is not None}
    wrong = [name for name, value in values.items() if not (value and isinstance(value, str))]
    if _left_s(content) is None:
        wrong.append("expiresAt")
    if _until_s(content.get(_REGISTERED_UNTIL, _ANY_TIME)) is None:
        wrong.append(_REGISTERED_UNTIL)
    return wrong[0] if wrong else None


def _left_s(content: dict[str, Any]) -> float | None:
    """The seconds until a session ends; ``None`` where its file does not say the time."""
    token = content.get("accessToken")
    holder = token if isinstance(token, dict) else content
    return _until_s(holder.get("expiresAt")) if token else None


def _until_s(text: object) -> float | None:
    if not isinstance(text, str):
        return None
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text.replace("UTC", "+00:00"))
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime.now(UTC)).total_seconds()


# hashlib would load OpenSSL before every cached answer; the extension modules alone do not.


def _sha1(text: str) -> str:
    try:
        from _sha1 import sha1
    except ImportError:
        from hashlib import sha1
    digest: str = sha1(text.encode("utf-8")).hexdigest()  # noqa: S324 - the CLI names files so
    return digest


def _sha256(text: str) -> str:
    try:
        if sys.version_info >= (3, 12):
            from _sha2 import sha256
        else:
            from _sha256 import sha256
    except ImportError:
        from hashlib import sha256
    digest: str = sha256(text.encode("utf-8")).hexdigest()
    return digest
