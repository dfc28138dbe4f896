"""What a login comes to: whom its credential is given to, and from whom a logout takes it.

A helper that config.json names owns what it is named for. What nobody owns is kept in the keychain
that docker would choose on this machine, or in our own store where none works; of a cloud's
registry nothing is kept, because its credentials are made when they are asked for. Never kept
twice, and never dropped without a word.
"""

from __future__ import annotations

import os
import sys

from cred_helper.errors import Misconfigured, ProviderError
from cred_helper.fallback import child
from cred_helper.fallback.helper import Helper, Unsupported
from cred_helper.files import user_folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cred_helper.credential import Credential
    from cred_helper.fallback.store import FileStore
    from cred_helper.server_url import ServerURL

    Warn = Callable[..., None]


class Login:
    """Where logins to one registry go: to the first owner that keeps things, or to the rest.

    An owner that is named and cannot be asked is in its place as the error that says why.
    """

    __slots__ = ("_owners", "_rest", "name")

    def __init__(self, owners: Iterable[Helper | ProviderError], rest: Unowned) -> None:
        self.name = "login"
        self._owners = owners
        self._rest = rest

    def store(self, server_url: ServerURL, credential: Credential) -> None:
        """Keep a credential.

        Raises:
            ProviderError: its owner is known and cannot take it, or cannot be known.
        """
        for owner in self._owners:
            if isinstance(owner, ProviderError):
                raise owner
            try:
                owner.store(server_url, credential)
            except Unsupported:
                continue  # a read-only helper: what it does not keep, the next one does
            except ProviderError as error:
                what = f"{owner.name} keeps no login to {server_url.redacted_host}"
                raise _told(what, error) from None
            return
        self._rest.store(server_url, credential)

    def erase(self, server_url: ServerURL) -> None:
        """Have everybody forget who could be asked for it.

        Raises:
            ProviderError: one of them could not; the others have.
        """
        failures = []
        for owner in self._owners:
            if isinstance(owner, ProviderError):
                failures.append(owner)
                continue
            try:
                owner.erase(server_url)
            except ProviderError as error:
                what = f"{owner.name} does not forget {server_url.redacted_host}"
                failures.append(_told(what, error))
        self._rest.erase(server_url)
        if failures:
            raise failures[0]


class Kept:
    """What nobody owns: in this machine's keychain where one works, or in our own store."""

    __slots__ = ("_keychain", "_own", "_warn")

    def __init__(self, own: FileStore, keychain: Helper | None, warn: Warn) -> None:
        self._own = own
        self._keychain = keychain
        self._warn = warn

    def store(self, server_url: ServerURL, credential: Credential) -> None:
        """Keep it in one of the two, so that no older one comes back from the other."""
        if self._keychain is not None:
            try:
                self._keychain.store(server_url, credential)
            except ProviderError as error:
                failed = f"{self._keychain.name} does not work here ({error.reason})"
                self._warn(f"{failed}; the login is kept in {self._own.name}", error.hint)
            else:
                self._erase_own(server_url)
                return
        try:
            self._own.store(server_url, credential)
        except ProviderError as error:
            raise _told(self._own.name, error) from None

    def erase(self, server_url: ServerURL) -> None:
        """Forget it wherever it may have been kept."""
        if self._keychain is not None:
            try:
                self._keychain.erase(server_url)
            except ProviderError as error:
                self._warn(f"{self._keychain.name} does not work here: {error.reason}", error.hint)
        self._erase_own(server_url)

    def _erase_own(self, server_url: ServerURL) -> None:
        try:
            self._own.erase(server_url)
        except ProviderError as error:
            raise _told(self._own.name, error) from None


class Unowned:
    """A login that no helper owns: not kept where something else answers for the registry.

    ``answered_by`` says what answers, or ``None``.
    """

    __slots__ = ("_answered_by", "_fails", "_kept", "_warn")

    def __init__(
        self, answered_by: Callable[[], str | None], kept: Kept, warn: Warn, *, fails: bool
    ) -> None:
        self._answered_by = answered_by
        self._kept = kept
        self._warn = warn
        self._fails = fails

    def store(self, server_url: ServerURL, credential: Credential) -> None:
        """Keep the login, or say that it is not kept: a login by a script must not fail for it."""
        source = self._answered_by()
        if source is None:
            self._kept.store(server_url, credential)
            return
        not_kept = Misconfigured(
            "store.answered-otherwise", host=server_url.redacted_host, source=source
        )
        if self._fails:
            raise not_kept
        self._warn(not_kept)

    def erase(self, server_url: ServerURL) -> None:
        """Remove a login that was kept before."""
        self._kept.erase(server_url)


def _told(what: str, error: ProviderError) -> ProviderError:
    return type(error)(f"{what}: {error.reason}", hint=error.hint)


def keychain_name(environ: Mapping[str, str], platform: str = sys.platform) -> str | None:
    """The helper of the keychain that docker chooses on such a machine, if it may work there.

    Source: https://github.com/docker/cli/tree/master/cli/config/credentials, default_store*.go
    """
    if platform == "darwin":
        return "osxkeychain"
    if platform == "win32":
        return "wincred"
    password_store = environ.get("PASSWORD_STORE_DIR") or os.path.join(
        user_folders.home(environ), ".password-store"
    )
    if child.find("pass", environ) and os.path.exists(os.path.join(password_store, ".gpg-id")):
        return "pass"
    runtime = user_folders.runtime(environ)
    if environ.get("DBUS_SESSION_BUS_ADDRESS") or (
        runtime and os.path.exists(os.path.join(runtime, "bus"))
    ):
        return "secretservice"
    return None
