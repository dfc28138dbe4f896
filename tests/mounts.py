"""Programs in a mount namespace of their own."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

# Found now: tests run with another PATH.
_UNSHARE, _SHELL = shutil.which("unshare") or "", shutil.which("sh") or ""
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def mounted(script: str, *command: str) -> list[str]:
    """The command that runs another one once a script has mounted things."""
    words = f'PATH={_PATH}; {script}; PATH="$0"; exec "$@"'
    return [_UNSHARE, "-rm", _SHELL, "-ec", words, os.environ.get("PATH", _PATH), *command]


def _is_allowed() -> bool:
    if not _UNSHARE:
        return False
    trial = mounted("mount -t tmpfs none /mnt", _SHELL, "-c", "exit 0")
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0


needs_mounts = pytest.mark.skipif(not _is_allowed(), reason="nothing can be mounted here")
