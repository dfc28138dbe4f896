"""Imports what the file carries beyond its frozen modules, and loads the libraries it needs.

A module's code is inflated from the file's own pages when it is imported. A shared library goes to
an anonymous file in memory, or to a temporary file that loses its name as soon as it is loaded, so
that a process killed at any moment leaves nothing behind. Nothing here runs at a cached ``get`` but
the definition of these functions.
"""

from __future__ import annotations

import sys
from _frozen_importlib import ModuleSpec

import _payload

from cred_helper.errors import CannotLoad

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import NoReturn

    Entry = tuple[int, int, int]  # where, bytes stored, bytes inflated

# Kinds of modules in the table of contents; freeze/payload.py writes them.
CODE, PACKAGE, EXTENSION = range(3)

_contents: dict[str, dict] = {}
_loaded: set[str] = set()
_held: list[int] = []

_HINT = "mount /proc, or set TMPDIR to a directory on a file system that lets files be executed"


def contents() -> dict[str, dict]:
    """The table of contents: modules, libraries and data by name."""
    if not _contents:
        import marshal

        _contents.update(marshal.loads(_payload.read(*_payload.CONTENTS)))
    return _contents


def data(name: str) -> bytes:
    """The bytes of a data file; raises KeyError."""
    return _payload.read(*contents()["data"][name])


class Finder:
    """Finds a module in the table of contents; it is its own loader, and has no state."""

    @classmethod
    def find_spec(
        cls, name: str, _path: object = None, _target: object = None
    ) -> ModuleSpec | None:
        found = contents()["modules"].get(name)
        if found is None:
            return None
        kind = found[0]
        if kind == EXTENSION:
            return ModuleSpec(name, cls, origin=found[1])
        directory = f"{sys.executable}/{name.replace('.', '/')}"
        if kind == PACKAGE:
            spec = ModuleSpec(name, cls, origin=f"{directory}/__init__.py", is_package=True)
            spec.submodule_search_locations.append(directory)
        else:
            spec = ModuleSpec(name, cls, origin=f"{directory}.py")
        spec.has_location = True
        return spec

    @staticmethod
    def create_module(spec: ModuleSpec) -> ModuleType | None:
        found = contents()["modules"][spec.name]
        if found[0] != EXTENSION:
            return None
        import _imp

        path = load_library(found[1])
        return _imp.create_dynamic(ModuleSpec(spec.name, None, origin=path))

    @classmethod
    def exec_module(cls, module: ModuleType) -> None:
        code = cls.get_code(module.__spec__.name)
        if code is None:
            import _imp

            _imp.exec_dynamic(module)
        else:
            exec(code, module.__dict__)

    @staticmethod
    def get_code(name: str) -> CodeType | None:
        kind, *entry = contents()["modules"][name]
        if kind == EXTENSION:
            return None
        import marshal

        return marshal.loads(_payload.read(*entry, True))

    @staticmethod
    def get_source(_name: str) -> None:
        return None

    @staticmethod
    def is_package(name: str) -> bool:
        return contents()["modules"][name][0] == PACKAGE


def load_library(name: str) -> str:
    """Load a shared library after those it needs; the path it was loaded from."""
    entry, needs = contents()["libraries"][name]
    lacking = None
    for needed in needs:
        if needed not in _loaded:
            try:
                load_library(needed)
            except (OSError, CannotLoad) as error:
                # Too new for this glibc, say: the system's own does, where it has one.
                lacking = lacking or error
    if entry:
        try:
            path = _from_file(name, entry)
        except CannotLoad as error:
            raise lacking or error from None
    else:  # a folder build: libraries lie beside the executable
        path = f"{sys.executable.rpartition('/')[0]}/lib/{name}"
        _payload.preload(path)
    _loaded.add(name)
    return path


def _from_file(name: str, entry: Entry) -> str:
    path = _in_memory(name, entry, is_library=True)
    if path:
        try:
            _payload.preload(path)
        except OSError:
            pass  # a policy that lets no anonymous memory be executed: a named file may do
        else:
            return path
    return _from_directories(name, entry)


def _in_memory(name: str, entry: Entry, *, is_library: bool) -> str:
    """An anonymous file's path; empty where the kernel or a missing /proc has no such thing."""
    import posix

    try:
        fd = _payload.memory_file(name, is_library, *entry)
    except OSError:
        return ""
    path = f"/proc/self/fd/{fd}"
    try:
        posix.stat(path)
    except OSError:
        posix.close(fd)
        return ""
    _held.append(fd)  # the loader knows files by path: the number must not come to mean another
    return path


def _from_directories(name: str, entry: Entry) -> str:
    reasons = []
    for directory in _directories():
        try:
            return _from_directory(directory, name, entry)
        except OSError as error:
            reasons.append(f"{directory}: {error.strerror or error}")
    raise CannotLoad(
        f"cannot load {name.partition('.')[0]}: no memory file, and no directory it could be loaded"
        f" from ({'; '.join(reasons)})",
        hint=_HINT,
    )


def _directories() -> list[str]:
    import os

    asked = [os.environ.get(name, "") for name in ("TMPDIR", "XDG_RUNTIME_DIR")]
    asked[1:1] = ["/tmp", "/var/tmp", "/dev/shm"]
    return [*dict.fromkeys(filter(None, asked)), ".", "/"]


def _from_directory(directory: str, name: str, entry: Entry) -> str:
    import posix

    path = f"{directory}/.{name}.{posix.urandom(8).hex()}"
    fd = posix.open(path, posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_CLOEXEC, 0o700)
    try:
        _write(fd, _payload.read(*entry))
        _payload.preload(path)
    finally:
        posix.unlink(path)
    return path


def _write(fd: int, content: bytes) -> None:
    with open(fd, "wb") as file:
        file.write(content)


def readable_path(name: str) -> str:
    """A path under which a data file can be opened by whoever insists on a path."""
    entry = contents()["data"][name]
    path = _in_memory(name, entry, is_library=False)
    if path:
        return path
    import os
    import tempfile

    # No /proc. The program ends by os._exit, past every other way to tidy up; only a process that
    # is killed leaves the file behind.
    fd, path = tempfile.mkstemp(prefix=".docker-credential-multi-")
    _write(fd, _payload.read(*entry))
    end = os._exit

    def tidy_up_and_end(status: int) -> NoReturn:
        os.unlink(path)
        end(status)

    os._exit = tidy_up_and_end
    return path
