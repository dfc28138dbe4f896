"""Our own credential store: one file that only its owner can read, for machines without a keychain.

A change replaces the whole file under a lock. A file that cannot be parsed is never deleted:
reading it is an error that names it, and the next change moves it aside. Nothing in it is
encrypted, like in docker's own file.
"""

from __future__ import annotations

import os
import stat
import sys

from cred_helper import files
from cred_helper.credential import Credential, Secret
from cred_helper.errors import CredentialError, Misconfigured, NotFound, Unreachable
from cred_helper.fallback.expiry import unexpired
from cred_helper.fallback.registry_key import candidates, erasable
from cred_helper.files import atomic_file, json_file, user_folders
from cred_helper.files.locks import Locks, wait_for
from cred_helper.files.os_errors import os_reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cred_helper.server_url import ServerURL

_FOLDER = "docker-credential-multi"
_FILE = "credentials.json"
_VERSION = 1
# A change takes milliseconds: within this time each of twenty processes gets its turn.
LOCK_TIMEOUT_S = 5.0
_LOCK = "0"


class Damaged(Misconfigured):
    """The file cannot be parsed. A change moves it aside."""


class FileStore:
    """Credentials by the exact server URL they were given for.

    ``home`` is the user's home folder: root also uses a store of the home's owner, as sudo keeps
    the variable HOME. ``warn`` receives what was corrected on the way.
    """

    def __init__(self, path: str, warn: Callable[[CredentialError], None], home: str = "") -> None:
        self.name = path
        # If the file is a link, the link stays.
        self.path = files.real_path(path)
        self._home = home
        self._warn = warn

    def get(self, server_url: ServerURL) -> Credential:
        """The credential for this server URL, or for another spelling of the same registry."""
        entries = self._read()
        for key in candidates(entries, server_url):
            username, secret = entries[key]
            credential = Credential(username, Secret(secret), source=self.name)
            return unexpired(credential, server_url)
        raise NotFound("store.no-entry")

    def store(self, server_url: ServerURL, credential: Credential) -> None:
        """Keep a credential for exactly this server URL."""
        self._make_folder()
        with _Lock(f"{self.path}.lock"):
            entries = self._read_to_change()
            entries[server_url.raw] = (credential.username, credential.secret.expose())
            self._write(entries)

    def erase(self, server_url: ServerURL) -> bool:
        """Remove a login, in every spelling of the registry, if it is there."""
        try:
            if not erasable(self._read(), server_url):
                return False
        except Damaged:
            pass  # the change below moves the file aside
        with _Lock(f"{self.path}.lock"):
            entries = self._read_to_change()
            found = erasable(entries, server_url)
            for key in found:
                del entries[key]
            self._write(entries)
        return bool(found)

    def list(self) -> dict[str, str]:
        return {key: username for key, (username, _) in self._read().items()}

    def _read(self) -> dict[str, tuple[str, str]]:
        try:
            data = json_file.read(self.path, self._inspect)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise Misconfigured("store.cannot-read", problem=os_reason(error)) from None
        return _parse(data)

    def _inspect(self, fd: int) -> None:
        """Check that no other user can have written the file, and close it to others."""
        status = os.fstat(fd)
        files.note_status(self.path, status)
        if not stat.S_ISREG(status.st_mode):
            raise Misconfigured("store.not-a-file")
        # On Windows the access list of the profile folder closes it to others.
        if sys.platform != "win32":
            if not self._is_trusted(status.st_uid):
                raise Misconfigured("store.foreign-file", uid=status.st_uid, path=self.path)
            if status.st_mode & 0o077:
                os.fchmod(fd, 0o600)
                self._warn(CredentialError("store.closed", path=self.path))

    if sys.platform != "win32":

        def _is_trusted(self, uid: int) -> bool:
            """Whether a user may own the store: the process's user or, for root, HOME's owner."""
            user = os.geteuid()
            if uid == user:
                return True
            try:
                return user == 0 and bool(self._home) and files.status(self._home).st_uid == uid
            except OSError:
                return False

    def _read_to_change(self) -> dict[str, tuple[str, str]]:
        try:
            return self._read()
        except Damaged as error:
            from time import strftime

            stamped = aside = f"{self.path}.damaged-{strftime('%Y%m%dT%H%M%S')}"
            number = 1
            while os.path.lexists(aside):  # of the same second; the lock keeps others out
                number += 1
                aside = f"{stamped}-{number}"
            try:
                os.replace(self.path, aside)
            except OSError as failure:
                problem = os_reason(failure)
                raise Misconfigured("store.not-moved-aside", problem=problem) from None
            self._warn(error.within("store.moved-aside", path=self.path, aside=aside))
            return {}

    def _make_folder(self) -> None:
        folder = os.path.dirname(self.path)
        try:
            atomic_file.make_folders(folder, 0o700)  # the mode that XDG asks for
            if sys.platform != "win32":
                status = os.stat(folder)
                if not self._is_trusted(status.st_uid) and status.st_uid != 0:
                    raise Misconfigured("store.foreign-folder", uid=status.st_uid, folder=folder)
                # If the store is a link, the folder is not ours and keeps its mode.
                if os.path.basename(folder) == _FOLDER and status.st_mode & 0o077:
                    os.chmod(folder, 0o700)
        except OSError as error:
            raise Misconfigured("store.no-folder", problem=os_reason(error)) from None

    def _write(self, entries: Mapping[str, tuple[str, str]]) -> None:
        import json

        fields = {
            key: {"username": username, "secret": secret}
            for key, (username, secret) in entries.items()
        }
        data = json.dumps({"version": _VERSION, "credentials": fields}, indent=2).encode() + b"\n"
        try:
            atomic_file.remove_leftovers(self.path)
            atomic_file.replace(self.path, data, durable=True, keep_attributes=True)
        except OSError as error:
            raise Misconfigured("store.cannot-write", problem=os_reason(error)) from None


