"""What the cache's files say: a token, or what the last one to ask was told. Never touches a file.

A file is a few lines that are read by hand, since json and re cost more than all the rest of a
cached answer::

    docker-credential-multi token 1
    3f0c…                            the digest of its kind, its key and every line below
    created_at=1760000000.25
    …

What is torn, foreign, of another version or renamed to another key fails the digest and reads as
nothing. The digest is no signature: that nobody else writes here is the private folder's to see to.
"""

from __future__ import annotations

from cred_helper import errors
from cred_helper.credential import Credential, Secret
from cred_helper.files.fingerprints import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

TOKEN = "token"  # noqa: S105 - the name of a kind of file
FAILURE = "failure"
_NAME = "docker-credential-multi"
# Counts up when the lines change their meaning: entries of another version are misses.
_VERSION = 1

# A token for more than an hour (ECR's 12 h, ACR's 3 h) is renewed after half of its life; a shorter
# one (Google's and Entra's hour) five minutes before its end, or after half of a life that is not
# much longer than that itself.
LONG_LIFE_S = 3600.0
EARLY_S = 300.0
# A token of a shorter life is for those who were waiting for it, and for nobody after them.
LEAST_LIFE_S = 60.0
# Neither is one that nobody said the life of.
UNSAID_LIFE_S = 30.0
# A token in its last moments would end on its way to the registry.
LAST_MOMENTS_S = 10.0
# No cloud's registry token lives longer; one that claims to is asked for again after half a day.
MOST_LIFE_S = 24 * 3600.0
# Longer than any failure is of use (see renewal).
MOST_FAILURE_AGE_S = 60.0
# The year 5138: what is later is no time.
_END_OF_TIME_S = 1e11


class Entry:
    """One token as it is kept. ``scope`` is the host it opens, or what several hosts share it by.

    ``is_sealed`` says that the secret is encrypted (see sealing) and nothing to show a registry.
    Units: ``created_at`` and ``expires_at`` are seconds since 1970, as ``time.time`` has them.
    """

    __slots__ = (
        "created_at",
        "expires_at",
        "is_sealed",
        "provider",
        "scope",
        "secret",
        "source",
        "username",
    )

    def __init__(
        self,
        provider: str,
        scope: str,
        *,
        username: str,
        secret: Secret,
        source: str,
        created_at: float,
        expires_at: float,
        is_sealed: bool = False,
    ) -> None:
        self.provider = provider
        self.scope = scope
        self.username = username
        self.secret = secret
        self.source = source
        self.created_at = created_at
        self.expires_at = expires_at
        self.is_sealed = is_sealed

    @classmethod
    def of(cls, credential: Credential, provider: str, scope: str, now: float) -> Entry:
        """Make the entry of a credential that was just got."""
        said = credential.expires_at
        expires_at = now + UNSAID_LIFE_S if said is None else said.timestamp()
        return cls(
            provider,
            scope,
            username=credential.username,
            secret=credential.secret,
            source=credential.source,
            created_at=now,
            expires_at=min(expires_at, now + MOST_LIFE_S),
        )

    @classmethod
    def decode(cls, key: str, content: bytes) -> Entry | None:
        """Read the entry of a key; ``None`` where it is none."""
        try:
            fields = _decode(TOKEN, key, content)
            is_sealed = "sealed" in fields
            entry = cls(
                fields["provider"],
                fields["scope"],
                username=fields["username"],
                secret=Secret(fields["sealed" if is_sealed else "secret"]),
                source=fields["source"],
                created_at=_time(fields["created_at"]),
                expires_at=_time(fields["expires_at"]),
                is_sealed=is_sealed,
            )
        except (ValueError, KeyError):
            return None
        return entry if 0 < entry.life_s <= MOST_LIFE_S else None

    def encode(self, key: str) -> bytes:
        """Write the entry down.

        Raises:
            ValueError: a value does not fit a line; the caller keeps no such token.
        """
        name = "sealed" if self.is_sealed else "secret"
        return _encode(TOKEN, key, {**self._open_fields(), name: self.secret.expose()})

    def all_but_the_secret(self, key: str) -> bytes:
        """Write down what a sealed secret is bound to. Raises ``ValueError`` like ``encode``."""
        return _encode(TOKEN, key, self._open_fields())

    def with_secret(self, secret: str, *, is_sealed: bool) -> Entry:
        """Return the same entry with the secret in its other form."""
        return Entry(
            self.provider,
            self.scope,
            username=self.username,
            secret=Secret(secret),
            source=self.source,
            created_at=self.created_at,
            expires_at=self.expires_at,
            is_sealed=is_sealed,
        )

    def _open_fields(self) -> dict[str, str]:
        return {
            "created_at": repr(self.created_at),
            "expires_at": repr(self.expires_at),
            "provider": self.provider,
            "scope": self.scope,
            "source": self.source,
            "username": self.username,
        }

    @property
    def life_s(self) -> float:
        """How long it lives in all."""
        return self.expires_at - self.created_at

    def is_fresh(self, now: float) -> bool:
        """Whether it is used without a thought of renewing it."""
        half_at = self.created_at + self.life_s / 2
        stale_at = half_at if self.life_s > LONG_LIFE_S else max(half_at, self.expires_at - EARLY_S)
        return self.life_s >= LEAST_LIFE_S and self.created_at <= now < stale_at

    def is_valid(self, now: float) -> bool:
        """Whether it still opens anything. Made later than now, the clock was set back since."""
        return self.created_at <= now < self.expires_at - LAST_MOMENTS_S

    def is_over(self, now: float) -> bool:
        """Whether it will never be used again.

        One from the future may have been written since the caller looked at its clock. One from
        beyond a day is of a clock that was wrong.
        """
        return not self.created_at - MOST_LIFE_S <= now < self.expires_at

    def credential(self) -> Credential:
        """Return what a registry is shown."""
        return Credential(self.username, self.secret, expires_at=self._expiry, source=self.source)

    def _expiry(self) -> datetime:
        from datetime import UTC, datetime

        return datetime.fromtimestamp(self.expires_at, UTC)


