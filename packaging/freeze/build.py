"""Builds the file from PyInstaller's analysis; the spec calls it."""

import _imp
import argparse
import hashlib
import sys
import zlib
from collections.abc import Iterator
from functools import partial
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

from cred_helper import __version__, clouds
from cred_helper.commands.self_check import last_line
from freeze import aws_data, bootloader, contents, elf, interpreter, link, patterns, sbom, table
from freeze.payload import Payload
from freeze.source import digest

PROGRAM = "docker-credential-multi"

RUNTIME_MODULES = ("frozen_entry", "frozen_importer")


class Module(NamedTuple):
    name: str
    code: bytes
    is_package: bool


def options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="freeze")
    parser.add_argument("--zstd", type=Path, help="the folder with zstd.c")
    parser.add_argument("--providers", default=",".join(clouds.NAMES))
    parser.add_argument("--name", default=PROGRAM, help="the name of the file")
    parser.add_argument("--static", action="store_true", help="also the file that needs no libc")
    parser.add_argument("--folder", action="store_true", help="with its libraries in a folder")
    parser.add_argument(
        "--launcher", choices=("auto", "own", "pyinstaller"), default="auto",
        help="with Python linked in, or PyInstaller's bootloader; auto: the first where it can be",
    )  # fmt: skip
    parser.add_argument("--release", action="store_true", help="fail for a glibc above the pin")
    parser.add_argument("--both", action="store_true", help="the other in a folder bootloader")
    parsed = parser.parse_args(arguments)
    parsed.providers = [name for name in parsed.providers.split(",") if name not in ("", "none")]
    unknown = set(parsed.providers) - set(clouds.NAMES)
    if unknown:
        parser.error(f"unknown provider: {', '.join(sorted(unknown))}")
    parsed.sources = digest()
    return parsed


def allow_static_python() -> None:
    """Let PyInstaller analyse with a Python that has no shared libpython, for the launcher."""
    from PyInstaller.depend import bindepend
    from PyInstaller.exceptions import PythonLibraryNotFoundError

    static = link.python_library()
    try:
        bindepend.get_python_library_path()
    except PythonLibraryNotFoundError:
        if static is None:
            raise
        bindepend.get_python_library_path = lambda: str(static)


def hidden_imports(parsed: argparse.Namespace) -> list[str]:
    """The modules that are imported by name, which PyInstaller's analysis does not see."""
    loader = ["botocore_loader"] if "ecr" in parsed.providers else []
    return [*contents.own_modules(parsed.providers), "compiled_patterns", *loader]


def build(analysis: Any, parsed: argparse.Namespace, work: Path, dist: Path) -> None:
    reason = _why_not_linked(parsed.launcher, work)
    modules = list(_modules(analysis))
    built = []
    if not reason:
        built.append(_with_launcher(analysis, modules, parsed, work, dist))
    if reason or parsed.both:
        folder = dist if reason else dist / "bootloader"
        built.append(_with_bootloader(analysis, modules, parsed, work, folder, reason))
    if digest() != parsed.sources:
        for out in built:
            out.unlink()
        sys.exit("error: the sources changed during the build: build again")


def _why_not_linked(launcher: str, work: Path) -> str:
    """Why PyInstaller's bootloader is used; empty if it is not."""
    if launcher == "pyinstaller":
        return "LAUNCHER=pyinstaller"
    try:
        link.check(work)
    except link.CannotLink as problem:
        if launcher == "own":
            sys.exit(f"error: {sys.executable}: {problem}")
        return str(problem)
    return ""


def _with_bootloader(
    analysis: Any,
    modules: list[Module],
    parsed: argparse.Namespace,
    work: Path,
    dist: Path,
    reason: str,
) -> Path:
    """Build with PyInstaller's bootloader; the path of the executable."""
    if parsed.static and reason:
        print("no static file: that needs Python linked in", file=sys.stderr)
    payload = Payload(partial(zlib.compress, level=9))
    binaries = bootloader.Binaries(analysis)
    _add_modules(payload, modules)
    bootloader.add_libraries(payload, binaries, in_folder=parsed.folder)
    _add_data(payload, parsed)
    out = bootloader.build(payload, binaries, work, dist / parsed.name, in_folder=parsed.folder)
    if elf.HERE:
        _append_checksum(out)
    sbom.write(payload, __version__, out, bootloader=True)
    costs = "nothing is unpacked" if parsed.folder else bootloader.costs(binaries)
    because = f" ({reason})" if reason else ""
    parsed.started_by = f"PyInstaller's bootloader{because}: {costs}"
    table.write(payload, out, parsed)
    _check_glibc(payload, parsed)
    return out


