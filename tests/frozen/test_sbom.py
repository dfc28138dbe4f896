"""The SBOM of a file lists the components that are found in the file, and no others."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.frozen.files import BOOTLOADER, FILE, STATIC
from tests.support.executable import ROOT

FREEZER = ROOT / "build/freeze/venv/bin/python"
SLIM = sorted(ROOT.glob("build/freeze/slim/*/docker-credential-multi*"))
FILES = [path for path in (FILE, STATIC, BOOTLOADER, *SLIM) if path.suffix in ("", ".static")]
# The version strings of libraries that are linked into a compiled file.
VERSION_STRINGS = {
    "openssl": rb"OpenSSL (\d\.\d+\.\d+[a-z]?) \d{1,2} [A-Z][a-z][a-z] 20\d\d",
    "expat": rb"expat_(\d\.\d+\.\d+)",
    "zlib": rb"deflate (\d\.[\d.]+) Copyright",
    "glibc": rb"GNU C Library .*stable release version (\d\.\d+)\.",
    "rust-std": rb"rustc version (\d\.\d+\.\d+)",
    "sqlite": rb"SQLite version (\d\.\d+\.\d+)",
    "bzip2": rb"(\d\.\d\.\d), \d{1,2}-[A-Z][a-z][a-z]-20\d\d",
}
# A module that only this package has.
PACKAGES = {
    "azure-identity": "azure.identity",
    "botocore": "botocore",
    "certifi": "certifi",
    "charset-normalizer": "charset_normalizer",
    "click": "click",
    "cryptography": "cryptography",
    "google-auth": "google.auth",
    "msal": "msal",
    "PyJWT": "jwt",
    "requests": "requests",
    "typing_extensions": "typing_extensions",
    "urllib3": "urllib3",
}

pytestmark = [
    pytest.mark.skipif(
        not FREEZER.exists(), reason="no packages to open a file with: make frozen installs them"
    )
]


class Compiled:
    """One ELF file in the file."""

    def __init__(self, path: Path) -> None:
        self.content = path.read_bytes()
        dynamic = _readelf("--dynamic", path)
        self.soname = "".join(re.findall(r"\(SONAME\).*\[(.+)\]", dynamic))
        self.needs = set(re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic))
        symbols = re.findall(r"(\w+) +([\w@.]+)$", _readelf("--dyn-syms", path), re.MULTILINE)
        self.defines = {name for section, name in symbols if section != "UND"}
        self.modules = {n[7:] for n in self.defines if n.startswith("PyInit_")}
        self.is_program = "INTERP" in _readelf("--program-headers", path)

    def is_named(self, location: str) -> bool:
        """Whether a location in the SBOM is this library or extension module."""
        if self.soname:
            return location == self.soname
        return location.partition(".")[0] in self.modules


def _readelf(option: str, path: Path) -> str:
    command = ["readelf", option, "--wide", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Listed:
    """A file, its contents, and its SBOM."""

    def __init__(self, file: Path, folder: Path) -> None:
        self.file = file
        command = [FREEZER, Path(__file__).with_name("inside.py"), file, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        self.modules = set(json.loads(done.stdout))
        self.compiled = [Compiled(path) for path in sorted(folder.glob("*.elf"))]
        self.document = json.loads(Path(f"{file}.cdx.json").read_text("utf-8"))
        self.components: list[dict[str, Any]] = self.document["components"]

    def versions(self, name: str) -> set[str]:
        """The versions of a component, without Rust packages of the same name."""
        return {
            component.get("version", "")
            for component in self.components
            if component["name"] == name and "pkg:cargo/" not in component.get("purl", "")
        }

    @property
    def locations(self) -> Iterator[str]:
        for component in self.components:
            for place in component.get("evidence", {}).get("occurrences", []):
                yield place["location"]


@pytest.fixture(scope="module", params=FILES, ids=lambda path: str(path.relative_to(ROOT)))
def listed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Listed:
    if not request.param.exists():
        pytest.skip("make frozen/static makes it")
    return Listed(request.param, tmp_path_factory.mktemp("inside"))


def test_the_sbom_has_the_hash_of_the_file(listed: Listed) -> None:
    component = listed.document["metadata"]["component"]
    assert component["name"] == listed.file.name
    [digest] = component["hashes"]
    assert digest["content"] == hashlib.sha256(listed.file.read_bytes()).hexdigest()


def test_every_library_in_the_file_is_in_the_sbom(listed: Listed) -> None:
    libraries = [c for c in listed.compiled if (c.soname or c.modules) and not c.is_program]
    assert len(libraries) > 9  # Debian 13 links most modules into libpython
    locations = set(listed.locations)
    missing = [
        found.soname or found.modules
        for found in libraries
        if not any(found.is_named(location) for location in locations)
    ]
    assert missing == []


def test_every_location_in_the_sbom_is_in_the_file(listed: Listed) -> None:
    gone = {
        location
        for location in listed.locations
        if location != listed.file.name
        and not any(found.is_named(location) for found in listed.compiled)
    }
    assert gone == set()


@pytest.mark.parametrize("name", VERSION_STRINGS)
def test_a_linked_library_with_a_version_string_is_in_the_sbom(listed: Listed, name: str) -> None:
    found = {
        version.decode()
        for compiled in listed.compiled
        for version in re.findall(VERSION_STRINGS[name], compiled.content)
    }
    assert listed.versions(name) == found


def test_a_linked_library_without_a_version_string_is_in_the_sbom(listed: Listed) -> None:
    assert listed.versions("pyinstaller" if listed.file == BOOTLOADER else "zstd")
    assert listed.versions("cpython")
    for compiled in listed.compiled:
        if "ffi_prep_cif" in compiled.defines:
            assert listed.versions("libffi"), compiled.soname or compiled.modules
            assert "" not in listed.versions("libffi")
        if "_decimal" in compiled.modules and "libmpdec" not in " ".join(compiled.needs):
            assert listed.versions("libmpdec")


def test_the_interpreter_and_its_openssl_and_expat_are_in_the_sbom_with_their_versions(
    listed: Listed,
) -> None:
    done = subprocess.run(
        [FREEZER, "-c", "from freeze.interpreter import found; print(*found().values())"],
        env={"PYTHONPATH": str(ROOT / "packaging")},
        capture_output=True,
        text=True,
        check=True,
    )
    python, openssl, expat = done.stdout.split()
    assert listed.versions("cpython") == {python}
    for component in listed.components:
        # A scanner that reads both takes the fixes of the distribution for missing.
        assert "cpe" not in component or "pkg:deb/" not in component["purl"], component
    if "ssl" in listed.modules:
        assert openssl in listed.versions("openssl")
    if "pyexpat" in listed.modules:
        assert listed.versions("expat") == {expat}


def test_a_package_is_in_the_sbom_if_its_modules_are_in_the_file(listed: Listed) -> None:
    names = {component["name"] for component in listed.components}
    assert {name for name in PACKAGES if name in names} == {
        name for name, module in PACKAGES.items() if module in listed.modules
    }


def test_the_libraries_that_a_library_needs_are_in_the_file_or_part_of_glibc(
    listed: Listed,
) -> None:
    carried = {found.soname for found in listed.compiled}
    needed = set().union(*(found.needs for found in listed.compiled)) - carried
    if listed.file.suffix == ".static":
        assert needed == set()
    else:
        glibc = r"(ld-linux[\w-]*|lib(c|m|dl|rt|pthread|util|resolv))\.so\.\d"
        assert {name for name in needed if not re.fullmatch(glibc, name)} == set()


def test_a_build_without_a_cloud_has_no_cryptography() -> None:
    file = ROOT / "build/freeze/slim/none/docker-credential-multi"
    if not file.exists():
        pytest.skip("make frozen/sizes makes it")
    names = {c["name"] for c in json.loads(Path(f"{file}.cdx.json").read_text())["components"]}
    assert names & {"cryptography", "cffi", "botocore", "google-auth", "azure-core"} == set()
