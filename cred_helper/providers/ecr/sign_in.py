"""Sign-in sessions: what ``aws sso login`` and ``aws login`` leave, and the lock of their renewal.

A session's refresh token can be spent by the first request that shows it, so of all processes and
threads one renews a session while the others wait, and then read the renewed session. The renewal
itself is the SDK's. Loads no SDK; reads a session's file only to say what state the session is in.

Sources:
  https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sso.html
  https://docs.aws.amazon.com/sdkref/latest/guide/feature-login-credentials.html
"""

from __future__ import annotations

import os
import sys

from cred_helper import files
from cred_helper.providers.ecr.configuration import expanded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

    from cred_helper.providers.common.interface import Deadline

# A session is a few KiB; of a larger file only this much is read.
_MAX_FILE_BYTES = 1 << 20
# The SDK renews a session that ends within this time, or sooner.
_RENEWED_BEFORE_END_S = 16 * 60
# The file of the locks, beside the sessions: it is found by everything that shares them.
_LOCKS = ".docker-credential-multi.lock"
_PAUSE_S = 0.02
# The folder of sessions where there is no home folder: nothing can be in it.
NOWHERE = os.devnull


class Session:
    """One sign-in session: the file that the CLI keeps it in, and the command that starts it."""

    __slots__ = ("_folder", "_key", "command", "is_renewable_kind")

    def __init__(self, folder: str, key: str, command: str, *, is_renewable_kind: bool) -> None:
        self._folder = folder
        self._key = key
        self.command = command
        self.is_renewable_kind = is_renewable_kind

    @classmethod
    def sso(cls, name: str | None, start_url: str) -> Session:
        """The session of an ``sso-session`` section; of a start URL where there is no section."""
        key = _sha1(name if name is not None else start_url)
        folder = expanded("~/.aws/sso/cache") or NOWHERE
        return cls(folder, key, "aws sso login", is_renewable_kind=name is not None)

    @classmethod
    def login(cls, name: str, environ: Mapping[str, str]) -> Session:
        """The session that ``aws login`` starts."""
        folder = expanded(environ.get("AWS_LOGIN_CACHE_DIRECTORY", "~/.aws/login/cache"))
        return cls(folder or NOWHERE, _sha256(name), "aws login", is_renewable_kind=True)

    @property
    def path(self) -> str:
        """The session's file."""
        return os.path.join(self._folder, f"{self._key}.json")

    @property
    def exists(self) -> bool:
        """Whether the session was started, and no sign-out has removed it."""
        return files.exists(self.path)

    def mark(self) -> str:
        """The part of the session's file that a renewal keeps and a new sign-in changes.

        The CLI registers itself anew after a sign-out, and the SDK renews a session as the client
        that it was registered as. A session that cannot be renewed changes by a sign-in alone. The
        file is not parsed: that would load more than the rest of a cached answer.
        """
        try:
            content = files.read(self.path, _MAX_FILE_BYTES)
        except OSError:
            return ""
        if self.is_renewable_kind and b'"refreshToken"' in content:
            _, _, client = content.partition(b'"clientId"')
            content = client.partition(b'"')[2].partition(b'"')[0]
        from cred_helper.files.fingerprints import digest

        return digest([content])

    @property
    def folder(self) -> str:
        """The folder of the session's file, which a renewal writes to."""
        return self._folder

    def is_valid(self) -> bool:
        """Whether the session has not ended yet."""
        from time import time

        return (_expires_at_s(self._content()) or 0) > time()

    def state(self) -> str:
        """The state of the session by its own word: ``missing``, ``damaged``, ``ended``, ``good``.

        A session that the SDK can renew is ``good`` after its end too.
        """
        if not self.exists:
            return "missing"
        content = self._content()
        expires_at_s = _expires_at_s(content)
        if expires_at_s is None:
            return "damaged"
        from time import time

        if expires_at_s > time():
            return "good"
        return "good" if self.is_renewable_kind and content.get("refreshToken") else "ended"

    def needs_renewal(self) -> bool:
        """Whether the SDK would renew the session now."""
        if not self.is_renewable_kind:
            return False
        expires_at_s = _expires_at_s(self._content())
        from time import time

        return expires_at_s is None or expires_at_s - time() < _RENEWED_BEFORE_END_S

    def _content(self) -> dict[str, Any]:
        from json import loads

        files.unrecorded()  # what it says depends on the time
        try:
            content = loads(files.read(self.path, _MAX_FILE_BYTES))
        except (OSError, ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) else {}

    def renewal(self, deadline: Deadline) -> Renewal:
        """The right to renew the session; to be held while the SDK gets its keys."""
        return Renewal(self, self._folder, self._key, deadline)


class Renewal:
    """The one renewal of a session, among all threads and processes that use its folder.

    Entering waits for the one before. Where the session does not need a renewal, also after
    waiting, nothing is held. Where no lock can be had at the deadline's end, the SDK goes on.
    """

    def __init__(self, session: Session, folder: str, key: str, deadline: Deadline) -> None:
        self._session = session
        self._folder = folder
        self._key = key
        self._deadline = deadline
        self._release: list[Any] = []

    def __enter__(self) -> Self:
        from threading import Lock
        from time import sleep

        if not self._session.needs_renewal():
            return self
        here = _in_process.setdefault("", Lock())
        # A third of the time is left for the renewal itself and for the token.
        wait_s = self._deadline.remaining_s() * 2 / 3
        until = self._deadline.remaining_s() - wait_s
        if not here.acquire(timeout=wait_s):
            return self
        self._release.append(here.release)
        locks = self._locks()
        if locks is not None:
            self._release.append(locks.close)
            while not locks.acquire(_lock_key(self._key)) and self._deadline.remaining_s() > until:
                sleep(_PAUSE_S)
        if not self._session.needs_renewal():
            self.__exit__()
        return self

    def __exit__(self, *_: object) -> None:
        while self._release:
            self._release.pop()()

    def _locks(self) -> Any:
        from cred_helper.files.locks import Locks

        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        try:
            return Locks(os.open(os.path.join(self._folder, _LOCKS), flags, 0o600))
        except OSError:
            return None  # a folder that cannot be written takes no renewed session either


# The one renewal of this process: file locks do not hold between threads, and a process loses them
# all when it closes the file once.
_in_process: dict[str, Any] = {}


def _lock_key(key: str) -> str:
    """The hexadecimal digits that choose a lock's byte."""
    return key[:32]


def _expires_at_s(content: dict[str, Any]) -> float | None:
    """When a session ends, as seconds since 1970; ``None`` where the file does not say it."""
    token = content.get("accessToken")
    holder = token if isinstance(token, dict) else content
    text = holder.get("expiresAt")
    if not token or not isinstance(text, str):
        return None
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text.replace("UTC", "+00:00"))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


# hashlib would load OpenSSL before every cached answer; the extension modules alone do not.


def _sha1(text: str) -> str:
    try:
        from _sha1 import sha1  # type: ignore[import-not-found]
    except ImportError:
        from hashlib import sha1
    digest: str = sha1(text.encode("utf-8")).hexdigest()  # noqa: S324 - the CLI names files so
    return digest


def _sha256(text: str) -> str:
    try:
        if sys.version_info >= (3, 12):
            from _sha2 import sha256
        else:
            from _sha256 import sha256  # type: ignore[import-not-found]
    except ImportError:
        from hashlib import sha256
    digest: str = sha256(text.encode("utf-8")).hexdigest()
    return digest