def _with_launcher(
    analysis: Any, modules: list[Module], parsed: argparse.Namespace, work: Path, dist: Path
) -> Path:
    """Build with Python linked in; the path of the executable."""
    payload = Payload()
    _add_modules(payload, modules)
    folder = dist / f"{PROGRAM}.dir" if parsed.folder else None
    _add_libraries(payload, analysis, folder, work)
    _add_data(payload, parsed)
    payload.write(work)
    out = (folder or dist) / parsed.name
    out.parent.mkdir(parents=True, exist_ok=True)
    link.link(work, parsed.zstd, out)
    _append_checksum(out)
    payload.floors["the launcher with Python"] = elf.glibc_floor(str(out))
    sbom.write(payload, __version__, out)
    parsed.started_by = "a launcher with Python linked in: nothing is unpacked"
    table.write(payload, out, parsed)
    _check_glibc(payload, parsed)
    if parsed.static:
        glibc = link.of_glibc((str(out), *payload.sources.values()))
        program = work / PROGRAM
        static = out.with_name(f"{parsed.name}.static")
        link.link(work, parsed.zstd, program, outside=True)
        link.link_static(work, program, glibc, static)
        _append_checksum(static)
        sbom.write(payload, __version__, static, glibc)
        table.write(payload, static, parsed, program, glibc)
    return out


def _append_checksum(out: Path) -> None:
    """Write the last line, for ``self-check``. Nothing changes the file after this."""
    with out.open("r+b") as file:
        content = file.read() + b"\n"
        file.write(b"\n" + last_line.make(hashlib.sha256(content).hexdigest()))


def _check_glibc(payload: Payload, parsed: argparse.Namespace) -> None:
    """Compare the glibc that the file needs with the pinned one."""
    oldest = interpreter.glibc()
    newer = sorted(name for name, floor in payload.floors.items() if floor > oldest)
    if newer:
        pin = ".".join(map(str, oldest))
        kind = "error" if parsed.release else "warning"
        print(f"{kind}: newer than glibc {pin}: {', '.join(newer)}", file=sys.stderr)
        if parsed.release:
            sys.exit(1)


def _modules(analysis: Any) -> Iterator[Module]:
    sources = dict(_base_modules(analysis))
    sources |= {
        name: None if path in (None, "-") else Path(path) for name, path, _ in analysis.pure
    }
    # libpython has its own frozen modules.
    sources = {name: path for name, path in sources.items() if not _imp.is_frozen(name)}
    sources |= {name: contents.RUNTIME / f"{name}.py" for name in RUNTIME_MODULES}
    for name, path in sorted(sources.items()):
        if contents.is_kept(name):
            package = path is None or path.name == "__init__.py"
            yield Module(name, contents.code(name, path), package)


def _add_modules(payload: Payload, modules: list[Module]) -> None:
    # The modules of every start come first.
    for module in sorted(modules, key=lambda module: not contents.is_started_with(module.name)):
        if contents.is_started_with(module.name):
            payload.add_started_with(module.name, module.code, package=module.is_package)
        else:
            payload.add_module(module.name, module.code, package=module.is_package)


def _base_modules(analysis: Any) -> Iterator[tuple[str, Path]]:
    """The modules of the standard library that PyInstaller puts into an archive of their own."""
    [archive] = [path for name, path, _ in analysis.datas if name == "base_library.zip"]
    with ZipFile(archive) as file:
        for path in file.namelist():
            name = path.removesuffix(".pyc").removesuffix("/__init__").replace("/", ".")
            package = name.rpartition(".")[0]
            folders = find_spec(package).submodule_search_locations if package else None
            # By its file: once imported, collections.abc is _collections_abc under another name.
            # Python 3.13.0 has a file for that, and later ones have none.
            found = PathFinder.find_spec(name, folders)
            if found:
                yield name, Path(found.origin)


def _add_libraries(payload: Payload, analysis: Any, folder: Path | None, work: Path) -> None:
    paths = {}
    for name, path, kind in sorted(analysis.binaries):
        base = name.rpartition("/")[2]
        if base.startswith("libpython") or elf.OF_GLIBC.match(base):
            continue
        paths[base] = path
        if kind == "EXTENSION":
            module = name.rpartition("lib-dynload/")[2]
            payload.add_extension(module.partition(".")[0].replace("/", "."), base)
    for base, path in sorted(paths.items()):
        prepared = link.prepared(path, work)
        content = prepared.read_bytes()
        payload.sources[base] = path
        payload.floors[base] = elf.glibc_floor(str(prepared))
        needs = tuple(sorted(need for need in elf.needed(path) if need in paths))
        if folder:
            (folder / "lib").mkdir(parents=True, exist_ok=True)
            (folder / "lib" / base).write_bytes(content)
        payload.add_library(base, None if folder else content, needs)


def _add_data(payload: Payload, parsed: argparse.Namespace) -> None:
    if "ecr" in parsed.providers:
        import botocore

        data = aws_data.pruned(Path(botocore.__file__).parent / "data")
        for name, content in data.items():
            payload.add_data(f"botocore/data/{name}", content)
    if "certifi" in payload.code:
        import certifi

        payload.add_data("certifi/cacert.pem", Path(certifi.where()).read_bytes())
    own = contents.own_modules(parsed.providers)
    payload.add_data("patterns", patterns.table(own, contents.RUNTIME.parent.parent))
