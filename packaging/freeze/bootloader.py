"""The file with PyInstaller's bootloader, for a Python that cannot be linked in.

The payload is one entry of the bootloader's archive, which stays in the file. The bootloader
unpacks what starts Python: the shared libpython, zlib, and the codecs.
"""

import platform
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

from freeze import contents, elf
from freeze.payload import Payload

# Python imports these before the payload can be read.
BEFORE_PAYLOAD = ("encodings", "encodings.aliases", "encodings.utf_8")
UNPACKED = ("BINARY", "EXTENSION", "SYMLINK")


class Binaries:
    """The shared libraries of the analysis, by the path that they are unpacked to."""

    def __init__(self, analysis: Any) -> None:
        from PyInstaller.depend import bindepend

        self.rows = {
            name.replace("\\", "/"): (path, kind)
            for name, path, kind in sorted(analysis.binaries)
            if kind in UNPACKED
        }
        self._by_name = {name.rpartition("/")[2]: name for name in self.rows}
        self._imports = bindepend.get_imports
        library = Path(bindepend.get_python_library_path())
        # PyInstaller may find the library of another Python of this machine.
        if platform.python_version().encode() not in library.read_bytes():
            sys.exit(f"error: {library} is not the library of {sys.executable}")
        python = library.name
        first = [name for name, (_, kind) in self.rows.items() if kind == "SYMLINK"]
        first += [self._by_name[python], *filter(_is_zlib, self.rows)]
        self.of_python = self._closure(first)

    def needs(self, name: str) -> list[str]:
        """Those of the file that a library needs."""
        path, kind = self.rows[name]
        if kind == "SYMLINK":
            return []
        needed = (Path(found).name for found, _ in self._imports(path))
        return sorted({self._by_name[base] for base in needed if base in self._by_name} - {name})

    def _closure(self, names: list[str]) -> set[str]:
        found: set[str] = set()
        while names:
            name = names.pop()
            if name not in found:
                found.add(name)
                names += self.needs(name)
        return found


def _is_zlib(name: str) -> bool:
    return name.rpartition("/")[2].partition(".")[0] == "zlib"


def add_libraries(payload: Payload, binaries: Binaries, *, in_folder: bool) -> None:
    """Add all that the bootloader does not unpack itself."""
    from PyInstaller.building.utils import process_collected_binary

    linux = elf.HERE
    for name, (path, kind) in binaries.rows.items():
        if linux and kind != "SYMLINK":
            payload.sources[name] = path
            payload.floors[name] = elf.glibc_floor(path)
        if name in binaries.of_python and not _is_zlib(name):
            continue
        content = None
        if not in_folder and name not in binaries.of_python:
            packed = process_collected_binary(path, name, use_strip=linux)
            content = Path(packed).read_bytes()
        if kind == "EXTENSION":
            module = name.rpartition("lib-dynload/")[2]
            payload.add_extension(module.partition(".")[0].replace("/", "."), name)
        needs = [need for need in binaries.needs(name) if need not in binaries.of_python]
        payload.add_library(name, content, tuple(needs))


def build(payload: Payload, binaries: Binaries, work: Path, out: Path, *, in_folder: bool) -> Path:
    """Write the file or the folder; the path of the executable."""
    from PyInstaller.building.api import COLLECT, EXE
    from PyInstaller.config import CONF

    layout = payload.write_for_bootloader(work)
    code = contents.code("_payload", contents.RUNTIME / "bootloader_payload.py", layout)
    module = work / "_payload.pyc"
    module.write_bytes(_compiled(code))
    start = [
        ("_payload", str(module), "PYMODULE"),
        ("bootloader_entry", str(contents.RUNTIME / "bootloader_entry.py"), "PYSOURCE"),
        ("payload", str(work / "payload.bin"), "PYZ"),
        ("X utf8=1", "", "OPTION"),
    ]
    unpacked = [
        (row, path, kind)
        for row, (path, kind) in binaries.rows.items()
        if in_folder or row in binaries.of_python
    ]
    unpacked.append(("base_library.zip", str(_base_library(work)), "DATA"))
    strip = elf.HERE
    # Stored as they are: the bootloader copies them at every start.
    plain = dict.fromkeys(("BINARY", "EXTENSION", "DATA", "PYZ", "SYMLINK", "PYMODULE"), False)
    CONF["distpath"] = str(out.parent)
    if not in_folder:
        return Path(EXE(start, unpacked, name=out.name, strip=strip, cdict=plain).name)
    program = EXE(start, name=out.name, exclude_binaries=True, cdict=plain)
    folder = COLLECT(program, unpacked, name=f"{out.name}.dir", strip=strip)
    return Path(folder.name, Path(program.name).name)


def _compiled(code: bytes) -> bytes:
    """The content of a .pyc file."""
    return MAGIC_NUMBER + bytes(12) + code


def _base_library(work: Path) -> Path:
    """An archive of the modules that Python imports before the payload can be read."""
    import encodings

    out = work / "first_modules.zip"
    with ZipFile(out, "w") as file:
        for name in BEFORE_PAYLOAD:
            path = f"{name.replace('.', '/')}{'/__init__' if name == 'encodings' else ''}"
            source = Path(encodings.__file__).parents[1] / f"{path}.py"
            code = contents.code(name, source)
            file.writestr(ZipInfo(f"{path}.pyc"), _compiled(code))
    return out


def costs(binaries: Binaries) -> str:
    """What a start costs, in words."""
    from PyInstaller.building.utils import process_collected_binary

    size = 0
    for name in binaries.of_python:
        path, kind = binaries.rows[name]
        if kind != "SYMLINK":
            path = process_collected_binary(path, name, use_strip=elf.HERE)
            size += Path(path).stat().st_size
    return (
        f"every start unpacks {size / 1e6:.0f} MB to TMPDIR, where files must be executable: a"
        " get takes 30 ms or more"
    )
