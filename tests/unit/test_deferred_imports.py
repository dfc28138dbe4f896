"""The tables of deferred modules, compared with the SDKs; and how a deferred module behaves."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from cred_helper import clouds
from cred_helper.providers.common import deferred_imports
from cred_helper.providers.common.deferred_imports import COMMON, LATER, UNUSED
from tests.support.executable import ROOT

OWN = {
    cloud.name: import_module(f"cred_helper.providers.{cloud.name}.sdk_imports").TABLES
    for cloud in clouds.CLOUDS
    if (ROOT / "cred_helper/providers" / cloud.name / "sdk_imports.py").exists()
}
TABLES = {package: table for tables in (COMMON, *OWN.values()) for package, table in tables.items()}
PINS = (ROOT / "packaging/requirements-runtime.txt").read_text("utf-8")

DEFER = """
import sys
from cred_helper.providers.common import deferred_imports
deferred_imports.use({tables})
"""


def run(program: str, *, folder: Path = ROOT) -> str:
    """The output of a new interpreter that finds modules in a folder first."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={"PYTHONPATH": f"{folder}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("package", [package for package in TABLES if package != "python"])
def test_the_version_of_each_table_is_the_pinned_one(package: str) -> None:
    name, _, version = package.rpartition("-")
    pinned = re.search(rf"^{name.replace('_', '-')}==(\d+\.\d+)", PINS, re.MULTILINE)
    assert pinned is not None
    assert pinned[1] == version, "compare the table with the new version, then change its number"


def test_each_place_gives_the_object_that_the_module_has() -> None:
    places = {
        (module, name): place
        for table in TABLES.values()
        for module, names in table.items()
        for name, place in names.items()
    }
    # typing_extensions has variants of its own for this Python.
    checked = {key: it for key, it in places.items() if key[0] != "typing_extensions"}
    output = run(
        f"""
from importlib import import_module
for (module, name), place in {checked!r}.items():
    real = getattr(import_module(module), name)
    if place in {(LATER, UNUSED)!r}:
        same = callable(real) or module in ("email.policy", "unicodedata")
    else:
        same = getattr(import_module(place), name) is real
    if not same:
        print(module, name)
"""
    )
    assert output == ""


def test_each_place_can_be_used_first_in_a_process() -> None:
    output = run(
        DEFER.format(tables=repr({}))
        + f"""
import os
from importlib import import_module
for tables in {list(OWN.values())!r}:
    deferred_imports.use(tables)
for module, names in {[entry for table in TABLES.values() for entry in table.items()]!r}:
    for name in names:
        child = os.fork()
        if not child:
            run = deferred_imports._run
            deferred_imports._run = lambda ran: os._exit(1) if ran.__name__ == module else run(ran)
            getattr(import_module(module), name)
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            print(module, name)
"""
    )
    assert output == ""


@pytest.fixture(name="package")
def _package(tmp_path: Path) -> Path:
    """A package whose modules say when they run."""
    folder = tmp_path / "pack"
    folder.mkdir()
    (tmp_path / "pack-1.2.3.dist-info").mkdir()
    folder.joinpath("__init__.py").write_text(
        "print('body')\nfrom pack.part import thing\nother = 1\ndef function(x): return x + 1\n"
    )
    folder.joinpath("part.py").write_text("print('part')\nthing = object()\n")
    folder.joinpath("broken.py").write_text("import pack.absent\n")
    folder.joinpath("plain.py").write_text("print('plain')\nvalue = 2\n")
    return tmp_path


def deferred(package: Path, rest: str, version: str = "1.2") -> list[str]:
    """What a program prints that defers the package."""
    table = {
        "pack": {"thing": "pack.part", "function": LATER, "Ignored": UNUSED},
        "pack.broken": {},
        "pack.plain": {},
    }
    program = DEFER.format(tables=repr({f"pack-{version}": table}))
    return run(program + rest, folder=package).split("\n")[:-1]


def test_a_module_runs_when_a_name_without_a_place_is_used(package: Path) -> None:
    assert deferred(package, "import pack\nprint('imported')\nprint(pack.other)") == [
        *("imported", "body", "part", "1")
    ]


def test_a_name_with_a_place_is_the_one_of_the_module(package: Path) -> None:
    program = """
from pack import thing
print('used')
import pack
pack.other
from pack import thing as again
print(again is thing)
"""
    assert deferred(package, program) == ["part", "used", "body", "True"]


def test_a_function_that_is_called_is_the_real_one(package: Path) -> None:
    program = """
from pack import function
print('imported')
print(function(1), function(2))
"""
    assert deferred(package, program) == ["imported", "body", "part", "2 3"]


