"""The importer of the frozen file: modules, data and shared libraries come from its payload.

An import inflates the module's code from the file's own pages. A shared library goes to a memory
file, or to a temporary file that is unlinked as soon as it is loaded, so that a process killed at
any moment leaves nothing behind. A cached ``get`` only defines these functions.
"""

from __future__ import annotations

import sys
from _frozen_importlib import ModuleSpec

import _payload

from cred_helper.errors import CannotLoad

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, ModuleType
    from typing import NoReturn

    Entry = tuple[int, int, int]  # offset, compressed size, size

# Kinds of modules in the table of contents, as freeze/payload.py writes them.
CODE, PACKAGE, EXTENSION = range(3)

_contents: dict[str, dict] = {}
_loaded: set[str] = set()
_held: list[int] = []


def contents() -> dict[str, dict]:
    """The table of contents: modules, libraries and data by name."""
    if not _contents:
        import marshal

        _contents.update(marshal.loads(read(_payload.CONTENTS)))
    return _contents


def data(name: str) -> bytes:
    """The content of a data file.

    Raises:
        KeyError: the file carries no data of this name.
    """
    return read(contents()["data"][name])


def read(entry: Entry, *, is_module: bool = False) -> bytes:
    """The content of an entry, whose checksum is compared."""
    try:
        return _payload.read(*entry, is_module)
    except ValueError:
        raise _damaged() from None


def _damaged() -> CannotLoad:
    return CannotLoad("internal.damaged", path=sys.executable)


class Finder:
    """Finds a module in the table of contents and loads it."""

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
        folder = f"{sys.executable}/{name.replace('.', '/')}"
        if kind == PACKAGE:
            spec = ModuleSpec(name, cls, origin=f"{folder}/__init__.py", is_package=True)
            spec.submodule_search_locations.append(folder)
        else:
            spec = ModuleSpec(name, cls, origin=f"{folder}.py")
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

        return marshal.loads(read(entry, is_module=True))

    @staticmethod
    def get_source(_name: str) -> None:
        return None

    @staticmethod
    def is_package(name: str) -> bool:
        return contents()["modules"][name][0] == PACKAGE


def load_library(name: str) -> str:
    """Load a shared library and those it needs; the path it was loaded from."""
    entry, needs = contents()["libraries"][name]
    first_error = None
    for needed in needs:
        if needed not in _loaded:
            try:
                load_library(needed)
            except (OSError, CannotLoad) as error:
                # For example too new for this glibc. The system may have a library of its own.
                first_error = first_error or error
    if entry:
        try:
            path = _from_file(name, entry)
        except CannotLoad as error:
            raise first_error or error from None
    else:  # a folder build: the libraries are beside the executable
        folder = getattr(_payload, "FOLDER", f"{sys.executable.rpartition('/')[0]}/lib")
        path = f"{folder}/{name}"
        _payload.preload(path)
    _loaded.add(name)
    return path


def _from_file(name: str, entry: Entry) -> str:
    path = _in_memory(name, entry, is_library=True)
    if path:
        try:
            _payload.preload(path)
        except OSError:
            pass  # a policy may forbid to execute memory files, and allow a named file
        else:
            return path
    return _from_folders(name, entry)


def _in_memory(name: str, entry: Entry, *, is_library: bool) -> str:
    """Make a memory file; its path, empty where the kernel has none or /proc is not mounted."""
    try:
        fd = _payload.memory_file(name, is_library, *entry)
    except OSError:
        return ""
    except ValueError:
        raise _damaged() from None
    if isinstance(fd, str):  # PyInstaller's bootloader has made a folder for such files
        return fd
    import posix

    path = f"/proc/self/fd/{fd}"
    try:
        posix.stat(path)
    except OSError:
        posix.close(fd)
        return ""
    _held.append(fd)  # the loader identifies files by path: the number must not be used again
    return path


def _from_folders(name: str, entry: Entry) -> str:
    return _in_any_folder(name, lambda folder: _from_folder(folder, name, entry))


def _in_any_folder(name: str, attempt: Callable[[str], str]) -> str:
    """What the attempt returns for the first safe folder in which it does not fail."""
    import errno

    failures = []
    for folder in _safe_folders():
        try:
            return attempt(folder)
        except OSError as error:
            failures.append((folder, error))
    if failures and all(error.errno == errno.EFBIG for _, error in failures):
        raise CannotLoad("internal.file-size-limit")
    reasons = "; ".join(f"{folder}: {error.strerror or error}" for folder, error in failures)
    raise CannotLoad(
        "internal.cannot-load",
        library=name.partition(".")[0],
        reasons=reasons or "every folder can be changed by other users",
    )


def _safe_folders() -> Iterator[str]:
    """The folders to unpack to in which no other user can replace a file."""
    import os

    named = [os.environ.get(name, "") for name in ("TMPDIR", "XDG_RUNTIME_DIR")]
    named[1:1] = ["/tmp", "/var/tmp", "/dev/shm"]
    found = (_payload.safe_folder(folder) for folder in (*named, "/"))
    yield from filter(None, dict.fromkeys(found))


def _from_folder(folder: str, name: str, entry: Entry) -> str:
    import posix

    path, fd = _new_file(folder, name, 0o700)
    try:
        _write(fd, read(entry))
        _payload.preload(path)
    finally:
        posix.unlink(path)
    return path


def _new_file(folder: str, name: str, mode: int) -> tuple[str, int]:
    import posix

    path = f"{folder}/.{name}.{posix.urandom(8).hex()}"
    flags = posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_CLOEXEC
    return path, posix.open(path, flags, mode)


def _write(fd: int, content: bytes) -> None:
    with open(fd, "wb") as file:
        file.write(content)


def readable_path(name: str) -> str:
    """A path of a data file, for a library that takes nothing but a path."""
    entry = contents()["data"][name]
    path = _in_memory(name, entry, is_library=False)
    if path:
        return path
    import os

    # Without /proc. The program ends by os._exit, so that only a killed process leaves the file.
    own_name = name.rpartition("/")[2]
    path = _in_any_folder(own_name, lambda folder: _data_file(folder, own_name, read(entry)))
    end = os._exit

    def remove_and_end(status: int) -> NoReturn:
        os.unlink(path)
        end(status)

    os._exit = remove_and_end
    return path


def _data_file(folder: str, name: str, content: bytes) -> str:
    import posix

    path, fd = _new_file(folder, name, 0o600)
    try:
        _write(fd, content)
    except OSError:
        posix.unlink(path)
        raise
    return path
