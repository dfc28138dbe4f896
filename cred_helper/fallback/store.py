"""Our own credential store: one file that only its owner can read, where there is no keychain.

A change replaces the whole file, under a lock, by one that was written and synced beside it:
whoever is killed at any moment leaves the old content or the new. A file that cannot be understood
is never deleted: reading it is an error that names it, and the next change moves it aside. Nothing
in it is encrypted, as nothing in docker's own file is.
"""

from __future__ import annotations

import os
import sys

from cred_helper.credential import Credential, Secret
from cred_helper.errors import Misconfigured, NotFound, Unreachable
from cred_helper.fallback.registry_key import candidates
from cred_helper.files import json_file, user_folders
from cred_helper.files.atomic_file import make_folders
from cred_helper.files.json_file import trouble
from cred_helper.files.locks import Locks
from cred_helper.signals import finish_first

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cred_helper.server_url import ServerURL

_FOLDER = "docker-credential-multi"
_FILE = "credentials.json"
_VERSION = 1
# A change takes milliseconds; twenty processes logging in at once still have their turn.
LOCK_TIMEOUT_S = 5.0
_LOCK_POLL_S = 0.01
_LOCK = "0"


class Damaged(Misconfigured):
    """The file is not what was written. Whoever changes it moves it aside."""


