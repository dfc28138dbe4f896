"""The SBOM of a file: a CycloneDX document of its packages, shared and linked libraries.

Python packages come from their metadata, and what was compiled into them from SBOMs of their own.
Libraries that are linked into a compiled file are found in its bytes, by the version string that
most of them carry. Each component names the files that contain it.

Source: https://cyclonedx.org/docs/1.5/json/, https://peps.python.org/pep-0770/
"""

import decimal
import hashlib
import json
import os
import platform
import re
import sys
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from freeze import elf
from freeze.origin import origin
from freeze.payload import EXTENSION, Payload

# Shared libraries of the system: project, and vendor and product of their CPE.
PROJECTS = {
    "libcrypto": ("openssl", "openssl:openssl"),
    "libssl": ("openssl", "openssl:openssl"),
    "libz": ("zlib", "zlib:zlib"),
    "libffi": ("libffi", "libffi_project:libffi"),
    "libexpat": ("expat", "libexpat_project:libexpat"),
    "libmpdec": ("libmpdec", "bytereef:libmpdec"),
    "libgcc_s": ("libgcc", "gnu:gcc"),
}
PRODUCTS = dict(PROJECTS.values()) | {
    "cpython": "python:python",
    "glibc": "gnu:glibc",
    "zstd": "facebook:zstandard",
}
# By the version of cffi: the libffi that is linked into its wheels for Linux.
# Source: https://github.com/python-cffi/cffi/blob/v2.1.0/.github/workflows/ci.yaml
LIBFFI_OF_CFFI = {"2.1.1": "3.4.6"}
# The version strings that libraries leave in the files they are linked into.
VERSIONS = {
    "openssl": rb"OpenSSL (\d+\.\d+\.\d+[a-z]*) +\d+ [A-Z][a-z]{2} \d{4}",
    "expat": rb"\bexpat_(\d+\.\d+\.\d+)",
    "zlib": rb"\b(?:de|in)flate (\d+(?:\.\d+)+) Copyright",
    "glibc": rb"GNU C Library [^\n]*release version (\d+\.\d+)",
    "rust-std": rb"\brustc version (\d+\.\d+\.\d+)",
}


@dataclass
class Component:
    name: str
    version: str | None = None
    purl: str | None = None
    licenses: list[dict[str, Any]] = field(default_factory=list)
    files: set[str] = field(default_factory=set)

    def entry(self) -> dict[str, Any]:
        cpe = evidence = None
        # Packages have a purl; some have the name of the library that they bind. Those of a
        # distribution have fixes that no CPE has.
        packaged = (self.purl or "").startswith(("pkg:cargo/", "pkg:deb/", "pkg:pypi/", "pkg:rpm/"))
        if self.version and self.name in PRODUCTS and not packaged:
            cpe = f"cpe:2.3:a:{PRODUCTS[self.name]}:{self.version}:*:*:*:*:*:*:*"
        if self.files:
            evidence = {"occurrences": [{"location": name} for name in sorted(self.files)]}
        entry = {
            "type": "library", "name": self.name, "version": self.version,
            "licenses": self.licenses, "cpe": cpe, "purl": self.purl, "evidence": evidence,
        }  # fmt: skip
        return {member: value for member, value in entry.items() if value}


class Inventory:
    """The components by name and version, each with all files that contain it."""

    def __init__(self) -> None:
        self._components: dict[tuple[str, str | None], Component] = {}

    def add(self, component: Component) -> None:
        known = self._components.setdefault((component.name, component.version), component)
        known.purl = known.purl or component.purl
        known.licenses = known.licenses or component.licenses
        known.files |= component.files

    def entries(self) -> list[dict[str, Any]]:
        found = sorted(
            self._components.items(), key=lambda item: (item[0][0].lower(), str(item[0]))
        )
        return [component.entry() for _, component in found]


def write(
    payload: Payload,
    version: str,
    out: Path,
    glibc: dict[str, Path] | None = None,
    *,
    bootloader: bool = False,
) -> None:
    """Write the SBOM beside ``out``, which may also contain files of glibc or the bootloader."""
    inventory = Inventory()
    if bootloader:
        inventory.add(_package(metadata.metadata("pyinstaller"), {out.name}))
    _add_packages(inventory, payload)
    for name, path in (glibc or {}).items():
        _add_library(inventory, name, str(path), "glibc", glibc["libc.so.6"])
    _add_compiled(inventory, payload, out, bootloader=bootloader)
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    taken_at = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), UTC)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}",
        "version": 1,
        "metadata": {
            "timestamp": taken_at.isoformat().replace("+00:00", "Z"),
            "component": {
                "type": "application",
                "name": out.name,
                "version": version,
                "hashes": [{"alg": "SHA-256", "content": digest}],
            },
        },
        "components": inventory.entries(),
    }
    Path(f"{out}.cdx.json").write_text(json.dumps(document, indent=1) + "\n")


# --- Python packages ------------------------------------------------------------------------------


