"""The parts of the single file, and of an installed package, with what the build recorded of them.

The single file's modules, libraries and data each carry a checksum, which is compared when a part
is read; its launcher has compared the modules' checksum at every start. An installed package has a
list of files with checksums.

Source: https://packaging.python.org/en/latest/specifications/recording-installed-packages/
"""

from __future__ import annotations

import hashlib
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cred_helper.errors import CannotLoad

if TYPE_CHECKING:
    from importlib.metadata import Distribution


_DISTRIBUTION = "docker-credential-multi"
_EXTENSION = 2


def is_frozen() -> bool:
    return "frozen_importer" in sys.modules


def _importer() -> Any:
    """The importer of the single file, which has its table of contents."""
    return sys.modules["frozen_importer"]


def extensions() -> list[str]:
    if not is_frozen():
        return []
    modules = _importer().contents()["modules"]
    return sorted(name for name, (kind, *_) in modules.items() if kind == _EXTENSION)


def parts() -> Iterator[tuple[str, bool]]:
    """The name of each part, and whether it is as the build recorded it; none without a record."""
    yield from _of_single_file() if is_frozen() else _of_packages()


def _of_single_file() -> Iterator[tuple[str, bool]]:
    importer = _importer()
    contents = importer.contents()
    for name, (kind, *entry) in contents["modules"].items():
        if kind != _EXTENSION:
            yield name, _is_read(importer, entry, is_module=True)
    for name, (entry, _) in contents["libraries"].items():
        if entry:
            yield name, _is_read(importer, entry)
    for name, entry in contents["data"].items():
        yield name, _is_read(importer, entry)


def _is_read(importer: Any, entry: Any, *, is_module: bool = False) -> bool:
    try:
        importer.read(entry, is_module=is_module)
    except CannotLoad:
        return False
    return True


def _of_packages() -> Iterator[tuple[str, bool]]:
    from importlib import metadata
    from importlib.metadata import PackageNotFoundError

    try:
        own = metadata.distribution(_DISTRIBUTION)
    except PackageNotFoundError:
        return
    recorded = {str(file) for file in own.files or () if file.hash}
    if "cred_helper/__init__.py" not in recorded:
        return  # an editable installation or a source folder: no record of the source
    for distribution in (own, *_needed(own)):
        for file in distribution.files or ():
            # Installers write the scripts of a package anew.
            if file.hash is not None and file.hash.mode == "sha256" and file.parts[0] != "..":
                yield str(file), _digest(distribution, file) == file.hash.value


def _needed(own: Distribution) -> Iterator[Distribution]:
    """The packages that the program needs and that are installed, directly or not."""
    import re
    from importlib import metadata

    seen = {_DISTRIBUTION}
    waiting = [own]
    while waiting:
        for requirement in waiting.pop().requires or ():
            name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")
            if name in seen or "extra ==" in requirement:
                continue
            seen.add(name)
            try:
                found = metadata.distribution(name)
            except metadata.PackageNotFoundError:
                continue  # for another system
            waiting.append(found)
            yield found


def _digest(distribution: Distribution, file: Any) -> str:
    try:
        with open(str(distribution.locate_file(file)), "rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").digest()
    except OSError:
        return ""
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
