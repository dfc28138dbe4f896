"""Credentials: a user name, a secret, and until when it is valid.

Never prints, formats or pickles a secret: ``Secret.expose()`` is the only way out.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import NoReturn

# The user name that marks an identity token: a secret for the registry's token endpoint.
# Source: https://github.com/docker/cli/blob/master/cli/config/credentials/native_store.go
IDENTITY_TOKEN = "<token>"  # noqa: S105 - a user name
# The user name that marks whole headers of HTTP: a line of each, with a tab between them.
HEADERS = "<headers>"


class Secret:
    """A password, token or key. No text of it shows the value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def expose(self) -> str:
        """Return the secret. Every call needs a look in a review."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled")


class Credential:
    """A user name and a secret for a registry.

    ``expires_at`` is an aware UTC time, or seconds since 1970 as the cache has them, or ``None``
    where it is not known. ``source`` says in messages where the credential is from.
    """

    def __init__(
        self,
        username: str,
        secret: Secret,
        *,
        expires_at: datetime | float | None = None,
        source: str = "",
    ) -> None:
        self.username = username
        self.secret = secret
        self._expires_at = expires_at
        self.source = source

    @property
    def expires_at(self) -> datetime | None:
        """Until when the secret is valid, if that is known."""
        if not isinstance(self._expires_at, float):
            return self._expires_at
        from datetime import UTC, datetime

        return datetime.fromtimestamp(self._expires_at, UTC)

    @property
    def expires_at_s(self) -> float | None:
        """The same in seconds since 1970. Loads no datetime for what the cache has."""
        end = self._expires_at
        return end if end is None or isinstance(end, float) else end.timestamp()

    @property
    def words(self) -> str:
        """The credential in a message. Some registries take a token for the user name too."""
        from cred_helper.secret_shapes import shown

        return (
            f"a credential for {shown(self.username)}" if self.username else "an empty credential"
        )

    @property
    def basic(self) -> str:
        """The value of the header Authorization that has the user name and the secret."""
        from binascii import b2a_base64

        plain = f"{self.username}:{self.secret.expose()}".encode("utf-8", "surrogateescape")
        return f"Basic {b2a_base64(plain, newline=False).decode()}"

    def __repr__(self) -> str:
        return f"Credential({self.username!r}, {self.secret!r}, source={self.source!r})"
