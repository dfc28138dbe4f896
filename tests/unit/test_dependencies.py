"""Our dependencies: pinned by hash, installed as pinned, with known licences.

All facts come from the installed packages and the files that pin them; no index is asked.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import cred_helper
from cred_helper import clouds
from cred_helper.clouds import CLOUDS
from tests.figures import FIGURES, Record
from tests.support.executable import ROOT

OURS = "docker-credential-multi"
PACKAGING = ROOT / "packaging"
FILES = sorted(PACKAGING.glob("requirements-*.txt"))
LEAST_PYTHON = "3.11"
# Each allows to ship a binary that contains the package, with its notice.
LICENCES = {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0"}
# The names of licences before there were SPDX expressions.
_OLDER_NAMES = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "Dual License": "Apache-2.0 OR BSD-3-Clause",
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}


class Pins:
    """All lines of a requirements file."""

    def __init__(self, path: Path) -> None:
        self.versions: dict[str, str] = {}
        self.hashes: dict[str, list[str]] = {}
        text = path.read_text("utf-8").replace("\\\n", " ")
        for line in filter(None, map(str.strip, text.splitlines())):
            found = re.fullmatch(r"([A-Za-z0-9._-]+)==([\w.!+-]+)((?:\s+--hash=\S+)*)", line)
            assert found, f"{path.name} has a line without a pin: {line[:100]}"
            name = canonicalize_name(found[1])
            assert name not in self.versions, f"{path.name} pins {name} twice"
            self.versions[name] = found[2]
            self.hashes[name] = re.findall(r"--hash=(\S+)", found[3])


@cache
def _runtime(requirement: str = OURS) -> dict[str, Distribution]:
    """Every installed package that the program, or a requirement of it, needs, by name."""
    found: dict[str, Distribution] = {}
    waiting = [Requirement(requirement)]
    seen: set[str] = set()
    while waiting:
        wanted = waiting.pop()
        if str(wanted) in seen:
            continue
        seen.add(str(wanted))
        found[canonicalize_name(wanted.name)] = dist = distribution(wanted.name)
        for text in dist.requires or ():
            needed = Requirement(text)
            extras = wanted.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in extras):
                waiting.append(needed)
    found.pop(OURS, None)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_requirement_is_pinned_by_version_and_hash(path: Path) -> None:
    for name, hashes in Pins(path).hashes.items():
        assert hashes, f"{name} has no hash"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes), name


def test_the_files_agree_on_every_version() -> None:
    everywhere: dict[str, set[str]] = {}
    for path in FILES:
        for name, version in Pins(path).versions.items():
            everywhere.setdefault(name, set()).add(version)
    assert {name: versions for name, versions in everywhere.items() if len(versions) > 1} == {}


def test_the_pins_are_the_needed_and_the_installed_packages(record_property: Record) -> None:
    installed = {name: dist.version for name, dist in _runtime().items()}
    assert installed == Pins(PACKAGING / "requirements-runtime.txt").versions
    hashes = Pins(PACKAGING / "requirements-runtime.txt").hashes
    record_property(
        FIGURES,
        f"dependencies: {len(installed)} at run time, pinned by {sum(map(len, hashes.values()))}"
        " hashes",
    )


def test_no_dependency_comes_from_a_url_or_a_working_copy() -> None:
    for dist in (distribution(OURS), *_runtime().values()):
        for text in dist.requires or ():
            assert Requirement(text).url is None, f"{dist.name} needs {text}"
    for name, dist in _runtime().items():
        assert dist.read_text("direct_url.json") is None, f"{name} does not come from an index"


def test_every_installed_file_has_the_hash_of_its_wheel(record_property: Record) -> None:
    checked = 0
    for name, dist in _runtime().items():
        for file in dist.files or ():
            if file.hash is None:
                continue  # the record itself, and compiled modules
            content = Path(str(file.locate())).read_bytes()
            digest = hashlib.new(file.hash.mode, content).digest()
            shown = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            assert shown == file.hash.value, f"{name}: {file} has changed since it was installed"
            checked += 1
    assert checked > 1000
    record_property(
        FIGURES, f"dependencies: {checked} installed files have the hashes of their wheels"
    )


def test_every_dependency_has_a_known_licence_and_supports_our_oldest_python() -> None:
    for name, dist in _runtime().items():
        licences = re.split(r" AND | OR ", _licence(dist).replace("(", "").replace(")", ""))
        assert set(licences) <= LICENCES, f"{name}: {_licence(dist)}"
    for name, dist in _runtime().items():
        said = ",".join(_fields(dist, "Requires-Python"))
        assert SpecifierSet(said).contains(f"{LEAST_PYTHON}.0"), f"{name}: {said}"


def _licence(dist: Distribution) -> str:
    prefix = "License :: OSI Approved :: "
    classifiers = [c for c in _fields(dist, "Classifier") if c.startswith(prefix)]
    candidates = [*_fields(dist, "License-Expression"), *_fields(dist, "License")]
    for candidate in (*candidates, *(c.removeprefix(prefix) for c in classifiers)):
        if candidate and "\n" not in candidate:
            return _OLDER_NAMES.get(candidate, candidate)
    return "unknown"


def _fields(dist: Distribution, name: str) -> list[str]:
    return dist.metadata.get_all(name) or []


def test_every_import_is_pinned() -> None:
    owners = packages_distributions()
    pinned = {*_runtime(), OURS}
    for path in sorted((ROOT / "cred_helper").rglob("*.py")):
        for module in _imports(path):
            if module in sys.stdlib_module_names or module.startswith("_"):
                continue
            given_by = {canonicalize_name(owner) for owner in owners.get(module, ())}
            assert given_by & pinned, f"{path.name} imports {module}, which is not pinned"


def test_finding_an_identity_imports_no_sdk_of_any_row() -> None:
    graph = grimp.build_graph("cred_helper", include_external_packages=True)
    for cloud in CLOUDS:
        package = f"cred_helper.providers.{cloud.name}"
        # The face of the package finds the identity too, and imports ``token`` for a get.
        graph.remove_import(importer=package, imported=f"{package}.token")
        finders = {name for name in graph.find_children(package) if name.endswith("identity")}
        for sdk in {name for any_cloud in CLOUDS for name in any_cloud.sdk} & graph.modules:
            for finder in {package, *finders}:
                assert graph.find_shortest_chain(finder, sdk) is None, f"{finder} imports {sdk}"


@pytest.mark.parametrize("cloud", clouds.NAMES)
def test_loading_a_provider_loads_no_sdk_and_nothing_that_connects(cloud: str) -> None:
    # -S: site may load modules of its own for editable installs.
    code = f"import sys; sys.path[:0] = [{str(ROOT)!r}]; import cred_helper.providers.{cloud}"
    command = [sys.executable, "-S", "-c", f"{code}; print(*sys.modules)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    sdks = {name for row in clouds.CLOUDS for name in row.sdk}
    assert f"cred_helper.providers.{cloud}" in done.stdout
    assert not loaded & (sdks | {"subprocess", "socket", "http", "urllib", "ssl"})


@pytest.mark.parametrize("cloud", CLOUDS, ids=clouds.NAMES)
def test_the_sdk_of_a_row_is_all_that_this_cloud_alone_needs(cloud: clouds.Cloud) -> None:
    ours = filter(lambda text: "extra ==" not in text, distribution(OURS).requires or ())
    needs = {text: _runtime(text) for text in ours}
    folder = ROOT / "cred_helper/providers" / cloud.name
    imported = {module for path in folder.glob("*.py") for module in _imports(path)}
    expected = set()
    for text, needed in needs.items():
        others = {name for other, names in needs.items() if other != text for name in names}
        own = {module for name in {*needed} - others for module in _modules(needed[name])}
        expected |= own if own & imported else set()
    assert {*cloud.sdk} == expected


def _modules(dist: Distribution) -> set[str]:
    """The top-level packages and modules of a distribution."""
    code = [path for path in dist.files or () if path.suffix == ".py" and path.parts[0] != ".."]
    return {path.parts[0].removesuffix(".py") for path in code}


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_the_map_in_the_package_docstring_has_every_module() -> None:
    named = set(re.findall(r"\w+", cred_helper.__doc__ or ""))
    modules = {module.name for module in pkgutil.iter_modules(cred_helper.__path__)}
    assert modules - named - {"__main__"} == set()
