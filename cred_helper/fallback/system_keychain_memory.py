"""What is remembered of the system keychain from one process to the next.

It remembers that the keychain hung, so that waiting costs a few seconds once and not at every
``get``; and for which server URLs it took a login from us, so that its failure is not mistaken for
"no login". Each fact is a file, named by a digest; none holds a secret, and all may be lost.
"""

from __future__ import annotations

import os
from time import time

from cred_helper.fallback.registry_key import RegistryKey
from cred_helper.files import atomic_file, user_folders
from cred_helper.files.fingerprints import digest
from cred_helper.files.private_folder import PrivateFolder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cred_helper.server_url import ServerURL

# Then it is asked again: a user may have unlocked or repaired it.
HUNG_FOR_S = 15 * 60.0
_FOLDER = "docker-credential-multi"


class SystemKeychainMemory:
    """The memory of one keychain, by the name of its helper."""

    def __init__(self, name: str, environ: Mapping[str, str]) -> None:
        self._name = name
        self._path = os.path.join(user_folders.data(environ), _FOLDER)
        self._folder = PrivateFolder(self._path)

    def is_hung(self) -> bool:
        hung_at = self._folder.written_at(self._hung)
        return hung_at is not None and 0 <= time() - hung_at < HUNG_FOR_S

    def note_hung(self) -> None:
        self._write(self._hung)

    def holds(self, server_url: ServerURL) -> bool:
        return self._folder.written_at(self._login(server_url)) is not None

    def note_login(self, server_url: ServerURL) -> None:
        """Remember that it took a login; it works, then."""
        self._write(self._login(server_url))
        self._folder.remove(self._hung)

    def forget_login(self, server_url: ServerURL) -> None:
        self._folder.remove(self._login(server_url))

    @property
    def _hung(self) -> str:
        return f"{self._name}.hung"

    def _login(self, server_url: ServerURL) -> str:
        key = RegistryKey(server_url)
        parts = [key.registry, key.path]
        return f"{self._name}.{digest(part.encode('utf-8', 'surrogatepass') for part in parts)}"

    def _write(self, name: str) -> None:
        try:
            atomic_file.make_folders(self._path, 0o700)
        except OSError:
            return
        self._folder.write(name, b"")
