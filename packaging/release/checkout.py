"""Clones the committed state of a version: ``python3 -m release.checkout VERSION FOLDER``."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path


def main(version: str, folder: Path) -> None:
    """Clone HEAD into ``folder``, or exit with the reason not to."""
    if not version:
        sys.exit("error: VERSION is missing\nhint: make release VERSION=0.2.0")
    changed = _git("status", "--porcelain")
    if changed:
        sys.exit(f"error: no commit has these changes:\n{changed}\nhint: git commit, or git stash")
    [own] = re.findall(
        r'^__version__ = "(.+)"$', _git("show", "HEAD:cred_helper/__init__.py"), re.MULTILINE
    )
    if own != version:
        sys.exit(
            f"error: VERSION is {version}, cred_helper.__version__ is {own}\n"
            "hint: change cred_helper/__init__.py and commit it"
        )
    tag = _git("for-each-ref", "--format=%(objectname) %(*objectname)", f"refs/tags/v{version}")
    if tag and _git("rev-parse", "HEAD") not in tag.split():
        sys.exit(f"error: the tag v{version} is another commit\nhint: git checkout v{version}")
    # Modes are in wheels, sdists and packages.
    os.umask(0o022)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _git("clone", "--quiet", ".", str(folder))


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"error: git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