class Failure:
    """What one process was told, for those who would be told the same.

    Units: ``told_at`` is in seconds since 1970.
    """

    __slots__ = ("error", "told_at")

    def __init__(self, error: errors.NotFound | errors.ProviderError, told_at: float) -> None:
        self.error = error
        self.told_at = told_at

    @classmethod
    def decode(cls, key: str, content: bytes) -> Failure | None:
        """Read the failure of a key; ``None`` where it is none."""
        try:
            fields = _decode(FAILURE, key, content)
            error = _SHARED[fields["error"]](fields["reason"], hint=fields["hint"] or None)
            return cls(error, _time(fields["told_at"]))
        except (ValueError, KeyError):
            return None

    def is_over(self, now: float) -> bool:
        """Whether it will never be told again."""
        return abs(now - self.told_at) > MOST_FAILURE_AGE_S

    def encode(self, key: str) -> bytes:
        """Write the failure down. Raises ``ValueError`` where its text is none."""
        fields = {
            "told_at": repr(self.told_at),
            "error": type(self.error).__name__,
            "reason": " ".join(self.error.reason.split()),
            "hint": " ".join((self.error.hint or "").split()),
        }
        return _encode(FAILURE, key, fields)


_SHARED: dict[str, type[errors.NotFound | errors.ProviderError]] = {
    error.__name__: error
    for error in (
        errors.NotFound,
        errors.Denied,
        errors.AnonymousAllowed,
        errors.Unreachable,
        errors.BadReply,
        errors.Misconfigured,
    )
}


def _encode(kind: str, key: str, fields: Mapping[str, str]) -> bytes:
    lines = [f"{name}={value}\n" for name, value in fields.items()]
    if any(line.find("\n") != len(line) - 1 for line in lines):
        raise ValueError("a value holds a line end")
    body = "".join(lines).encode()
    return f"{_NAME} {kind} {_VERSION}\n{digest([kind, key, body])}\n".encode() + body


def _decode(kind: str, key: str, content: bytes) -> dict[str, str]:
    """Raises ``ValueError`` where the content is not of this kind, version and key."""
    title, check, body = content.split(b"\n", 2)
    if title.decode() != f"{_NAME} {kind} {_VERSION}":
        raise ValueError("another program's, or another version's")
    if check.decode() != digest([kind, key, body]):
        raise ValueError("torn, changed or moved")
    fields = {}
    for line in body.decode().split("\n")[:-1]:
        name, _, value = line.partition("=")
        fields[name] = value
    return fields


def _time(text: str) -> float:
    time = float(text)
    if not 0 <= time < _END_OF_TIME_S:
        raise ValueError("no time")
    return time