class FileStore:
    """Credentials by the exact server URL they were given for.

    ``warn`` tells the person what was put right on the way.
    """

    __slots__ = ("_warn", "name", "path")

    def __init__(self, path: str, warn: Callable[[str, str | None], None]) -> None:
        self.name = path
        # A link in the file's place stays one.
        self.path = os.path.realpath(path)
        self._warn = warn

    def get(self, server_url: ServerURL) -> Credential:
        """The credential under this server URL, or under another spelling of the same registry."""
        entries = self._read()
        for key in candidates(entries, server_url):
            username, secret = entries[key]
            return Credential(username, Secret(secret), source=self.name)
        raise NotFound("nothing is kept for it")

    def store(self, server_url: ServerURL, credential: Credential) -> None:
        """Keep a credential under exactly this server URL."""
        self._make_folder()
        with _Lock(f"{self.path}.lock"):
            entries = self._read_to_change()
            entries[server_url.raw] = (credential.username, credential.secret.expose())
            self._write(entries)

    def erase(self, server_url: ServerURL) -> None:
        """Forget what a ``get`` would answer with, in every spelling of the registry."""
        try:
            if not candidates(self._read(), server_url):
                return
        except Damaged:
            pass  # what may be in it is moved out of the way below
        with _Lock(f"{self.path}.lock"):
            entries = self._read_to_change()
            for key in candidates(entries, server_url):
                del entries[key]
            self._write(entries)

    def list(self) -> dict[str, str]:
        """What is kept: server URL to user name."""
        return {key: username for key, (username, _) in self._read().items()}

    # --- Reading ----------------------------------------------------------------------------------

    def _read(self) -> dict[str, tuple[str, str]]:
        try:
            fd = json_file.open_file(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise self._unusable("read", error) from None
        try:
            self._inspect(fd)
            data = json_file.read_open(fd)
        except OSError as error:
            raise self._unusable("read", error) from None
        finally:
            os.close(fd)
        return _parse(data)

    def _inspect(self, fd: int) -> None:
        """See that nobody else could have written the file or can read it."""
        if sys.platform == "win32":
            return  # the folder's access list says it there
        status = os.fstat(fd)
        user = os.geteuid()
        if user not in (0, status.st_uid):
            raise Misconfigured(
                f"it belongs to another user ({status.st_uid})",
                hint=f"see who put {self.path} there",
            )
        if status.st_mode & 0o077:
            os.fchmod(fd, 0o600)
            self._warn(f"{self.path} was open to other users; now it is not", None)

    def _read_to_change(self) -> dict[str, tuple[str, str]]:
        try:
            return self._read()
        except Damaged as error:
            from time import strftime

            aside = f"{self.path}.damaged-{strftime('%Y%m%dT%H%M%S')}"
            try:
                os.replace(self.path, aside)
            except OSError as failure:
                raise self._unusable("moved aside", failure) from None
            self._warn(f"{self.path} could not be read ({error.reason}); it is {aside} now", None)
            return {}

    def _unusable(self, what: str, error: OSError) -> Misconfigured:
        return Misconfigured(f"it cannot be {what}: {trouble(error)}")

    # --- Writing ----------------------------------------------------------------------------------

    def _make_folder(self) -> None:
        folder = os.path.dirname(self.path)
        try:
            make_folders(folder, 0o700)  # to others closed all the way, says XDG
            # A folder by another name is not ours: the file is a link into it.
            is_ours = sys.platform != "win32" and os.path.basename(folder) == _FOLDER
            if is_ours and os.stat(folder).st_mode & 0o077:
                os.chmod(folder, 0o700)
        except OSError as error:
            raise Misconfigured(f"its folder cannot be made: {trouble(error)}") from None

    def _write(self, entries: Mapping[str, tuple[str, str]]) -> None:
        import json

        fields = {
            key: {"username": username, "secret": secret}
            for key, (username, secret) in entries.items()
        }
        data = json.dumps({"version": _VERSION, "credentials": fields}, indent=2).encode() + b"\n"
        self._sweep()
        try:
            finish_first(lambda: self._replace(data))
        except OSError as error:
            raise self._unusable("written", error) from None

    def _replace(self, data: bytes) -> None:
        temporary = f"{self.path}.new-{os.urandom(8).hex()}"
        try:
            self._create(temporary, data)
            os.replace(temporary, self.path)
        except OSError:
            _remove(temporary)
            raise
        _sync_folder(os.path.dirname(self.path))

    def _create(self, path: str, data: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        fd = os.open(path, flags, 0o600)
        try:
            self._keep_owner(fd)
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            os.fsync(fd)
        finally:
            os.close(fd)

    def _keep_owner(self, fd: int) -> None:
        """Leave the file its owner's when ``sudo docker login`` changes it."""
        if sys.platform != "win32" and os.geteuid() == 0:
            try:
                status = os.stat(self.path)
            except FileNotFoundError:
                status = os.stat(os.path.dirname(self.path))
            os.fchown(fd, status.st_uid, status.st_gid)

    def _sweep(self) -> None:
        """Remove what a killed process left. Nobody else is writing: the lock is ours."""
        folder, beginning = os.path.dirname(self.path), f"{os.path.basename(self.path)}.new-"
        for name in os.listdir(folder):
            if name.startswith(beginning):
                _remove(os.path.join(folder, name))


def path(environ: Mapping[str, str]) -> str:
    """Where the store is."""
    return os.path.join(user_folders.data(environ), _FOLDER, _FILE)


def _parse(data: bytes) -> dict[str, tuple[str, str]]:
    try:
        parsed = json_file.parse(data)
    except Misconfigured as error:
        raise Damaged(error.reason) from None
    if parsed is None:
        return {}
    value = parsed.value
    if not isinstance(value, dict) or not isinstance(value.get("version"), int):
        raise Damaged("line 1: it is not a store of ours")
    if value["version"] != _VERSION:
        raise Misconfigured(f"it was written by another version (its format is {value['version']})")
    entries = {}
    try:
        for key, fields in value["credentials"].items():
            username, secret = fields["username"], fields["secret"]
            if not isinstance(username, str) or not isinstance(secret, str):
                raise TypeError
            entries[key] = (username, secret)
    except (AttributeError, KeyError, TypeError):
        raise Damaged(f"line {parsed.line_of('credentials')}: an entry is not one") from None
    return entries


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass


def _sync_folder(path: str) -> None:
    """Have the file's new name survive a loss of power, where folders can be synced."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(fd)
    except OSError:
        pass
    finally:
        os.close(fd)


class _Lock:
    """One process at a time. The locked file stays, so that all of them lock the same one."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        from time import monotonic, sleep

        try:
            self._locks = Locks(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise Misconfigured(f"it cannot be locked: {trouble(error)}") from None
        ends_at_s = monotonic() + LOCK_TIMEOUT_S
        while not self._locks.acquire(_LOCK):
            if monotonic() > ends_at_s:
                self._locks.close()
                raise Unreachable(f"another process has had it locked for {LOCK_TIMEOUT_S:.0f} s")
            sleep(_LOCK_POLL_S)

    def __exit__(self, *_: object) -> None:
        self._locks.close()
