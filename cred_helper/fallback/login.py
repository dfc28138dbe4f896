"""Where a login is kept, and from where a logout erases it.

A helper that config.json names keeps the logins that it is named for. All others are kept in the
keychain that docker would choose on this machine or, if that does not work, in our own store; for a
cloud's registry, no login is kept, since the cloud gives a credential when a client asks. No login
is kept twice, or dropped without a message.
"""

from __future__ import annotations

import os
import sys

from cred_helper import files, programs
from cred_helper.errors import (
    CredentialError,
    Misconfigured,
    NotFound,
    ProviderError,
    Unreachable,
)
from cred_helper.fallback.expiry import Expired
from cred_helper.fallback.helper import Helper, Unsupported
from cred_helper.files import user_folders
from cred_helper.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cred_helper.credential import Credential
    from cred_helper.fallback.store import FileStore
    from cred_helper.fallback.system_keychain_memory import SystemKeychainMemory
    from cred_helper.server_url import ServerURL

    Warn = Callable[[CredentialError], None]

# How long a keychain may take if no file names it.
FIRST_TIMEOUT_S = 3.0


class LoginStore(Record):
    """A store that gives each login to its first owner that can keep it.

    An owner that is named and cannot be used is replaced by the error with the reason. A login
    without an owner goes to ``default``, unless another source answers for the registry:
    ``answered_by`` returns the name of that source. Then ``store`` raises an error with ``fails``,
    or else warns.
    """

    name = "login"

    owners: Iterable[Helper | ProviderError]
    default: DefaultStore
    answered_by: Callable[[], str | None]
    fails: bool
    warn: Warn

    def store(self, server_url: ServerURL, credential: Credential) -> None:
        """Keep a credential.

        Raises:
            ProviderError: its owner cannot keep it, or cannot be determined.
        """
        for owner in self.owners:
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
        source = self.answered_by()
        if source is None:
            self.default.store(server_url, credential)
            return
        names = {"host": server_url.redacted_host, "source": source}
        not_kept = Misconfigured("store.answered-otherwise", **names)
        if self.fails:
            raise not_kept
        self.warn(not_kept)  # a login by a script must not fail for it

    def erase(self, server_url: ServerURL) -> bool:
        """Erase it everywhere a ``get`` looks; return whether it was anywhere.

        Raises:
            ProviderError: one of the owners failed; the others have erased it.
        """
        failures = []
        was_kept = False
        for owner in self.owners:
            if isinstance(owner, ProviderError):
                failures.append(owner)
                continue
            try:
                was_kept |= owner.erase(server_url)
            except ProviderError as error:
                host = server_url.redacted_host
                failures.append(error.within("helper.cannot-erase", helper=owner.name, host=host))
        was_kept |= self.default.erase(server_url)
        if failures:
            raise failures[0]
        return was_kept


class SystemKeychain(Record):
    """The keychain that docker would choose on this machine, although no file names it.

    A keychain that does not work counts as empty, unless it has kept a login of ours. A keychain
    that hangs is not asked again for some minutes.
    """

    name: str
    helper: Helper
    memory: SystemKeychainMemory
    warn: Warn

    def get(self, server_url: ServerURL) -> Credential:
        """Ask it for a credential.

        Raises:
            NotFound: it has none, or does not work and never took this login.
            Expired: it has expired.
            ProviderError: it does not work and has this login.
        """
        if self.memory.holds(server_url):
            try:
                return self.helper.get(server_url)
            except Expired:
                raise
            except ProviderError as error:
                raise _locked(error) from None
        if self.memory.is_hung():
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
        if self.memory.is_hung():
            return {}
        try:
            return self._limited().list()
        except Unreachable:
            self._hangs()
            return {}

    def store(self, server_url: ServerURL, credential: Credential) -> None:
        """Give it a login to keep. Raises ``ProviderError`` if it does not work."""
        if self.memory.is_hung():
            raise Unreachable("helper.hung-before")
        self.helper.store(server_url, credential)
        self.memory.note_login(server_url)

    def erase(self, server_url: ServerURL) -> bool:
        """Have it erase a login. Raises ``ProviderError`` if it does not work and may have it."""
        if self.memory.is_hung() and not self.memory.holds(server_url):
            return False
        was_kept = self.helper.erase(server_url)
        self.memory.forget_login(server_url)
        return was_kept

    def _limited(self) -> Helper:
        return self.helper.within(FIRST_TIMEOUT_S)

    def _hangs(self) -> None:
        from cred_helper.fallback.system_keychain_memory import HUNG_FOR_S

        self.memory.note_hung()
        seconds, minutes = f"{FIRST_TIMEOUT_S:.0f}", f"{HUNG_FOR_S / 60:.0f}"
        values = {"helper": self.name, "seconds": seconds, "minutes": minutes}
        self.warn(CredentialError("helper.hangs", **values))

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


class DefaultStore(Record):
    """The store of logins without an owner: the system keychain or, if it fails, our own."""

    own: FileStore
    system_keychain: SystemKeychain | None
    warn: Warn

    def store(self, server_url: ServerURL, credential: Credential) -> None:
        """Keep it in one store; an older login in the other must not answer later."""
        if self.system_keychain is not None:
            try:
                self.system_keychain.store(server_url, credential)
            except ProviderError as error:
                names = {"helper": self.system_keychain.name, "store": self.own.name}
                self.warn(error.within("helper.kept-elsewhere", **names))
            else:
                self._erase_own(server_url)
                return
        try:
            self.own.store(server_url, credential)
        except ProviderError as error:
            raise error.within("file.at", place=self.own.name) from None

    def erase(self, server_url: ServerURL) -> bool:
        was_kept = False
        if self.system_keychain is not None:
            try:
                was_kept = self.system_keychain.erase(server_url)
            except ProviderError as error:
                self.warn(error.within("helper.keychain-failed", helper=self.system_keychain.name))
        return self._erase_own(server_url) or was_kept

    def _erase_own(self, server_url: ServerURL) -> bool:
        try:
            return self.own.erase(server_url)
        except ProviderError as error:
            raise error.within("file.at", place=self.own.name) from None


def system_keychain_helper(environ: Mapping[str, str], platform: str = sys.platform) -> str | None:
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
