"""The artifacts of one run of a workflow, as upload-artifact and download-artifact keep them.

An artifact has its files below one root: the folder of the path, or what comes before its first
wildcard; of several paths, their common folder; of a single file, its folder. Modes and hidden
files are lost.

Sources:
  https://github.com/actions/upload-artifact/blob/main/src/shared/search.ts
  https://github.com/actions/toolkit/blob/main/packages/glob/src/internal-pattern-helper.ts
  https://github.com/actions/download-artifact/blob/main/src/download-artifact.ts
"""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from glob import glob
from pathlib import Path

_WILDCARD = re.compile(r"[*?\[]")


class Artifacts:
    """What the jobs so far have uploaded."""

    def __init__(self) -> None:
        self._files: dict[str, dict[str, bytes]] = {}

    def upload(self, workspace: Path, given: dict[str, str]) -> None:
        """Keep the files of a step's ``path``."""
        assert not given.keys() - {"name", "path", "if-no-files-found"}, given
        assert given["name"] not in self._files, f"two artifacts are named {given['name']}"
        patterns = [os.path.normpath(workspace / line) for line in given["path"].split("\n")]
        found = {path for pattern in patterns for path in _matches(pattern)}
        assert found, f"no file matches {given['path']}"
        roots = [_before_wildcard(pattern) for pattern in patterns]
        root = os.path.commonpath(roots)
        if len(roots) == 1 and found == {Path(root)}:
            root = os.path.dirname(root)
        names = {path.relative_to(root).as_posix(): path for path in sorted(found)}
        self._files[given["name"]] = {
            name: path.read_bytes() for name, path in names.items() if "/." not in f"/{name}"
        }

    def download(self, workspace: Path, given: dict[str, str]) -> None:
        """Write the files of the artifacts that a step names."""
        if "name" in given:
            assert given.keys() == {"name", "path"}, given
            chosen = [given["name"]]
        else:
            assert given.keys() - {"merge-multiple"} == {"pattern", "path"}, given
            chosen = [name for name in self._files if fnmatchcase(name, given["pattern"])]
        assert chosen, f"no artifact for {given}"
        merged = "name" in given or str(given.get("merge-multiple")).lower() == "true"
        for name in chosen:
            folder = workspace / given["path"] / ("" if merged else name)
            for path, content in self._files[name].items():
                out = folder / path
                out.parent.mkdir(parents=True, exist_ok=True)
                out.write_bytes(content)


def _matches(pattern: str) -> list[Path]:
    """The files that a pattern matches, and those below the folders that it matches."""
    found = [Path(name) for name in glob(pattern, recursive=True)]
    below = [path for folder in found if folder.is_dir() for path in folder.rglob("*")]
    return [path for path in (*found, *below) if path.is_file()]


def _before_wildcard(pattern: str) -> str:
    parts = Path(pattern).parts
    wild = next((n for n, part in enumerate(parts) if _WILDCARD.search(part)), len(parts))
    return str(Path(*parts[:wild]))
