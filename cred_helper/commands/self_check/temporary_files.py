"""Files for libraries that take a path alone: in memory or, where that is impossible, on disk."""

from __future__ import annotations

import os
import sys
from typing import Self

from cred_helper.errors import CredentialError
from cred_helper.files.os_errors import os_reason
from cred_helper.files.private_folder import PrivateFolder


class TemporaryFiles:
    """The files of one check; they end with it."""

    def __init__(self) -> None:
        self._fds: list[int] = []
        self._folder = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for fd in self._fds:
            os.close(fd)
        if self._folder:
            for name in os.listdir(self._folder):
                os.unlink(os.path.join(self._folder, name))
            os.rmdir(self._folder)

    def keep(self, name: str, content: bytes) -> str:
        """Make a file that only this user can read; its path."""
        return self._in_memory(name, content) or self._on_disk(name, content)

    def _in_memory(self, name: str, content: bytes) -> str:
        """A memory file; empty where the system has none, or /proc is not mounted.

        Nor has a Python that is built for an older glibc, as uv's are.
        """
        if sys.platform == "linux" and hasattr(os, "memfd_create"):
            try:
                fd = os.memfd_create(name)
            except OSError:
                return ""
            self._fds.append(fd)
            path = f"/proc/self/fd/{fd}"
            if os.write(fd, content) == len(content) and os.path.exists(path):
                return path
        return ""

    def _on_disk(self, name: str, content: bytes) -> str:
        self._folder = self._folder or _new_folder()
        name = f"{len(os.listdir(self._folder))}-{name}"
        if not PrivateFolder(self._folder).write(name, content):
            raise CredentialError("selfcheck.no-files", folder=self._folder, reason="no space")
        return os.path.join(self._folder, name)


def _new_folder() -> str:
    """A folder for a moment; never in the folder that the program was started in."""
    reason = ""
    named = (os.environ.get(name, "") for name in ("TMPDIR", "TEMP", "XDG_RUNTIME_DIR"))
    for above in filter(os.path.isabs, (*named, "/tmp", "/var/tmp", "/dev/shm", "/")):  # noqa: S108
        path = os.path.join(above, f".docker-credential-multi-{os.urandom(8).hex()}")
        try:
            os.mkdir(path, 0o700)
        except OSError as error:
            reason = os_reason(error)
        else:
            return path
    raise CredentialError("selfcheck.no-files", folder="any folder for them", reason=reason)
