"""The tokens on disk: one file per entry in a private folder, tidied whenever one is written.

Never asks a provider and reads no clock: the caller passes the time. Whatever the folder holds, and
if there is none, nothing here fails; only ``check`` and ``clear`` raise errors.
"""

from __future__ import annotations

import os
import sys

from cred_helper.cache.entry import FAILURE, TOKEN, Entry, Failure
from cred_helper.errors import CredentialError, NotFound, ProviderError
from cred_helper.files.private_folder import PrivateFolder, is_private

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
# More registries than one machine uses. Beyond this number the oldest entries are dropped.
MAX_ENTRIES = 256
# A temporary file is renamed within milliseconds: an older one was left by a killed process.
MAX_TEMPORARY_AGE_S = 600.0


class TokenCache:
    """The entries of one folder; their secrets are encrypted if there is a ``sealing``."""

    def __init__(self, folder: str, sealing: Sealing | None = None) -> None:
        self._folder = PrivateFolder(folder)
        self._sealing = sealing

    def token(self, key: str) -> Entry | None:
        """Read the token of a key, however old."""
        entry = self.look(key)
        return self._sealing.opened(key, entry) if self._sealing and entry else entry

    def look(self, key: str) -> Entry | None:
        """Read the token of a key without decrypting it: the keychain is not asked."""
        entry = self._entry(key)
        if entry is None or entry.is_sealed != (self._sealing is not None):
            return None  # written with another setting: a new one is made in the form of this one
        return entry

    def _entry(self, key: str) -> Entry | None:
        content = self._folder.read(f"{key}.{TOKEN}", MAX_ENTRY_BYTES)
        return None if content is None else Entry.decode(key, content)

    def keep(self, key: str, entry: Entry, locks: Locks) -> bool:
        """Keep a new token, whose lock the caller holds; return false if it cannot be kept."""
        self._tidy(entry.created_at, locks)
        if not entry.is_valid(entry.created_at):
            return False  # it has expired already, or this machine's clock is ahead
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
        """Keep the failure of this process's attempt."""
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
        """List the tokens that are still valid, sorted by what they open."""
        found = [self._entry(key) for _, key, kind in self._files() if kind == TOKEN]
        good = [entry for entry in found if entry is not None and entry.is_valid(now)]
        return sorted(good, key=lambda entry: (entry.provider, entry.scope))

    def refusal(self) -> str | None:
        """Why the folder is not used, for a message; ``None`` if it is used or can be made."""
        return self._folder.refusal()

    def check(self) -> None:
        """Raise ``CredentialError`` if the folder is not used."""
        refusal = self.refusal()
        if refusal:
            raise CredentialError("cache.folder-refused", folder=self._folder.path, problem=refusal)

    def forget(self, key: str) -> bool:
        """Remove what is kept under a key, as far as possible; return whether it was a token."""
        was_token = self._folder.written_at(f"{key}.{TOKEN}") is not None
        for kind in (TOKEN, FAILURE):
            self._folder.remove(f"{key}.{kind}")
        return was_token

    def clear(self) -> int:
        """Remove every entry and return how many tokens there were.

        Raises:
            CredentialError: a file of the cache is still there, or may be.
        """
        from cred_helper.files.atomic_file import final_name

        self.check()
        ours = [name for name in self._folder.names() if _is_ours(final_name(name) or name)]
        left = [name for name in ours if not self._folder.remove(name)]
        if left:
            raise CredentialError("cache.not-removed", file=left[0], folder=self._folder.path)
        return sum(not final_name(name) and name.endswith(f".{TOKEN}") for name in ours)

    def _files(self) -> Iterator[tuple[str, str, str]]:
        """Every file of an entry: its name, and the key and kind in that name."""
        for name in self._folder.names():
            parts = _parts(name)
            if parts:
                yield name, *parts

    def _tidy(self, now: float, locks: Locks) -> None:
        """Remove expired entries, the oldest of too many, and files of killed processes."""
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
        """Remove a file, unless another process is replacing it or just did."""
        key = name[:_KEY_DIGITS]
        if not locks.acquire(key):
            return
        try:
            if (self._folder.read(name, MAX_ENTRY_BYTES) or b"") == seen:
                self._folder.remove(name)
        finally:
            locks.release(key)


def _is_ours(name: str) -> bool:
    """Whether a file of this name is an entry, or the parsed copy of a settings file."""
    from cred_helper.settings.parsed import ENDING

    return _parts(name) is not None or name.endswith(ENDING)


def _parts(name: str) -> tuple[str, str] | None:
    """Key and kind from the name of an entry's file; ``None`` for any other file."""
    key, _, kind = name.partition(".")
    if kind not in (TOKEN, FAILURE, MEMO) or len(key) != _KEY_DIGITS or set(key) - _HEX_DIGITS:
        return None
    return key, kind


def memo_is_over(content: bytes, now: float) -> bool:
    """Whether a memo answers no more, or is from a later time than it is."""
    try:
        since_ms, until_ms, _ = map(int, content.split(b"\n", 2)[1].split())
    except (IndexError, ValueError):
        return True
    return not since_ms <= now * 1000 + 1 < until_ms


def default_folder(environ: Mapping[str, str]) -> str | None:
    """The folder to keep tokens in; ``None`` if the system offers none."""
    return next(known_folders(environ), None)


def known_folders(environ: Mapping[str, str]) -> Iterator[str]:
    """Every folder that may hold tokens, the one in use first.

    Sources: https://specifications.freedesktop.org/basedir-spec/latest/ (a relative path is
    ignored; the runtime folder ends with the session and is closed to others);
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
    """The first folder that can be written, for a service: its user's home may be read-only.

    Root has one more than other users: /run, which is in memory. ``None`` if there is none.

    Source: https://refspecs.linuxfoundation.org/FHS_3.0/fhs/ch03s15.html
    """
    folders = [*known_folders(environ), *service_folders()]
    return next(filter(_is_writable, folders), None)


def service_folders() -> list[str]:
    """The folder of the machine's services, which is root's."""
    is_root = sys.platform == "linux" and os.geteuid() == 0
    return [os.path.join("/run", _FOLDER_NAME)] if is_root else []


def _is_writable(folder: str) -> bool:
    """Whether the folder is private and can be written, or made with the one above it."""
    above = os.path.dirname(folder)
    place = next(filter(os.path.isdir, (folder, above, os.path.dirname(above))), "")
    if not place or not os.access(place, os.W_OK | os.X_OK):
        return False
    is_of_other = hasattr(os, "geteuid") and os.geteuid() == 0 and os.stat(place).st_uid != 0
    return not is_of_other and PrivateFolder(folder).refusal() is None