def _add_packages(inventory: Inventory, payload: Payload) -> None:
    tops = {name.partition(".")[0] for name in payload.modules}
    owners = metadata.packages_distributions()
    for name in sorted({name for top in tops for name in owners.get(top, ())}):
        files = metadata.files(name) or []
        # A namespace (google) belongs to several packages: only some of them are in the file.
        if not any(_module(file) in payload.modules for file in files):
            continue
        libraries = {file.name for file in files} & {Path(name).name for name in payload.sources}
        inventory.add(_package(metadata.metadata(name), libraries))
        if libraries:
            for component in _compiled_into(files):
                component.files |= libraries
                inventory.add(component)


def _module(file: metadata.PackagePath) -> str:
    return file.as_posix().partition(".")[0].removesuffix("/__init__").replace("/", ".")


def _package(found: metadata.PackageMetadata, libraries: set[str]) -> Component:
    name, version = found["Name"], found["Version"]
    license_name = found.get("License-Expression") or found.get("License") or ""
    short = bool(license_name) and len(license_name) < 80
    return Component(
        name,
        version,
        f"pkg:pypi/{name.lower().replace('_', '-')}@{version}",
        [{"license": {"name": license_name}}] if short else [],
        libraries,
    )


def _compiled_into(files: Iterable[metadata.PackagePath]) -> Iterator[Component]:
    """The components of the SBOMs that a package ships."""
    for file in files:
        if ".dist-info/sboms/" in file.as_posix() and file.suffix == ".json":
            for entry in json.loads(file.read_text(encoding="utf-8"))["components"]:
                if entry.get("scope") != "excluded":  # a build tool
                    known = entry.get("version"), entry.get("purl"), entry.get("licenses", [])
                    yield Component(entry["name"], *known)


# --- Compiled files -------------------------------------------------------------------------------


def _add_compiled(inventory: Inventory, payload: Payload, out: Path, *, bootloader: bool) -> None:
    import zstandard

    python = platform.python_version()
    if not bootloader:
        zstd = ".".join(map(str, zstandard.ZSTD_VERSION))
        inventory.add(Component("zstd", zstd, f"pkg:generic/zstd@{zstd}", files={out.name}))
    package = origin(str(Path(getattr(sys, "_base_executable", sys.executable)).resolve()))
    purl = package.purl if package else f"pkg:generic/python@{python}"
    inventory.add(Component("cpython", python, purl, files={out.name}))
    packaged = {file.name for found in metadata.distributions() for file in found.files or ()}
    extensions = {entry[1] for entry in payload.modules.values() if entry[0] == EXTENSION}
    for place, path in payload.sources.items():
        name = place.rpartition("/")[2]
        if name in packaged:
            pass  # its package is listed already
        elif place in extensions or name.startswith(("libpython", "python3", "Python")):
            inventory.add(Component("cpython", python, files={name}))
        else:
            stem = name.partition(".")[0]
            project, _ = PROJECTS.get(stem, (stem, ""))
            _add_library(inventory, name, path, project)
    _add_decimal(inventory, payload, out)
    for name, path in {out.name: str(out), **payload.sources}.items():
        for linked in _linked_in(path):
            linked.files.add(Path(name).name)
            inventory.add(linked)


def _add_library(
    inventory: Inventory, name: str, path: str, project: str, main: Path | None = None
) -> None:
    """Add a shared library of the system.

    Its version is in its bytes, or in those of ``main`` (libc for all of glibc), or its package's.
    """
    package = origin(path)
    versions = (found.version for found in _linked_in(str(main or path)) if found.name == project)
    version = next(filter(None, versions), package.version if package else None)
    inventory.add(Component(project, version, package.purl if package else None, files={name}))


def _linked_in(path: str) -> Iterator[Component]:
    """The libraries that are linked into a compiled file."""
    content = Path(path).read_bytes()
    for name, pattern in VERSIONS.items():
        for version in {found.decode() for found in re.findall(pattern, content)}:
            yield Component(name, version, f"pkg:generic/{name}@{version}")
    # libffi leaves no version string, but its symbols are visible.
    if not elf.HERE:
        return
    if "ffi_prep_cif" in elf.defined(path) and not elf.soname(path).startswith("libffi."):
        version = LIBFFI_OF_CFFI.get(metadata.version("cffi")) if "_cffi_" in path else None
        yield Component("libffi", version, version and f"pkg:generic/libffi@{version}")


def _add_decimal(inventory: Inventory, payload: Payload, out: Path) -> None:
    """Add Python's copy of libmpdec, unless Python uses the system's library."""
    is_there = "_decimal" in payload.modules or "_decimal" in sys.builtin_module_names
    if is_there and not any(Path(name).name.startswith("libmpdec.") for name in payload.sources):
        _, *library = payload.modules.get("_decimal", (None, out.name))
        version = decimal.__libmpdec_version__
        purl = f"pkg:generic/libmpdec@{version}"
        files = {Path(name).name for name in library}
        inventory.add(Component("libmpdec", version, purl, files=files))
