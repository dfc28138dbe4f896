"""``_payload`` in a file with PyInstaller's bootloader, instead of the module in ``launcher.c``.

The bootloader has made a folder for this process, in which Python's own library is. Libraries go
there when they are needed; the bootloader removes the folder at the end. Everything else is read
from the file.
"""

# Without `from __future__`: that is a module of the payload.
import _imp
import marshal
import os
import sys
import zlib
from _frozen_importlib import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

PROGRAM = "docker-credential-multi"

# The build appends other values: where the table of contents is, and the modules of every start.
CONTENTS = (0, 0, 0)
STARTED_WITH: dict[str, tuple[int, int, bool]] = {}
STARTED_WITH_SIZE = STARTED_WITH_SUM = 0

FOLDER = sys._MEIPASS
_path, _offset = "", 0
_started_with = b""


def start(place: str) -> None:
    """Read the modules of every start; ``place`` is as in ``/bin/multi?40960``, with an offset."""
    global _path, _offset, _started_with  # noqa: PLW0603
    _path, _, offset = place.rpartition("?")
    _offset = int(offset)
    _started_with = _bytes(0, STARTED_WITH_SIZE)
    if zlib.crc32(_started_with) != STARTED_WITH_SUM:
        reason = f"the file {PROGRAM} is damaged"
        hint = "install it again, and compare its checksum with SHA256SUMS"
        os.write(1, f"{reason}\n".encode())
        message = f"{PROGRAM}: error: {reason} [internal.damaged]\n{PROGRAM}: hint: {hint}\n"
        os.write(2, message.encode())
        os._exit(1)
    sys.meta_path.insert(2, StartModules)


def _bytes(at: int, size: int) -> bytes:
    with open(_path, "rb", buffering=0) as file:
        file.seek(_offset + at)
        return file.read(size)


class StartModules:
    """Finds the modules of every start."""

    @classmethod
    def find_spec(
        cls, name: str, _path: object = None, _target: object = None
    ) -> ModuleSpec | None:
        row = STARTED_WITH.get(name)
        return ModuleSpec(name, cls, origin="frozen", is_package=row[2]) if row else None

    @staticmethod
    def create_module(_spec: ModuleSpec) -> None:
        return None

    @staticmethod
    def exec_module(module: "ModuleType") -> None:
        at, size, _ = STARTED_WITH[module.__spec__.name]
        exec(marshal.loads(memoryview(_started_with)[at : at + size]), module.__dict__)


def read(at: int, stored: int, size: int, _is_module: bool = False) -> bytes:
    try:
        content = zlib.decompress(_bytes(at, stored), bufsize=size)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if len(content) != size:
        raise ValueError("the file is damaged")
    return content


def memory_file(name: str, _is_library: bool, at: int, stored: int, size: int) -> str:
    """Unpack an entry to the bootloader's folder; its path."""
    path = os.path.join(FOLDER, name)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    content = read(at, stored, size)
    with open(path, "wb") as file:
        file.write(content)
    return path


def preload(path: str) -> None:
    """Load a shared library: as an extension module, which it need not be."""
    try:
        _imp.create_dynamic(ModuleSpec("preloaded", None, origin=path))
    except ImportError as error:
        if "PyInit_preloaded" not in str(error):
            raise OSError(str(error)) from None


def safe_folder(_folder: str) -> str:
    """The bootloader's folder: only this user can write to it."""
    return FOLDER