def path(environ: Mapping[str, str]) -> str:
    return os.path.join(user_folders.data(environ), _FOLDER, _FILE)


def _parse(data: bytes) -> dict[str, tuple[str, str]]:
    try:
        parsed = json_file.parse(data)
    except Misconfigured as error:
        raise Damaged.of(error) from None
    if parsed is None:
        return {}
    value = parsed.value
    if not isinstance(value, dict) or not isinstance(value.get("version"), int):
        raise Damaged("store.not-ours")
    if value["version"] != _VERSION:
        raise Misconfigured("store.other-version", format=value["version"])
    entries = {}
    try:
        for key, fields in value["credentials"].items():
            username, secret = fields["username"], fields["secret"]
            if not isinstance(username, str) or not isinstance(secret, str):
                raise TypeError
            entries[key] = (username, secret)
    except (AttributeError, KeyError, TypeError):
        raise Damaged("store.bad-entry", line=parsed.line_of("credentials")) from None
    return entries


class _Lock:
    """One process at a time. The locked file stays, so that all processes lock the same one.

    On a file system without locks a second file stands in, which only one process can make.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._stand_in = f"{path}.held"
        self._holds_stand_in = False

    def __enter__(self) -> None:
        try:
            self._locks = Locks(_opened(self._path))
        except OSError as error:
            raise Misconfigured("store.cannot-lock", problem=os_reason(error)) from None
        try:
            if not wait_for(lambda: self._locks.acquire(_LOCK), LOCK_TIMEOUT_S):
                raise Unreachable("store.locked", limit=f"{LOCK_TIMEOUT_S:.0f}")
            if self._locks.are_missing and not wait_for(self._make_stand_in, LOCK_TIMEOUT_S):
                raise Unreachable("store.lock-left", lock=self._stand_in)
        except BaseException:
            self._locks.close()
            raise

    def __exit__(self, *_: object) -> None:
        if self._holds_stand_in:
            os.unlink(self._stand_in)
        self._locks.close()

    def _make_stand_in(self) -> bool:
        try:
            os.close(os.open(self._stand_in, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return False
        except OSError as error:
            raise Misconfigured("store.cannot-lock", problem=os_reason(error)) from None
        self._holds_stand_in = True
        return True


def _opened(path: str) -> int:
    """Open the file to lock, and make it if it is absent: root makes it for the folder's owner."""
    try:
        return os.open(path, os.O_RDWR)
    except FileNotFoundError:
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if sys.platform != "win32" and os.geteuid() == 0:
        folder = os.stat(os.path.dirname(path))
        os.fchown(fd, folder.st_uid, folder.st_gid)
    return fd
