"""Checks the private parts of a Python that the single file depends on: ``private_parts.py``.

It runs under the Python that it checks, without any package, and prints what does not hold as JSON.
packaging/README.md lists the same.
"""

# mypy: ignore-errors
# Private parts have no types.

import ctypes
import importlib.util
import json
import marshal
import os
import re
import sys
import sysconfig
import tempfile
import types
import zlib

PROBLEMS: list[str] = []


def holds(what: str, condition: object) -> None:
    if not condition:
        PROBLEMS.append(what)


class Frozen(ctypes.Structure):
    """``struct _frozen`` as the launcher fills it in."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("code", ctypes.c_void_p),
        ("size", ctypes.c_int),
        ("is_package", ctypes.c_int),
    ]


def frozen_table() -> None:
    """Python finds a module in a table of frozen modules that is set at run time."""
    code = marshal.dumps(compile("answer = 42", "of_ours", "exec"))
    content = ctypes.create_string_buffer(code, len(code))
    rows = (Frozen * 2)()
    rows[0] = Frozen(b"of_ours", ctypes.addressof(content), len(code), 0)
    table = ctypes.c_void_p.in_dll(ctypes.pythonapi, "PyImport_FrozenModules")
    table.value = ctypes.addressof(rows)
    import of_ours

    holds("PyImport_FrozenModules", of_ours.answer == 42)
    table.value = None


def importers() -> None:
    import _frozen_importlib
    import _imp

    finders = sys.meta_path
    holds("sys.meta_path ends with the finder of folders", finders[-1].__name__ == "PathFinder")
    first = [finder.__name__ for finder in finders[:2]]
    holds("sys.meta_path starts with these", first == ["BuiltinImporter", "FrozenImporter"])
    spec = _frozen_importlib.ModuleSpec("name", None, origin="o", is_package=True)
    holds("ModuleSpec", spec.submodule_search_locations == [])
    holds("_imp", {"create_dynamic", "exec_dynamic", "is_frozen"} <= set(dir(_imp)))
    holds("_imp.is_frozen", _imp.is_frozen("zipimport") and not _imp.is_frozen("json"))


def marshalled() -> None:
    compiled = compile("def f(a, b=(1, 'x')):\n    return a or b", "name", "exec")
    once = marshal.dumps(marshal.loads(marshal.dumps(compiled)))
    holds("marshal", once == marshal.dumps(marshal.loads(once)))


def patterns() -> None:
    asked = []

    class Cache(dict[object, object]):
        def __missing__(self, key: object) -> None:
            asked.append(key)
            raise KeyError(key)

    re._cache = re._cache2 = Cache()
    re.compile("a[b]", re.IGNORECASE)
    holds("re._cache", asked == [(str, "a[b]", int(re.IGNORECASE))])
    import _sre

    seen = []
    stand_in = types.SimpleNamespace(compile=lambda *a: seen.append(a) or _sre.compile(*a))
    for name in dir(_sre):
        if not hasattr(stand_in, name):
            setattr(stand_in, name, getattr(_sre, name))
    re._compiler._sre = stand_in
    re._compiler.compile("x(?P<n>y)")
    [arguments] = seen
    kinds = [type(argument) for argument in arguments]
    holds("_sre.compile", kinds == [str, int, list, int, dict, tuple])


def bootloader() -> None:
    """The parts that the file with PyInstaller's bootloader needs."""
    import _imp
    from _frozen_importlib import ModuleSpec

    # A stand-alone build is not in the folders that sysconfig names.
    folder = next(path for path in sys.path if path.endswith("lib-dynload"))
    library = next(name for name in sorted(os.listdir(folder)) if name.endswith(".so"))
    try:
        _imp.create_dynamic(ModuleSpec("preloaded", None, origin=os.path.join(folder, library)))
        problem = ""
    except ImportError as error:
        problem = str(error)
    holds("_imp.create_dynamic loads any library", "PyInit_preloaded" in problem)
    packed = zlib.compress(b"x" * 99)
    holds("zlib", zlib.decompress(packed, bufsize=99) == b"x" * 99)
    # A .pyc without a time is taken from an archive.
    import zipfile

    header = importlib.util.MAGIC_NUMBER + bytes(12)
    code = marshal.dumps(compile("answer = 43", "of_zip", "exec"))
    path = os.path.join(tempfile.mkdtemp(), "first.zip")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("of_zip.pyc", header + code)
    sys.path.insert(0, path)
    import of_zip

    holds("zipimport", of_zip.answer == 43)


def linked() -> None:
    """The parts that the launcher is linked with, if there is a static libpython."""
    names = ("LIBPL", "LDVERSION", "LIBS", "SYSLIBS", "MODLIBS")
    values = {name: sysconfig.get_config_var(name) for name in names}
    library = os.path.join(values["LIBPL"] or "", f"libpython{values['LDVERSION']}.a")
    if not os.path.isfile(library):
        return
    holds("sysconfig", all(value is not None for value in values.values()))
    with open(os.path.join(values["LIBPL"], "config.c")) as file:
        table = file.read()
    rows = set(re.findall(r'^    \{"(\w+)", PyInit_', table, re.MULTILINE))
    holds("config.c", rows and rows <= set(sys.builtin_module_names))


for check in (frozen_table, importers, marshalled, patterns, bootloader, linked):
    try:
        check()
    except Exception as error:
        PROBLEMS.append(f"{check.__name__}: {error!r}")
print(json.dumps(PROBLEMS))
