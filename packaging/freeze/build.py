"""Builds the file from PyInstaller's analysis; the spec calls it."""

import _imp
import argparse
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from cred_helper import __version__, clouds
from freeze import aws_data, contents, elf, link, patterns, sbom, table
from freeze.payload import Payload
from freeze.source import digest

PROGRAM = "docker-credential-multi"

RUNTIME_MODULES = ("frozen_entry", "frozen_importer")


def options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="freeze")
    parser.add_argument("--zstd", type=Path, required=True, help="the folder with zstd.c")
    parser.add_argument("--providers", default=",".join(clouds.NAMES))
    parser.add_argument("--name", default=PROGRAM, help="the name of the file")
    parser.add_argument("--static", action="store_true", help="also the file that needs no libc")
    parser.add_argument("--folder", action="store_true", help="with its libraries in a folder")
    parsed = parser.parse_args(arguments)
    parsed.providers = [name for name in parsed.providers.split(",") if name not in ("", "none")]
    unknown = set(parsed.providers) - set(clouds.NAMES)
    if unknown:
        parser.error(f"unknown provider: {', '.join(sorted(unknown))}")
    parsed.sources = digest()
    return parsed


def hidden_imports(parsed: argparse.Namespace) -> list[str]:
    """The modules that are imported by name, which PyInstaller's analysis does not see."""
    loader = ["botocore_loader"] if "ecr" in parsed.providers else []
    return [*contents.own_modules(parsed.providers), "compiled_patterns", *loader]


def build(analysis: Any, parsed: argparse.Namespace, work: Path, dist: Path) -> None:
    try:
        link.check(work)
    except link.CannotLink as problem:
        sys.exit(f"error: {sys.executable}: {problem}")
    payload = Payload()
    _add_modules(payload, analysis)
    folder = dist / f"{PROGRAM}.dir" if parsed.folder else None
    _add_libraries(payload, analysis, folder, work)
    if "ecr" in parsed.providers:
        _add_aws_data(payload)
    if "certifi" in payload.code:
        import certifi

        payload.add_data("certifi/cacert.pem", Path(certifi.where()).read_bytes())
    own = contents.own_modules(parsed.providers)
    payload.add_data("patterns", patterns.table(own, contents.RUNTIME.parent.parent))
    payload.write(work)
    out = (folder or dist) / parsed.name
    out.parent.mkdir(parents=True, exist_ok=True)
    link.link(work, parsed.zstd, out)
    payload.floors["the launcher with Python"] = elf.glibc_floor(str(out))
    sbom.write(payload, __version__, out)
    table.write(payload, out, parsed)
    if parsed.static:
        glibc = link.of_glibc((str(out), *payload.sources.values()))
        program = work / PROGRAM
        static = out.with_name(f"{parsed.name}.static")
        link.link(work, parsed.zstd, program, outside=True)
        link.link_static(work, program, glibc, static)
        sbom.write(payload, __version__, static, glibc)
        table.write(payload, static, parsed, program, glibc)
    if digest() != parsed.sources:
        sys.exit("error: the sources changed during the build: build again")


def _add_modules(payload: Payload, analysis: Any) -> None:
    sources = dict(_base_modules(analysis))
    sources |= {
        name: None if path in (None, "-") else Path(path) for name, path, _ in analysis.pure
    }
    # libpython has its own frozen modules.
    sources = {name: path for name, path in sources.items() if not _imp.is_frozen(name)}
    sources |= {name: contents.RUNTIME / f"{name}.py" for name in RUNTIME_MODULES}
    kept = {name: path for name, path in sorted(sources.items()) if contents.is_kept(name)}
    # The modules of every start come first.
    for name, path in sorted(kept.items(), key=lambda item: not contents.is_started_with(item[0])):
        code = contents.code(name, path)
        package = path is None or path.name == "__init__.py"
        if contents.is_started_with(name):
            payload.add_started_with(name, code, package=package)
        else:
            payload.add_module(name, code, package=package)


def _base_modules(analysis: Any) -> Iterator[tuple[str, Path]]:
    """The modules of the standard library that PyInstaller puts into an archive of their own."""
    [archive] = [path for name, path, _ in analysis.datas if name == "base_library.zip"]
    with ZipFile(archive) as file:
        for path in file.namelist():
            name = path.removesuffix(".pyc").removesuffix("/__init__").replace("/", ".")
            found = find_spec(name)
            assert found is not None, name
            assert found.origin is not None, name
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
        content = link.stripped(path, work)
        payload.sources[base] = path
        if base not in elf.OPTIONAL:
            payload.floors[base] = elf.glibc_floor(path)
        needs = tuple(sorted(need for need in elf.needed(path) if need in paths))
        if folder:
            (folder / "lib").mkdir(parents=True, exist_ok=True)
            (folder / "lib" / base).write_bytes(content)
        payload.add_library(base, None if folder else content, needs)


def _add_aws_data(payload: Payload) -> None:
    import botocore

    for name, content in aws_data.pruned(Path(botocore.__file__).parent / "data").items():
        payload.add_data(f"botocore/data/{name}", content)
