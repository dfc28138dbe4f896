"""The tokens on disk: one file an entry in a private folder, tidied whenever one is written.

Never asks a provider and never tells the time: the caller says what time it is. Nothing here fails
because of what lies in the folder, or because there is none; only ``clear`` says that it could not.
"""

from __future__ import annotations

import os
import sys

from cred_helper.cache.entry import FAILURE, TOKEN, Entry, Failure
from cred_helper.errors import CredentialError
from cred_helper.files.private_folder import PrivateFolder, final_name, is_private

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cred_helper.cache.sealing import Sealing
    from cred_helper.errors import NotFound, ProviderError
    from cred_helper.files.locks import Locks

_FOLDER_NAME = "docker-credential-multi"
_LOCK_FILE = "lock"
_KEY_DIGITS = 32
_HEX_DIGITS = frozenset("0123456789abcdef")

# The largest tokens (Entra's, of people in many groups) are a few KiB.
MOST_ENTRY_BYTES = 64 << 10
# More registries than anybody has; what is over the number is renewed a little sooner.
MOST_ENTRIES = 256
# A temporary file gets its name within a moment: an old one is what a killed process left behind.
MOST_TEMPORARY_AGE_S = 600.0


class TokenCache:
    """The entries of one folder, their secrets encrypted where there is a ``sealing``."""

    __slots__ = ("_folder", "_sealing")

    def __init__(self, folder: str, sealing: Sealing | None = None) -> None:
        self._folder = PrivateFolder(folder)
        self._sealing = sealing

    def token(self, key: str) -> Entry | None:
        """Read the token of a key, however old."""
        entry = self.look(key)
        return self._sealing.opened(key, entry) if self._sealing and entry else entry

    def look(self, key: str) -> Entry | None:
        """Read the token of a key as it lies there, sealed or not, without asking a keychain."""
        entry = self._entry(key)
        if entry is None or entry.is_sealed != (self._sealing is not None):
            return None  # one of another setting is renewed in the form of this one
        return entry

    def _entry(self, key: str) -> Entry | None:
        content = self._folder.read(f"{key}.{TOKEN}", MOST_ENTRY_BYTES)
        return None if content is None else Entry.decode(key, content)

    def keep(self, key: str, entry: Entry, locks: Locks) -> bool:
        """Keep a new token, whose lock the caller holds; false where that is not possible."""
        self._tidy(entry.created_at, locks)
        if not entry.is_valid(entry.created_at):
            return False  # over already, or this machine's clock runs ahead
        try:
            kept = self._sealing.sealed(key, entry) if self._sealing else entry
            content = kept.encode(key) if kept else b""
        except ValueError:
            return False
        fits = 0 < len(content) <= MOST_ENTRY_BYTES
        return fits and self._folder.write(f"{key}.{TOKEN}", content)

    def failure(self, key: str) -> Failure | None:
        """Read what the last one to ask was told, however long ago."""
        content = self._folder.read(f"{key}.{FAILURE}", MOST_ENTRY_BYTES)
        return None if content is None else Failure.decode(key, content)

    def note(self, key: str, error: NotFound | ProviderError, now: float, locks: Locks) -> None:
        """Keep what this process was told."""
        self._tidy(now, locks)
        try:
            content = Failure(error, now).encode(key)
        except ValueError:
            return
        self._folder.write(f"{key}.{FAILURE}", content)

    def locks(self) -> Locks:
        """Open the locks that say who is asking; the caller closes them."""
        from cred_helper.files.locks import Locks

        return Locks(self._folder.open_shared(_LOCK_FILE))

    def entries(self, now: float) -> list[Entry]:
        """List the tokens that are still good, by what they open."""
        found = [self._entry(key) for _, key, kind in self._files() if kind == TOKEN]
        good = [entry for entry in found if entry is not None and entry.is_valid(now)]
        return sorted(good, key=lambda entry: (entry.provider, entry.scope))

    def refusal(self) -> str | None:
        """Say why the folder is not used, for a person; ``None`` where it is or would be made."""
        return self._folder.refusal()

    def check(self) -> None:
        """Raise ``CredentialError`` where the folder is not used."""
        refusal = self.refusal()
        if refusal:
            raise CredentialError(f"the cache folder {self._folder.path} is not used: {refusal}")

    def forget(self, key: str) -> None:
        """Remove what is kept under a key, if that can be done."""
        for kind in (TOKEN, FAILURE):
            self._folder.remove(f"{key}.{kind}")

    def clear(self) -> int:
        """Remove every entry; how many tokens that were.

        Raises:
            CredentialError: something of the cache is still there, or may be.
        """
        self.check()
        ours = [name for name in self._folder.names() if _is_ours(final_name(name) or name)]
        left = [name for name in ours if not self._folder.remove(name)]
        if left:
            raise CredentialError(f"{left[0]} in {self._folder.path} cannot be removed")
        return sum(not final_name(name) and name.endswith(f".{TOKEN}") for name in ours)

    def _files(self) -> Iterator[tuple[str, str, str]]:
        """Every file of an entry: its name, and the key and the kind that it says."""
        for name in self._folder.names():
            parts = _parts(name)
            if parts:
                yield name, *parts

    def _tidy(self, now: float, locks: Locks) -> None:
        """Remove what is over, the oldest of too many, and what killed processes left behind."""
        good: list[tuple[float, str, bytes]] = []
        for name, key, kind in self._files():
            content = self._folder.read(name, MOST_ENTRY_BYTES) or b""
            found = (Entry if kind == TOKEN else Failure).decode(key, content)
            if found is None or found.is_over(now):
                self._drop(name, content, locks)
            elif isinstance(found, Entry):
                good.append((found.created_at, name, content))
        for _, name, content in sorted(good)[: max(0, len(good) + 1 - MOST_ENTRIES)]:
            self._drop(name, content, locks)
        for name in self._folder.names():
            if _is_ours(final_name(name) or ""):
                written_at = self._folder.written_at(name)
                if written_at and abs(now - written_at) > MOST_TEMPORARY_AGE_S:
                    self._folder.remove(name)

    def _drop(self, name: str, seen: bytes, locks: Locks) -> None:
        """Remove a file, unless a process is about to replace it or just did."""
        key = name[:_KEY_DIGITS]
        if not locks.acquire(key):
            return
        try:
            if (self._folder.read(name, MOST_ENTRY_BYTES) or b"") == seen:
                self._folder.remove(name)
        finally:
            locks.release(key)


def _is_ours(name: str) -> bool:
    """Whether a file of this name is one of an entry, or what settings were parsed to."""
    from cred_helper.settings.parsed import ENDING

    return _parts(name) is not None or name.endswith(ENDING)


def _parts(name: str) -> tuple[str, str] | None:
    """Key and kind from the name of an entry's file; ``None`` for a file that is not ours."""
    key, _, kind = name.partition(".")
    if kind not in (TOKEN, FAILURE) or len(key) != _KEY_DIGITS or set(key) - _HEX_DIGITS:
        return None
    return key, kind


def default_folder(environ: Mapping[str, str]) -> str | None:
    """Name the folder to keep tokens in; ``None`` where the system offers none."""
    return next(known_folders(environ), None)


def known_folders(environ: Mapping[str, str]) -> Iterator[str]:
    """Name every folder that may hold tokens, the one in use first.

    Sources: https://specifications.freedesktop.org/basedir-spec/latest/ (a relative path counts as
    none; the runtime folder ends with the login, and is the user's alone);
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
