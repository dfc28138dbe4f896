"""Where a login is kept, and from where a logout erases it.

A helper that config.json names keeps the logins that it is named for. All others are kept in the
keychain that docker would choose on this machine or, if that does not work, in our own store; for a
cloud's registry none is kept, since its credentials are made when a client asks for them. No login
is kept twice, or dropped without a message.
"""

from __future__ import annotations

import os
import sys

from cred_helper import files, programs
from cred_helper.errors import CredentialError, Misconfigured, ProviderError, Unreachable
from cred_helper.fallback.expiry import Expired
from cred_helper.fallback.helper import Helper, Unsupported
from cred_helper.files import user_folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cred_helper.credential import Credential
    from cred_helper.fallback.keychain_memory import KeychainMemory
    from cred_helper.fallback.store import FileStore
    from cred_helper.server_url import ServerURL

    Warn = Callable[[CredentialError], None]


class Login:
    """A store that gives logins to their first owner that keeps any, or else to the rest.

    An owner that is named and cannot be used is there as the error that says why.
    """

    __slots__ = ("_owners", "_rest", "name")

    def __init__(self, owners: Iterable[Helper | ProviderError], rest: Unowned) -> None:
        self.name = "login"
        self._owners = owners
        self._rest = rest

    def store(self, server_url: ServerURL, credential: Credential) -> None:
        """Keep a credential.

        Raises:
            ProviderError: its owner cannot keep it, or cannot be determined.
        """
        for owner in self._owners:
            if isinstance(owner, ProviderError):
                raise owner
            try:
                owner.store(server_url, credential)
            except Unsupported:
                continue  # a read-only helper: the next one keeps it
            except ProviderError as error:
                host = server_url.redacted_host
                raise error.within("helper.cannot-keep", helper=owner.name, host=host) from None
            return
        self._rest.store(server_url, credential)

    def erase(self, server_url: ServerURL) -> bool:
        """Erase it everywhere a ``get`` looks; return whether it was anywhere.

        Raises:
            ProviderError: one of the owners failed; the others have erased it.
        """
        failures = []
        was_kept = False
        for owner in self._owners:
            if isinstance(owner, ProviderError):
                failures.append(owner)
                continue
            try:
                was_kept |= owner.erase(server_url)
            except ProviderError as error:
                host = server_url.redacted_host
                failures.append(error.within("helper.cannot-erase", helper=owner.name, host=host))
        was_kept |= self._rest.erase(server_url)
        if failures:
            raise failures[0]
        return was_kept


class MachineKeychain:
    """The keychain that docker would choose on this machine, although no file names it.

    If it does not work, it has no login for us, as long as it did not take one. If it hangs, that
    is remembered, and it is not asked again for some minutes.
    """

    __slots__ = ("_helper", "_memory", "_warn", "name")

    def __init__(self, helper: Helper, memory: KeychainMemory, warn: Warn) -> None:
        self._helper = helper
        self._memory = memory
        self._warn = warn
        self.name = helper.name

    def get(self, server_url: ServerURL) -> Credential:
        """Ask it for a credential.

        Raises:
            NotFound: it has none, or does not work and never took this login.
            Expired: it ended by its own word.
            ProviderError: it does not work and has this login.
        """
        from cred_helper.errors import NotFound

        if self._memory.holds(server_url):
            try:
                return self._helper.get(server_url)
            except Expired:
                raise
            except ProviderError as error:
                raise _locked(error) from None
        if self._memory.is_hung():
            raise NotFound("helper.hung-before")
        try:
            return self._limited().get(server_url)
        except Expired:
            raise
        except Unreachable as error:
            self._hangs()
            raise NotFound.of(error) from None
        except ProviderError as error:
            if self._lists(server_url):
                raise _locked(error) from None
            raise NotFound.of(error) from None

    def list(self) -> dict[str, str]:
        """Server URL to user name; empty while it hangs."""
        if self._memory.is_hung():
            return {}
        try:
            return self._limited().list()
        except Unreachable:
            self._hangs()
            return {}

    def store(self, server_url: ServerURL, credential: Credential) -> None:
        """Give it a login to keep. Raises ``ProviderError`` if it does not work."""
        if self._memory.is_hung():
            raise Unreachable("helper.hung-before")
        self._helper.store(server_url, credential)
        self._memory.note_login(server_url)

    def erase(self, server_url: ServerURL) -> bool:
        """Have it erase a login. Raises ``ProviderError`` if it does not work and may have it."""
        if self._memory.is_hung() and not self._memory.holds(server_url):
            return False
        was_kept = self._helper.erase(server_url)
        self._memory.forget_login(server_url)
        return was_kept

    def _limited(self) -> Helper:
        from cred_helper.fallback.keychain_memory import FIRST_TIMEOUT_S

        return self._helper.within(FIRST_TIMEOUT_S)

    def _hangs(self) -> None:
        from cred_helper.fallback.keychain_memory import FIRST_TIMEOUT_S, HUNG_FOR_S

        self._memory.note_hung()
        seconds, minutes = f"{FIRST_TIMEOUT_S:.0f}", f"{HUNG_FOR_S / 60:.0f}"
        values = {"helper": self.name, "seconds": seconds, "minutes": minutes}
        self._warn(CredentialError("helper.hangs", **values))

    def _lists(self, server_url: ServerURL) -> bool:
        """Whether it lists a login for the registry: most keychains do so even while locked."""
        from cred_helper.fallback.registry_key import candidates

        try:
            return bool(candidates(self._limited().list(), server_url))
        except CredentialError:
            return False


def _locked(error: ProviderError) -> ProviderError:
    """The failure of a keychain that has the login."""
    return type(error)("helper.locked", problem=error.reason)


class Kept:
    """Keeps logins without an owner: in this machine's keychain or, failing that, our own store."""

    __slots__ = ("_keychain", "_own", "_warn")

    def __init__(self, own: FileStore, keychain: MachineKeychain | None, warn: Warn) -> None:
        self._own = own
        self._keychain = keychain
        self._warn = warn

    def store(self, server_url: ServerURL, credential: Credential) -> None:
        """Keep it in one of the two, so that no older one in the other answers later."""
        if self._keychain is not None:
            try:
                self._keychain.store(server_url, credential)
            except ProviderError as error:
                names = {"helper": self._keychain.name, "store": self._own.name}
                self._warn(error.within("helper.kept-elsewhere", **names))
            else:
                self._erase_own(server_url)
                return
        try:
            self._own.store(server_url, credential)
        except ProviderError as error:
            raise error.within("file.at", place=self._own.name) from None

    def erase(self, server_url: ServerURL) -> bool:
        """Erase it from both."""
        was_kept = False
        if self._keychain is not None:
            try:
                was_kept = self._keychain.erase(server_url)
            except ProviderError as error:
                self._warn(error.within("helper.keychain-failed", helper=self._keychain.name))
        return self._erase_own(server_url) or was_kept

    def _erase_own(self, server_url: ServerURL) -> bool:
        try:
            return self._own.erase(server_url)
        except ProviderError as error:
            raise error.within("file.at", place=self._own.name) from None


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

    def erase(self, server_url: ServerURL) -> bool:
        """Remove a login that was kept before."""
        return self._kept.erase(server_url)


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
    if programs.find("pass", environ) and files.exists(os.path.join(password_store, ".gpg-id")):
        return "pass"
    runtime = user_folders.runtime(environ)
    if environ.get("DBUS_SESSION_BUS_ADDRESS") or (
        runtime and files.exists(os.path.join(runtime, "bus"))
    ):
        return "secretservice"
    return None
