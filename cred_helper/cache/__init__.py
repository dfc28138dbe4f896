"""The token cache on disk: one file for each entry, in a private folder.

Each write also removes expired entries. Never asks a provider, never reads the clock: the caller
passes the time. A folder that is missing, damaged or full of other files counts as an empty cache;
only ``check`` and ``clear`` raise errors.
"""

from __future__ import annotations

import os
import sys

from cred_helper.cache.entry import FAILURE, TOKEN, Entry, Failure
from cred_helper.errors import CredentialError, NotFound, ProviderError
from cred_helper.files.private_folder import PARSED_SETTINGS, PrivateFolder, is_private

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cred_helper.cache.sealing import Sealing
    from cred_helper.files.locks import Locks

# The kind of file that cache.memo writes.
MEMO = "memo"
_FOLDER_NAME = "docker-credential-multi"
_LOCK_FILE = "lock"
_KEY_DIGITS = 32
_HEX_DIGITS = frozenset("0123456789abcdef")

# The largest tokens (Entra's, for members of many groups) are a few KiB.
MAX_ENTRY_BYTES = 64 << 10
# More registries than one machine uses. The oldest entries above this number are removed.
MAX_ENTRIES = 256
# A temporary file is renamed within milliseconds: an older one was left by a killed process.
MAX_TEMPORARY_AGE_S = 600.0


class TokenCache:
    """The entries of one folder. With a ``sealing``, their secrets are encrypted."""

    def __init__(self, folder: str, sealing: Sealing | None = None) -> None:
        self._folder = PrivateFolder(folder)
        self._sealing = sealing

    def token(self, key: str) -> Entry | None:
        """Read the entry of a key, also an expired one."""
        entry = self.look(key)
        return self._sealing.opened(key, entry) if self._sealing and entry else entry

    def look(self, key: str) -> Entry | None:
        """Read the entry of a key without decrypting it, and without asking a keychain."""
        entry = self._entry(key)
        if entry is None or entry.is_sealed != (self._sealing is not None):
            return None  # cache_keychain has changed since: a new entry replaces this one
        return entry

    def _entry(self, key: str) -> Entry | None:
        content = self._folder.read(f"{key}.{TOKEN}", MAX_ENTRY_BYTES)
        return None if content is None else Entry.decode(key, content)

    def keep(self, key: str, entry: Entry, locks: Locks) -> bool:
        """Write an entry, whose lock the caller holds; return whether that was possible."""
        self._tidy(entry.created_at, locks)
        if not entry.is_valid(entry.created_at):
            return False  # expired, which can mean that this machine's clock is ahead
        try:
            kept = self._sealing.sealed(key, entry) if self._sealing else entry
            content = kept.encode(key) if kept else b""
        except ValueError:
            return False
        fits = 0 < len(content) <= MAX_ENTRY_BYTES
        return fits and self._folder.write(f"{key}.{TOKEN}", content)

    def failure(self, key: str) -> Failure | None:
        content = self._folder.read(f"{key}.{FAILURE}", MAX_ENTRY_BYTES)
        return None if content is None else Failure.decode(key, content)

    def note(self, key: str, error: NotFound | ProviderError, now: float, locks: Locks) -> None:
        """Write the failure of this process, for the processes that wait for its answer."""
        self._tidy(now, locks)
        try:
            content = Failure(error, now).encode(key)
        except ValueError:
            return
        self._folder.write(f"{key}.{FAILURE}", content)

    def locks(self) -> Locks:
        from cred_helper.files.locks import Locks

        return Locks(self._folder.open_shared(_LOCK_FILE))

    def entries(self, now: float) -> list[Entry]:
        """List the valid entries, sorted by provider and scope."""
        found = [self._entry(key) for _, key, kind in self._files() if kind == TOKEN]
        good = [entry for entry in found if entry is not None and entry.is_valid(now)]
        return sorted(good, key=lambda entry: (entry.provider, entry.scope))

    def refusal(self) -> str | None:
        """Why the folder cannot be used, for a message; ``None`` if it can be used or made."""
        return self._folder.refusal()

    def check(self) -> None:
        """Raise ``CredentialError`` if the folder cannot be used."""
        refusal = self.refusal()
        if refusal:
            raise CredentialError("cache.folder-refused", folder=self._folder.path, problem=refusal)

    def forget(self, key: str) -> bool:
        """Remove the token and the failure of a key; return whether there was a token."""
        was_token = self._folder.written_at(f"{key}.{TOKEN}") is not None
        for kind in (TOKEN, FAILURE):
            self._folder.remove(f"{key}.{kind}")
        return was_token

    def clear(self) -> int:
        """Remove every file of the cache and return the number of tokens.

        Raises:
            CredentialError: a file could not be removed, or the folder cannot be used.
        """
        from cred_helper.files.atomic_file import final_name

        self.check()
        ours = [name for name in self._folder.names() if _is_ours(final_name(name) or name)]
        left = [name for name in ours if not self._folder.remove(name)]
        if left:
            raise CredentialError("cache.not-removed", file=left[0], folder=self._folder.path)
        return sum(not final_name(name) and name.endswith(f".{TOKEN}") for name in ours)

    def _files(self) -> Iterator[tuple[str, str, str]]:
        """The files of entries and memos: each name, and the key and kind that it consists of."""
        for name in self._folder.names():
            parts = _parts(name)
            if parts:
                yield name, *parts

    def _tidy(self, now: float, locks: Locks) -> None:
        """Remove expired entries, the oldest above the limit, and files of killed processes."""
        from cred_helper.files.atomic_file import final_name

        good: list[tuple[float, str, bytes]] = []
        for name, key, kind in self._files():
            content = self._folder.read(name, MAX_ENTRY_BYTES) or b""
            if kind == MEMO:
                if memo_is_over(content, now):
                    self._folder.remove(name)
                continue
            found = (Entry if kind == TOKEN else Failure).decode(key, content)
            if found is None or found.is_over(now):
                self._drop(name, content, locks)
            elif isinstance(found, Entry):
                good.append((found.created_at, name, content))
        for _, name, content in sorted(good)[: max(0, len(good) + 1 - MAX_ENTRIES)]:
            self._drop(name, content, locks)
        for name in self._folder.names():
            if _is_ours(final_name(name) or ""):
                written_at = self._folder.written_at(name)
                if written_at and abs(now - written_at) > MAX_TEMPORARY_AGE_S:
                    self._folder.remove(name)

    def _drop(self, name: str, seen: bytes, locks: Locks) -> None:
        """Remove a file, unless another process is replacing it or has replaced it."""
        key = name[:_KEY_DIGITS]
        if not locks.acquire(key):
            return
        try:
            if (self._folder.read(name, MAX_ENTRY_BYTES) or b"") == seen:
                self._folder.remove(name)
        finally:
            locks.release(key)