def test_an_object_is_the_real_one_when_something_of_it_is_used() -> None:
    program = (
        DEFER.format(tables="{}")
        + """
before = len(sys.modules)
print("registry.example".encode("idna").decode(), len(sys.modules) - before)
print(hasattr(sys.modules["unicodedata"], "unidata_version"), "bücher.example".encode("idna"))
print(sys.modules["unicodedata"].normalize("NFKC", "\u2460"))
"""
    )
    assert run(program).splitlines() == [
        *("registry.example 3", "True b'xn--bcher-kva.example'", "1")
    ]


def test_a_class_is_the_real_one_for_subclasses_and_instances(package: Path) -> None:
    package.joinpath("pack/__init__.py").write_text(
        "class function:\n    def __class_getitem__(cls, key): return key\n"
    )
    program = """
from pack import function
class Heir(function): pass
print(Heir.__mro__[1].__name__, isinstance(Heir(), function), function[int])
"""
    assert deferred(package, program) == ["function True <class 'int'>"]


def test_a_class_that_nothing_reads_takes_everything(package: Path) -> None:
    assert deferred(package, "from pack import Ignored\nIgnored(1, two=2)\nprint('done')") == [
        "done"
    ]


def test_a_submodule_is_imported_without_the_package(package: Path) -> None:
    program = """
from pack import plain
import pack.part
print(plain.value, sys.modules['pack'].plain is plain)
"""
    assert deferred(package, program) == ["part", "plain", "2 True"]


def test_an_unknown_name_is_an_attribute_error(package: Path) -> None:
    program = """
import pack
try:
    pack.absent
except AttributeError as error:
    print(error)
try:
    from pack.plain import absent
except ImportError as error:
    print(type(error).__name__)
"""
    assert deferred(package, program) == [
        *("body", "part", "module 'pack' has no attribute 'absent'", "plain", "ImportError")
    ]


def test_a_body_that_fails_fails_each_time_it_is_used(package: Path) -> None:
    program = """
import pack.broken
for _ in range(2):
    try:
        pack.broken.anything
    except ImportError as error:
        print(error.name)
"""
    assert deferred(package, program) == ["pack.absent", "pack.absent"]


def test_switched_off_every_body_has_run_and_imports_are_as_usual(package: Path) -> None:
    program = """
import pack.plain
try:
    import pack.broken
finally:
    deferred_imports.switch_off()
    print(deferred_imports.names())
import pack.part
deferred_imports.use({"pack-1.2": {"pack.last": {}}})
import pack.last
"""
    (package / "pack/last.py").write_text("print('last')\n")
    printed = ["body", "part", "plain", "['pack.broken']", "last"]
    assert deferred(package, program) == printed


def test_switched_off_the_sdks_of_all_clouds_are_whole() -> None:
    program = f"""
deferred_imports.use(*{list(OWN.values())!r})
import boto3, botocore.session, google.auth.transport.requests, azure.identity, requests
print(len(deferred_imports.names()) > 10)
deferred_imports.switch_off()
print(deferred_imports.names())
"""
    assert run(DEFER.format(tables="{}") + program).split() == ["True", "[]"]


def test_doctor_asks_several_clouds_at_once_with_nothing_deferred() -> None:
    program = """
from cred_helper.commands.doctor.online import online
list(online([], print))
print(deferred_imports.Finder in sys.meta_path)
"""
    assert run(DEFER.format(tables="{}") + program).split() == ["False"]


def test_a_cycle_of_imports_is_resolved_by_the_order_of_the_bodies(package: Path) -> None:
    folder = package / "pack"
    folder.joinpath("__init__.py").write_text(
        "from pack.base import Base\nfrom pack.part import thing"
    )
    folder.joinpath("base.py").write_text("class Base: pass\nimport pack.part\n")
    folder.joinpath("part.py").write_text("from pack import Base\nthing = Base()\n")
    assert deferred(package, "from pack import thing\nprint(type(thing).__name__)") == ["Base"]


def test_no_import_of_another_version_is_deferred(package: Path) -> None:
    assert deferred(package, "import pack\nprint('imported')", version="1.3") == [
        *("body", "part", "imported")
    ]


def test_a_module_that_its_loader_makes_has_its_spec_when_it_runs() -> None:
    # As the loader of the frozen file, which has every library.
    module = deferred_imports._DeferredModule("made")
    made = ModuleType("made")

    class Loader:
        @staticmethod
        def create_module(_spec: ModuleSpec) -> ModuleType:
            return made

        @staticmethod
        def exec_module(module: ModuleType) -> None:
            assert module.__spec__ is not None
            module.__dict__["thing"] = module.__spec__.name

    module.__spec__ = ModuleSpec("made", deferred_imports._Loader(Loader()))  # type: ignore[arg-type]
    deferred_imports._run(module)
    assert module.__dict__["thing"] == "made"
