"""The format of the cache's files: a token, or the failure of the last attempt. Reads no file.

A file is a few lines. They are parsed here, because importing json or re takes longer than the rest
of a cached answer::

    docker-credential-multi token 1
    3f0c…                            the digest of its kind, its key and every line below
    created_at=1760000000.25
    …

A file that is incomplete, changed, renamed to another key or of another version does not match its
digest, and counts as absent. The digest is not a signature: the folder is private, so that other
users cannot write to it.
"""

from __future__ import annotations

from cred_helper import errors
from cred_helper.credential import Credential, Secret
from cred_helper.files.fingerprints import digest
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN = "token"  # noqa: S105 - the name of a kind of file
FAILURE = "failure"
_NAME = "docker-credential-multi"
# Increase it when the meaning of the lines changes. An entry of another version is a miss.
_VERSION = 1

# A token that lives for more than an hour (ECR's 12 h, ACR's 3 h) is renewed after half of its
# life. A shorter one (Google's and Entra's 1 h) is renewed five minutes before its end, and at the
# earliest after half of its life.
# buildx uses an answer for 4 min 50 s: https://github.com/docker/buildx/issues/3977
LONG_LIFE_S = 3600.0
EARLY_S = 300.0
# A token with a shorter life is used only by the processes that wait for it.
MIN_LIFE_S = 60.0
# The assumed life of a token without an expiry: only the waiting processes use it.
UNKNOWN_LIFE_S = 30.0
# A client asks several times in a row. A token that never reaches min_life_s is not renewed each
# time: it is used for this long.
NEW_FOR_S = 60.0
# A token can expire on its way to the registry: it is not used in its last seconds.
LAST_MOMENTS_S = 10.0
# No registry token of a cloud lives longer. A later expiry counts as this one.
MAX_LIFE_S = 24 * 3600.0
# The longest time for which renewal uses a failure.
MAX_FAILURE_AGE_S = 60.0
# The year 5138. This program never writes a later time.
_MAX_TIME_S = 1e11


class Entry(Record):
    """One token in the cache.

    ``scope`` names the host, or the group of hosts, that accepts it. ``is_sealed`` is whether the
    secret is encrypted (see sealing).
    Units: ``created_at`` and ``expires_at`` are seconds since 1970, as ``time.time`` has them.
    """

    provider: str
    scope: str
    username: str
    secret: Secret
    source: str
    created_at: float
    expires_at: float
    host: str = ""
    is_sealed: bool = False

    @classmethod
    def of(
        cls, credential: Credential, provider: str, scope: str, now: float, *, host: str = ""
    ) -> Entry:
        end = credential.expires_at_s
        expires_at = now + UNKNOWN_LIFE_S if end is None else end
        ends_at = min(expires_at, now + MAX_LIFE_S)
        username, secret, source = credential.username, credential.secret, credential.source
        return cls(provider, scope, username, secret, source, now, ends_at, host)

    @classmethod
    def decode(cls, key: str, content: bytes) -> Entry | None:
        """Parse the entry of a key; ``None`` if the content is not valid for this key."""
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
                host=fields.get("host", ""),
                is_sealed=is_sealed,
            )
        except (ValueError, KeyError):
            return None
        return entry if 0 < entry.life_s <= MAX_LIFE_S else None

    def encode(self, key: str) -> bytes:
        """Format the entry.

        Raises:
            ValueError: a value does not fit on a line; the caller does not keep the token.
        """
        name = "sealed" if self.is_sealed else "secret"
        return _encode(TOKEN, key, {**self._open_fields(), name: self.secret.expose()})

    def bound_data(self, key: str) -> bytes:
        """All fields but the secret, which the encryption authenticates. Raises ``ValueError``."""
        return _encode(TOKEN, key, self._open_fields())

    def with_secret(self, secret: str, *, is_sealed: bool) -> Entry:
        """The same entry with its secret encrypted or decrypted."""
        return self.but(secret=Secret(secret), is_sealed=is_sealed)

    def _open_fields(self) -> dict[str, str]:
        return {
            "created_at": repr(self.created_at),
            "expires_at": repr(self.expires_at),
            **({"host": self.host} if self.host else {}),
            "provider": self.provider,
            "scope": self.scope,
            "source": self.source,
            "username": self.username,
        }

    @property
    def life_s(self) -> float:
        return self.expires_at - self.created_at

    def lives_for(self, min_life_s: float, now: float) -> bool:
        """Whether it is valid for that long, or has a shorter life and is a minute old at most."""
        return self.expires_at - now >= min(min_life_s, self.life_s - NEW_FOR_S)

    @property
    def stale_at(self) -> float:
        half_at = self.created_at + self.life_s / 2
        return half_at if self.life_s > LONG_LIFE_S else max(half_at, self.expires_at - EARLY_S)

    def is_fresh(self, now: float, min_life_s: float = 0.0) -> bool:
        """Whether it is used without a renewal."""
        is_new = self.life_s >= MIN_LIFE_S and self.created_at <= now < self.stale_at
        return is_new and self.lives_for(min_life_s, now)

    def fresh_until(self, min_life_s: float) -> float:
        """The time from which ``is_fresh`` is false."""
        short_at = self.expires_at - min(min_life_s, self.life_s - NEW_FOR_S)
        return min(self.stale_at, short_at)

    def is_valid(self, now: float) -> bool:
        """Whether registries accept it. A later ``created_at`` means the clock was set back."""
        return self.created_at <= now < self.expires_at - LAST_MOMENTS_S

    def is_over(self, now: float) -> bool:
        """Whether it can be removed.

        A ``created_at`` shortly after ``now`` is from a process that read its clock later. One
        that is more than a day after ``now`` is from a wrong clock.
        """
        return not self.created_at - MAX_LIFE_S <= now < self.expires_at

    def credential(self) -> Credential:
        return Credential(
            self.username, self.secret, expires_at=self.expires_at, source=self.source
        )