def _is_ours(name: str) -> bool:
    """Whether this is the name of an entry, a memo or the parsed copy of a settings file."""
    return _parts(name) is not None or name.endswith(PARSED_SETTINGS)


def _parts(name: str) -> tuple[str, str] | None:
    """The key and kind in the name of an entry or memo; ``None`` for any other name."""
    key, _, kind = name.partition(".")
    if kind not in (TOKEN, FAILURE, MEMO) or len(key) != _KEY_DIGITS or set(key) - _HEX_DIGITS:
        return None
    return key, kind


def memo_is_over(content: bytes, now: float) -> bool:
    """Whether a memo has expired, or was written after ``now``."""
    try:
        since_ms, until_ms, _ = map(int, content.split(b"\n", 2)[1].split())
    except (IndexError, ValueError):
        return True
    return not since_ms <= now * 1000 + 1 < until_ms


def default_folder(environ: Mapping[str, str]) -> str | None:
    """The folder for tokens; ``None`` if no variable names a home or cache folder."""
    return next(known_folders(environ), None)


def known_folders(environ: Mapping[str, str]) -> Iterator[str]:
    """Every folder that may have tokens, the one in use first.

    Sources: https://specifications.freedesktop.org/basedir-spec/latest/ (a relative path is
    ignored; the runtime folder is removed with the session, and private to the user);
    https://developer.apple.com/library/archive/documentation/FileManagement/Conceptual/FileSystemProgrammingGuide/FileSystemOverview/FileSystemOverview.html
    """
    if sys.platform == "win32":
        places = [environ.get("LOCALAPPDATA", "")]
    else:
        runtime, caches = environ.get("XDG_RUNTIME_DIR", ""), environ.get("XDG_CACHE_HOME", "")
        if not os.path.isabs(caches):
            in_home = "Library/Caches" if sys.platform == "darwin" else ".cache"
            caches = os.path.join(environ.get("HOME", ""), in_home)
        places = [runtime if is_private(runtime) else "", caches]
    for place in places:
        if os.path.isabs(place):
            yield os.path.join(place, _FOLDER_NAME)


def usable_folder(environ: Mapping[str, str]) -> str | None:
    """The first writable folder, for a service, whose user's home may be read-only.

    Root's last choice is a folder in /run, which is in memory. ``None`` if none is writable.

    Source: https://refspecs.linuxfoundation.org/FHS_3.0/fhs/ch03s15.html
    """
    folders = [*known_folders(environ), *service_folders()]
    return next(filter(_is_writable, folders), None)


def service_folders() -> list[str]:
    """The folder of services that run as root; an empty list for other users."""
    is_root = sys.platform == "linux" and os.geteuid() == 0
    return [os.path.join("/run", _FOLDER_NAME)] if is_root else []


def _is_writable(folder: str) -> bool:
    """Whether the folder is private and writable, or can be made, with its parent if needed."""
    above = os.path.dirname(folder)
    place = next(filter(os.path.isdir, (folder, above, os.path.dirname(above))), "")
    if not place or not os.access(place, os.W_OK | os.X_OK):
        return False
    is_of_other = hasattr(os, "geteuid") and os.geteuid() == 0 and os.stat(place).st_uid != 0
    return not is_of_other and PrivateFolder(folder).refusal() is None
