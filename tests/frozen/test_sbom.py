"""The list of what is in a file holds what is found in the file, and nothing else."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.executable import ROOT
from tests.frozen.files import FILE, STATIC

FREEZER = ROOT / "build/freeze/venv/bin/python"
SLIM = sorted(ROOT.glob("build/freeze/slim/*/docker-credential-multi*"))
FILES = [path for path in (FILE, STATIC, *SLIM) if path.suffix in ("", ".static")]
# What compiled files say of what is linked into them.
OWN_WORDS = {
    "openssl": rb"OpenSSL (\d\.\d+\.\d+[a-z]?) \d{1,2} [A-Z][a-z][a-z] 20\d\d",
    "expat": rb"expat_(\d\.\d+\.\d+)",
    "zlib": rb"deflate (\d\.[\d.]+) Copyright",
    "glibc": rb"GNU C Library .*stable release version (\d\.\d+)\.",
    "rust-std": rb"rustc version (\d\.\d+\.\d+)",
    "sqlite": rb"SQLite version (\d\.\d+\.\d+)",
    "bzip2": rb"(\d\.\d\.\d), \d{1,2}-[A-Z][a-z][a-z]-20\d\d",
}
# Packages by a module that each of them has, and no other.
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
    pytest.mark.skipif(not FREEZER.exists(), reason="make frozen sets up what looks into a file"),
]


class Compiled:
    """One ELF file that was found inside."""

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
        """Whether a place in the list is this library or extension module."""
        if self.soname:
            return location == self.soname
        return location.partition(".")[0] in self.modules


def _readelf(option: str, path: Path) -> str:
    command = ["readelf", option, "--wide", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Listed:
    """A file, what was found in it, and the list of what is in it."""

    def __init__(self, file: Path, folder: Path) -> None:
        self.file = file
        command = [FREEZER, Path(__file__).with_name("inside.py"), file, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        self.modules = set(json.loads(done.stdout))
        self.compiled = [Compiled(path) for path in sorted(folder.glob("*.elf"))]
        self.document = json.loads(Path(f"{file}.cdx.json").read_text("utf-8"))
        self.components: list[dict[str, Any]] = self.document["components"]

    def versions(self, name: str) -> set[str]:
        """Of what has this name, but for packages: those may be called as what they bind."""
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


def test_the_list_is_of_this_very_file(listed: Listed) -> None:
    told = listed.document["metadata"]["component"]
    assert told["name"] == listed.file.name
    [digest] = told["hashes"]
    assert digest["content"] == hashlib.sha256(listed.file.read_bytes()).hexdigest()


def test_every_library_that_is_found_is_in_the_list(listed: Listed) -> None:
    libraries = [c for c in listed.compiled if (c.soname or c.modules) and not c.is_program]
    assert len(libraries) > 30
    locations = set(listed.locations)
    missing = [
        found.soname or found.modules
        for found in libraries
        if not any(found.is_named(location) for location in locations)
    ]
    assert missing == []


def test_no_file_is_in_the_list_that_is_not_found(listed: Listed) -> None:
    gone = {
        location
        for location in listed.locations
        if location != listed.file.name
        and not any(found.is_named(location) for found in listed.compiled)
    }
    assert gone == set()


@pytest.mark.parametrize("name", OWN_WORDS)
def test_what_says_that_it_is_linked_in_is_in_the_list(listed: Listed, name: str) -> None:
    found = {
        version.decode()
        for compiled in listed.compiled
        for version in re.findall(OWN_WORDS[name], compiled.content)
    }
    assert listed.versions(name) == found


def test_what_is_linked_in_and_says_nothing_is_in_the_list(listed: Listed) -> None:
    assert listed.versions("zstd")
    assert listed.versions("cpython")
    for compiled in listed.compiled:
        if "ffi_prep_cif" in compiled.defines:
            assert listed.versions("libffi"), compiled.soname or compiled.modules
        if "_decimal" in compiled.modules and "libmpdec" not in " ".join(compiled.needs):
            assert listed.versions("libmpdec")


def test_a_package_is_in_the_list_where_its_modules_are_in_the_file(listed: Listed) -> None:
    told = {component["name"] for component in listed.components}
    assert {name for name in PACKAGES if name in told} == {
        name for name, module in PACKAGES.items() if module in listed.modules
    }


def test_every_library_that_a_library_needs_is_in_the_file_or_glibcs(listed: Listed) -> None:
    carried = {found.soname for found in listed.compiled}
    needed = set().union(*(found.needs for found in listed.compiled)) - carried
    if listed.file.suffix == ".static":
        assert needed == set()
    else:
        glibc = r"(ld-linux[\w-]*|lib(c|m|dl|rt|pthread|util|resolv))\.so\.\d"
        assert {name for name in needed if not re.fullmatch(glibc, name)} == set()


def test_a_build_without_a_cloud_has_nothing_to_encrypt_and_nothing_to_encrypt_with() -> None:
    file = ROOT / "build/freeze/slim/none/docker-credential-multi"
    if not file.exists():
        pytest.skip("make frozen/sizes makes it")
    told = {c["name"] for c in json.loads(Path(f"{file}.cdx.json").read_text())["components"]}
    assert told & {"cryptography", "cffi", "botocore", "google-auth", "azure-core"} == set()