class Slot(Record):
    """The cache keys of one answer.

    A token is kept under ``key``; its ``scope`` names the hosts that accept it. ``NotFound`` is
    kept under ``identity_key``, because it applies to every host. ``is_determined`` is whether a
    program was run to determine the identity.
    """

    key: str
    identity_key: str
    scope: str
    is_determined: bool


class Failure(Record):
    """The failure of one process, which the processes that wait for its answer raise too.

    The lines have the codes and values of its message: ``0.code``, ``0.value.host``, and the same
    with ``1`` for the message that contains it. Units: ``at`` is in seconds since 1970.
    """

    error: errors.NotFound | errors.ProviderError
    at: float

    @classmethod
    def decode(cls, key: str, content: bytes) -> Failure | None:
        try:
            fields = _decode(FAILURE, key, content)
            kind, code = _kind(fields["error"]), fields["0.code"]
            error = kind(code, hint=fields.get("hint"), **_values(fields, 0))
            level = 1
            while outer := fields.get(f"{level}.code"):
                error = error.within(outer, **_values(fields, level))
                level += 1
            failure = cls(error, _time(fields["at"]))
            _ = error.line, error.hint  # another version may not know the code
        except (ValueError, KeyError, ImportError):
            return None
        return failure

    def is_over(self, now: float) -> bool:
        return abs(now - self.at) > MAX_FAILURE_AGE_S

    def encode(self, key: str) -> bytes:
        """Format the failure. Raises ``ValueError`` if a value is not Unicode."""
        kind = next(k for k in type(self.error).__mro__ if k.__module__ == errors.__name__)
        fields = {"at": repr(self.at), "error": kind.__name__}
        if self.error.own_hint is not None:
            fields["hint"] = self.error.own_hint
        for level, (code, values) in enumerate(self.error.parts):
            fields[f"{level}.code"] = code
            for name, value in values.items():
                fields[f"{level}.value.{name}"] = str(value)
        one_line = {name: " ".join(value.split()) for name, value in fields.items()}
        return _encode(FAILURE, key, one_line)


def _kind(name: str) -> type[errors.NotFound | errors.ProviderError]:
    kinds: tuple[type[errors.NotFound | errors.ProviderError], ...] = (
        errors.NotFound,
        errors.ProviderError,
        *errors.ProviderError.__subclasses__(),
    )
    return {kind.__name__: kind for kind in kinds if kind.__module__ == errors.__name__}[name]


def _values(fields: Mapping[str, str], level: int) -> dict[str, str]:
    lead = f"{level}.value."
    return {name.removeprefix(lead): fields[name] for name in fields if name.startswith(lead)}


def _encode(kind: str, key: str, fields: Mapping[str, str]) -> bytes:
    lines = [f"{name}={value}\n" for name, value in fields.items()]
    if any(line.find("\n") != len(line) - 1 for line in lines):
        raise ValueError("a value has a line break")
    body = "".join(lines).encode()
    return f"{_NAME} {kind} {_VERSION}\n{digest([kind, key, body])}\n".encode() + body


def _decode(kind: str, key: str, content: bytes) -> dict[str, str]:
    """Parse the lines. Raises ``ValueError`` if kind, version or key is another one."""
    title, check, body = content.split(b"\n", 2)
    if title.decode() != f"{_NAME} {kind} {_VERSION}":
        raise ValueError("another kind or version")
    if check.decode() != digest([kind, key, body]):
        raise ValueError("incomplete, changed or renamed")
    fields = {}
    for line in body.decode().split("\n")[:-1]:
        name, _, value = line.partition("=")
        fields[name] = value
    return fields


def _time(text: str) -> float:
    time = float(text)
    if not 0 <= time < _MAX_TIME_S:
        raise ValueError("not a time")
    return time
